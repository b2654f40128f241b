/**
 * What people may tell a rollout: each is the engine's own command, followed by an advance at the same time, so that it
 * takes effect at once. Roles are checked by `commands/execute`, products and revisions here, everything else by the
 * engine. Protective ones are legal whenever something can still change.
 */
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { RolloutCommand } from "../../contracts/rollout-input.ts";
import type { RolloutCommandInputs } from "../../contracts/rollout-port.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { command } from "../../core/rollout/command.ts";
import type { Change, Command, Work } from "../commands/work.ts";
import { sendSignal } from "../gates/signals.ts";
import { refuse } from "../refuse.ts";
import { loadFrozen } from "../store/rollouts.ts";
import { adoptInto, createDraft, deleteDraft } from "./drafts.ts";
import { advanceRollout, takeAdvanced } from "./drive.ts";
import { loadFacts } from "./facts.ts";
import { findRollout } from "./find.ts";
import { pairsOf, rollbackCommand, scopeProblem } from "./going-back.ts";
import { askAgain, refuseSamePerson } from "./second-person.ts";
import { startRollout } from "./start.ts";
import { finishTallies } from "./tally.ts";
import { viewRollout } from "./view.ts";

type Told = Result<Change<RolloutView>, Refusal>;

function tell(
  work: Work,
  id: string,
  said: { readonly what: RolloutCommand; readonly reason: string | null },
): Told {
  const { db, seq, nowMs, actor } = work;
  const found = findRollout(work, id);
  if (!found.ok) return found;
  const before = found.value;
  // Who goes forward again was moved back all the same.
  if (said.what.kind === "resume" && said.what.again) finishTallies(db);
  const facts = loadFacts(db);
  const { what } = said;
  const pairs = what.kind === "rollback" ? pairsOf(db, before, { scope: what.scope, facts }) : null;
  const context = { nowMs, by: actor.name, facts, frozen: loadFrozen(db, id), pairs };
  const answer = command(before.state, said.what, context);
  if (!answer.ok) return answer;
  const problem = what.kind === "rollback" ? scopeProblem(db, before, what.scope) : null;
  if (problem !== null) return refuse("conflict", problem);
  // The second of two clicks: it is so already, and nothing is recorded.
  const { effects, happened } = answer.value;
  if (effects.length === 0 && happened.length === 0)
    return ok({ output: viewRollout(db, before), told: null });
  const drive = { db, seq, nowMs, memo: createCalendarMemo() };
  const again = askAgain(db, answer.value.state, what);
  const next = { ...answer.value, state: again.state };
  const taken = takeAdvanced(drive, { ...before, revision: before.revision + 1 }, next);
  const { record } = advanceRollout(drive, taken);
  const detail = {
    ...said.what,
    before: before.state.phase,
    after: record.state.phase,
    happened: [...happened, ...again.happened],
  };
  return ok({
    output: viewRollout(db, record),
    told: { target: `rollout/${id}`, reason: said.reason, detail },
  });
}

export const ROLLOUT_COMMANDS: { readonly [K in keyof RolloutCommandInputs]: Command<K> } = {
  "rollout.create": createDraft,
  "rollout.delete": deleteDraft,
  "rollout.start": startRollout,
  "rollout.pause": (work, { id, input: { reason } }) =>
    tell(work, id, { what: { kind: "pause", reason }, reason }),
  "rollout.resume": (work, { id, input }) =>
    tell(work, id, { what: { kind: "resume", again: input.again }, reason: input.reason ?? null }),
  "rollout.approve": (work, { id, input }) =>
    ("default" in input ? refuseSamePerson(work, id, input.default) : null) ??
    tell(work, id, { what: { kind: "approve", what: input }, reason: null }),
  "rollout.waive-gate": (work, { id, input }) =>
    tell(work, id, { what: { kind: "waive-gate", ...input }, reason: input.reason }),
  "rollout.signal": sendSignal,
  "rollout.stop": (work, { id, input: { reason } }) =>
    tell(work, id, { what: { kind: "stop", reason }, reason }),
  "rollout.rollback": (work, { id, input }) =>
    tell(work, id, { what: rollbackCommand(input), reason: input.reason }),
  "rollout.adopt": (work, input) =>
    input.from === input.id
      ? tell(work, input.id, { what: { kind: "adopt" }, reason: null })
      : adoptInto(work, input),
};
