/**
 * Whom a rollout hurt: control says which versions and since when, the meters who failed there, control again who was put
 * back. Posture: closed; where the meters cannot be asked the answer is a refusal, never an empty list.
 */
import type { HurtAccountView } from "../contracts/api/gates.ts";
import type { Refusal } from "../contracts/problems.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import type { Services } from "./deps.ts";

const TENTHS = 10;

interface Found {
  readonly items: HurtAccountView[];
  readonly cursor: null;
}

export async function findImpact(
  {
    control,
    meters,
  }: {
    readonly control: Pick<Services["control"], "query">;
    readonly meters: Pick<Services["meters"], "hurt">;
  },
  { id, limit }: { readonly id: string; readonly limit: number },
): Promise<Result<Found, Refusal>> {
  const asked = await control.query("rollout.impact", { id, accounts: [] });
  if (!asked.ok) return asked;
  const { startedMs, targets } = asked.value;
  if (startedMs === null) return ok({ items: [], cursor: null });
  const hurt = await askMeters(meters, { targets, sinceMs: startedMs, limit });
  if (hurt === null) {
    const detail = "The meters do not answer, so it is not known whom it hurt. Try again.";
    return err({ problem: "control-unavailable", detail });
  }
  const accounts = [...new Set(hurt.map(({ account }) => account))];
  const facts = await control.query("rollout.impact", { id, accounts });
  if (!facts.ok) return facts;
  const back = new Map(facts.value.back.map((one) => [one.account, one]));
  const items = hurt.map(({ account, product, minutes, failures, requests }): HurtAccountView => {
    const was = back.get(account);
    return {
      account,
      product,
      minutes: Math.ceil(minutes * TENTHS) / TENTHS,
      failures,
      requests,
      putBackAt: was === undefined ? null : new Date(was.atMs).toISOString(),
      putBackBy: was?.by ?? null,
    };
  });
  return ok({ items: items.toSorted((a, b) => b.minutes - a.minutes).slice(0, limit), cursor: null });
}

type Hurt = Omit<HurtAccountView, "putBackAt" | "putBackBy">;

async function askMeters(
  meters: Pick<Services["meters"], "hurt">,
  of: {
    readonly targets: readonly { readonly product: string; readonly versions: readonly string[] }[];
    readonly sinceMs: number;
    readonly limit: number;
  },
): Promise<readonly Hurt[] | null> {
  const { targets, sinceMs, limit } = of;
  try {
    const answers = await Promise.all(
      targets.map(async ({ product, versions }) =>
        (await meters.hurt({ product, versions, sinceMs, limit })).map((one) => ({ ...one, product })),
      ),
    );
    return answers.flat();
  } catch {
    return null;
  }
}
