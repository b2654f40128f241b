/**
 * What happened while `tick` let time pass, told as it goes on: the entries that the audit of that local run has gained,
 * in the words of the time line, and where the rollouts stand in the end. Reads only, from the run that was ticked and
 * not from wherever FIREBREAK_URL leads. Where its API cannot be read there is no story, and the tick's own report is all.
 */
import { AuditPageSchema, type AuditEntry } from "../../src/contracts/api/operations.ts";
import { RolloutListSchema } from "../../src/contracts/api/rollout-plan.ts";
import { TERMINAL_PHASES } from "../../src/contracts/rollout.ts";
import { createClient, resolveSettings, type Address, type Client, type Parser } from "./client.ts";
import { Failure } from "./failure.ts";
import { runnerPorts } from "./local-drive.ts";
import { clean, instant } from "./render.ts";
import { rolloutLine } from "./rollout-render.ts";
import { isPerson, nameOf, numberIn } from "./timeline/facts.ts";
import { withoutEchoes } from "./timeline/happenings.ts";
import { sayEntry } from "./timeline/sentences.ts";
import type { Session } from "./verb.ts";

/** Entries that are looked at after one tick; more of them are not read by anybody. */
const MOST_ENTRIES = 100;
/** `Wave "forty": 12 accounts`, as a published step says whom it moved. */
const STEP = /: [\d,]+ accounts?$/;

export interface TickStory {
  /** A line for each thing that has happened since it was asked last, oldest first; null: it cannot be read. */
  news(): Promise<readonly string[] | null>;
  /** A line for each rollout that runs, or has ended while time passed. */
  standing(): Promise<readonly string[]>;
}

/**
 * Begins to listen. The first news are what came of the last thing that a person did, as far as it is not older than
 * `sinceMs`, the control plane's clock before time passes: what is older was told by an earlier `tick`.
 */
export function createTickStory(session: Session, sinceMs: number): TickStory {
  let client: Client | null = null;
  let told: number | null = null;
  const touched = new Set<string>();
  const ask = async <T>(schema: Parser<T>, address: Address): Promise<T | null> => {
    try {
      client ??= await clientOf(session);
      return client === null ? null : (await client.send(schema, { method: "GET", ...address })).value;
    } catch (error) {
      if (error instanceof Failure) return null;
      throw error;
    }
  };
  return {
    async news() {
      const page = await ask(AuditPageSchema, { path: "/audit", query: { limit: MOST_ENTRIES } });
      if (page === null) return null;
      const all = page.items.toReversed();
      const last = all.findLast(isPerson)?.seq ?? 0;
      const isNews = ({ seq, at }: AuditEntry): boolean =>
        told === null ? seq > last && Date.parse(at) >= sinceMs : seq > told;
      // Echoes are told from the entries beside them, which are not all new.
      const entries = withoutEchoes(all).filter(isNews);
      told = all.at(-1)?.seq ?? told;
      for (const { target } of entries) if (target.startsWith("rollout/")) touched.add(nameOf(target));
      return entries.map(tellEntry);
    },
    async standing() {
      const list = await ask(RolloutListSchema, { path: "/rollouts" });
      return (list?.items ?? [])
        .filter(({ id, phase }) => touched.has(id) || !(phase === "draft" || TERMINAL_PHASES.includes(phase)))
        .map(rolloutLine);
    },
  };
}

/** `2026-11-30T06:13:00Z  tour: Wave "forty": 989 accounts moved, 1,078 in all` */
export function tellEntry(entry: AuditEntry): string {
  const { at, actor, target, detail } = entry;
  const { what } = sayEntry(entry);
  const id = target.startsWith("rollout/") ? nameOf(target) : "";
  const whose = id === "" || what.includes(id) ? "" : `${id}: `;
  const moved = STEP.test(what) ? numberIn(detail, "moved") : null;
  const sum = moved === null ? "" : ` moved, ${moved.toLocaleString("en-US")} in all`;
  const by = isPerson(entry) ? ` (${actor})` : "";
  return clean(`${instant(at) ?? ""}  ${whose}${what}${sum}${by}`);
}

/** The API of the run that was ticked; null while it has no ports. */
async function clientOf(session: Session): Promise<Client | null> {
  const [port] = await runnerPorts(session);
  if (port === undefined) return null;
  return createClient(resolveSettings(`http://localhost:${port}`, session.terminal.env));
}
