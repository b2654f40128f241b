/**
 * Words from outside about a rollout: the newest of a source counts until it expires. One that says `fail` acts at once,
 * by the verdict that is made anew here and the advance that follows; it does not wait for a tick.
 */
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { own } from "../../core/record.ts";
import { isActive } from "../../core/rollout/state.ts";
import type { Change, Work } from "../commands/work.ts";
import { refuse } from "../refuse.ts";
import { advanceRollout } from "../rollouts/drive.ts";
import { loadFacts } from "../rollouts/facts.ts";
import { findRollout } from "../rollouts/find.ts";
import { viewRollout } from "../rollouts/view.ts";
import { loadSignals, saveSignal } from "../store/gates.ts";
import { judgeRollout } from "./judge.ts";

/** Sources that one rollout listens to. */
const MAX_SOURCES = 64;

export function sendSignal(
  work: Work,
  { id, input }: CommandInputs["rollout.signal"],
): Result<Change<RolloutView>, Refusal> {
  const { db, seq, nowMs, actor } = work;
  const found = findRollout(work, id);
  if (!found.ok) return found;
  const record = found.value;
  const { verdict, reason, source, ttlSeconds, product } = input;
  if (!isActive(record.state)) return refuse("conflict", `${id} is ${record.state.phase}: nothing listens`);
  if (record.state.plan.gate === null)
    return refuse("conflict", `the plan of ${id} asks for no gate: nothing listens. Use pause or rollback`);
  if (product !== undefined && own(record.state.plan.targets, product) === undefined)
    return refuse("conflict", `${id} moves nobody of ${product}`);
  const known = loadSignals(db, id);
  if (known.length >= MAX_SOURCES && !known.some((signal) => signal.source === source))
    return refuse("conflict", `${id} has heard ${MAX_SOURCES} sources already`);
  const expiresMs = nowMs + ttlSeconds * 1000;
  const said = { source, product: product ?? null, verdict, reason, atMs: nowMs, expiresMs, by: actor.name };
  saveSignal(db, id, said);
  judgeRollout(db, record, { nowMs, facts: loadFacts(db) });
  const { record: after } = advanceRollout({ db, seq, nowMs, memo: createCalendarMemo() }, record);
  const detail = { source, product: said.product, verdict, ttlSeconds, phase: after.state.phase };
  return ok({
    output: viewRollout(db, after),
    told: { target: `rollout/${id}`, reason, detail },
  });
}
