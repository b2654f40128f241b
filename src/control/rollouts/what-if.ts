/**
 * What a freeze that is not there would change in a plan: the same accounts, frozen and forecast once more with it.
 * A freeze that names labels keeps groups apart that were one before, so the accounts are read again. Changes nothing.
 */
import type { Freeze } from "../../contracts/calendar.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { PlanWhatIf, RolloutQueryInputs } from "../../contracts/rollout-port.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { forecast, type ForecastQuestion } from "../../core/rollout/plan.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { previewAt, refuseFreeze } from "../view/calendar.ts";
import { freezeNow, type Question } from "./partition.ts";

/** The name under which it counts while it is looked at. */
const NAME = "with-freeze";

type Asked = NonNullable<RolloutQueryInputs["rollout.plan"]["withFreeze"]>;

/** Forecasts once more. @returns null when no freeze was asked about; a refusal when it is none. */
export function whatIf(
  db: Db,
  asked: Asked | null,
  {
    question,
    plain,
    nowMs,
  }: { readonly question: Question; readonly plain: ForecastQuestion; readonly nowMs: EpochMs },
): Result<PlanWhatIf | null, Refusal> {
  if (asked === null) return ok(null);
  const freeze: Freeze = { ...asked, name: NAME };
  const record = { ...asked, name: NAME, by: "", at: nowMs, revision: 0 };
  const wrong = refuseFreeze(record, previewAt(db, nowMs));
  if (wrong !== null) return wrong;
  const freezes = [...plain.calendar.freezes, freeze];
  const frozen = freezeNow(db, question, freezes);
  if (!frozen.ok) return frozen;
  const ahead = forecast({ ...plain, frozen: frozen.value, calendar: { ...plain.calendar, freezes } });
  const { from, to, zone, scope } = asked;
  return ok({
    freeze: { from, to, zone, scope },
    waves: ahead.waves.map(({ name, accounts, startMs, shiftedMs, bakedMs }) => ({
      name,
      accounts,
      startAt: toInstant(startMs),
      shiftedAt: toInstantOrNull(shiftedMs),
      bakedAt: toInstantOrNull(bakedMs),
    })),
    defaults: ahead.defaults.map(({ product, atMs }) => ({ product, at: toInstant(atMs) })),
    endAt: toInstantOrNull(ahead.endMs),
    notReached:
      ahead.notReached === null
        ? null
        : { accounts: ahead.notReached.accounts, zones: ahead.notReached.zones },
  });
}
