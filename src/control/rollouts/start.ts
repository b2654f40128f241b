/**
 * The start of a rollout: the accounts are read once, put into the groups that stay theirs until its end, and what the
 * rollout knows of them is stored. One transaction with the engine's own start; nobody moves by it. The rollout has no
 * place in the maps before the shards with the new groups are out.
 */
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import { MAX_ROLLOUTS } from "../../contracts/limits.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { command } from "../../core/rollout/command.ts";
import { refuseFleetServed } from "../commands/product-mode.ts";
import type { Change, Work } from "../commands/work.ts";
import type { Db } from "../db.ts";
import { crowding, occupantOf } from "../publisher/root-room.ts";
import { refuse } from "../refuse.ts";
import { readIntOrNull } from "../row.ts";
import { openGroupBook } from "../store/groups.ts";
import { saveLeftBehind } from "../store/left-behind.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { refusePlan } from "./drafts.ts";
import { advanceRollout, saveWhole, takeAdvanced } from "./drive.ts";
import { loadFacts } from "./facts.ts";
import { findRollout } from "./find.ts";
import { partition } from "./partition.ts";
import { moveGroups, splitOthers } from "./regroup.ts";
import { finishTallies } from "./tally.ts";
import { viewRollout } from "./view.ts";

export function startRollout(
  work: Work,
  { id, input }: CommandInputs["rollout.start"],
): Result<Change<RolloutView>, Refusal> {
  const { db, nowMs, actor, seq } = work;
  const found = findRollout(work, id);
  if (!found.ok) return found;
  const { plan, salt } = found.value.state;
  const others = loadActiveRollouts(db);
  const refused =
    refuseFleetServed(db, Object.keys(plan.targets)) ??
    refusePlan(db, plan, nowMs) ??
    (others.length >= MAX_ROLLOUTS
      ? refuse("conflict", `${others.length} rollouts are running, which is the most the maps take`)
      : null);
  if (refused !== null) return refused;
  finishTallies(db);
  const book = openGroupBook(db);
  const parted = partition(db, { question: { plan, salt, nowMs, again: input.again }, book, seq });
  if (!parted.ok) return parted;
  const { frozen, moves, splits, left } = parted.value;
  const started = command(
    found.value.state,
    {
      kind: "start",
      requiredDigest: input.digest ?? null,
      frozen,
      others: others.map((other) => ({ id: other.id, products: Object.keys(other.state.plan.targets) })),
    },
    { nowMs, by: actor.name, facts: loadFacts(db), frozen: frozen.groups },
  );
  if (!started.ok) return started;
  let regrouped = 0;
  for (const some of moves) {
    moveGroups(db, work, { moves: some, book });
    regrouped += some.length;
  }
  book.flush();
  splitOthers(db, id, splits);
  const crowded = crowding(db, occupantOf(started.value.state));
  if (crowded !== null) return refuse("conflict", crowded);
  saveLeftBehind(db, id, left);
  const groupsSeq = lastAccountChange(db);
  const record = { ...found.value, leftBehind: frozen.leftBehind, groupsSeq };
  saveWhole(db, record, frozen.groups);
  const drive = { db, seq, nowMs, memo: createCalendarMemo() };
  const taken = takeAdvanced(drive, record, started.value);
  const driven = advanceRollout(drive, taken);
  const accounts = frozen.groups.reduce((sum, { buckets }) => sum + buckets.length, 0);
  const detail = { digest: frozen.digest, accounts, groups: frozen.groups.length, regrouped };
  return ok({
    output: viewRollout(db, driven.record),
    told: { target: `rollout/${id}`, reason: input.reason ?? null, detail },
  });
}

/** The last change that the shards must show for every account to be in its group there. */
function lastAccountChange(db: Db): number {
  return readIntOrNull(db.rows("SELECT max(seq) AS last FROM accounts")[0] ?? { last: null }, "last") ?? 0;
}
