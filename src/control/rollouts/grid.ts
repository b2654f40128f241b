/**
 * Waves × groups of a stored rollout, from where it stands: a running one by what it froze, a draft as if it were started
 * now (which reads every account once). Reads only. Called for `rollout.grid`.
 */
import type { RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { RolloutQueryInputs } from "../../contracts/rollout-port.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { freshColumns, movedAccounts } from "../../core/rollout/groups.ts";
import { gridRows, movesByHour, notReachedBy, rowNameOf } from "../../core/rollout/grid.ts";
import { isTerminal } from "../../core/rollout/state.ts";
import { irreversibleTargets } from "../../core/rollout/versions.ts";
import { fromInstantOrNull, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { frozenOf, lookAhead } from "../history/ahead.ts";
import { notFound } from "../refuse.ts";
import { readInt, readText, readTextOrNull } from "../row.ts";
import { loadRollout } from "../store/rollouts.ts";
import { loadFacts } from "./facts.ts";

export function viewGrid(
  db: Db,
  { id, before }: RolloutQueryInputs["rollout.grid"],
  nowMs: EpochMs,
): Result<RolloutGrid, Refusal> {
  const record = loadRollout(db, id);
  if (record === null) return notFound(`rollout ${id}`);
  const ground = { db, nowMs, record, memo: createCalendarMemo() };
  const asked = frozenOf(ground);
  if (!asked.ok) return asked;
  const frozen = asked.value;
  const isDraft = record.state.phase === "draft";
  const ahead = isTerminal(record.state) ? null : lookAhead(ground, frozen, null);
  const state = isDraft ? { ...record.state, groups: freshColumns(frozen.groups) } : record.state;
  const segments = ahead?.segments ?? [];
  const question = {
    state,
    frozen: frozen.groups,
    thresholds: isDraft
      ? (ahead?.waves ?? []).map(({ threshold }) => threshold)
      : state.waves.map(({ threshold }) => threshold),
    segments,
    failed: failedByRow(db, id),
  };
  const beforeMs = fromInstantOrNull(before);
  return ok({
    id,
    waves: state.plan.waves.map(({ name }) => name),
    rows: gridRows(question),
    hours: movesByHour(segments, frozen.groups),
    endAt: toInstantOrNull(ahead?.endMs ?? null),
    wayBack: {
      accounts: movedAccounts(state, frozen.groups),
      oneWay: irreversibleTargets(loadFacts(db), state.plan.targets, nowMs),
    },
    notReached: beforeMs === null ? null : notReachedBy(question, beforeMs),
  });
}

/** Whose data could not be moved. They are in groups of their own by then, which the rollout leaves alone. */
function failedByRow(db: Db, id: string): ReadonlyMap<string, number> {
  const rows = db.rows(
    `SELECT g.time_zone AS zone, g.cell AS cell, g.window IS NOT NULL AS own, count(*) AS n FROM left_behind AS l
     JOIN accounts AS a ON a.slug = l.account JOIN groups AS g ON g.id = a.group_id
     WHERE l.rollout = ? AND l.reason IN ('migration', 'kept', 'stuck') GROUP BY 1, 2, 3`,
    id,
  );
  return new Map(
    rows.map((row) => {
      const of = {
        zone: readText(row, "zone"),
        cell: readTextOrNull(row, "cell"),
        ownWindow: readInt(row, "own") === 1,
      };
      return [rowNameOf(of), readInt(row, "n")];
    }),
  );
}
