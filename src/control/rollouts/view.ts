/** A rollout as the API shows it: the engine's view with what control alone knows. Reads only. */
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { viewDataMoves } from "../../core/rollout/data/view.ts";
import { isActive, isTerminal } from "../../core/rollout/state.ts";
import { rolloutView, type ViewContext } from "../../core/rollout/view.ts";
import type { Db } from "../db.ts";
import { loadSettling } from "../data/facts.ts";
import { gateFacts } from "../gates/facts.ts";
import { viewVerdict } from "../gates/view.ts";
import { coverageOf, seenTraffic } from "../observations/seen.ts";
import { createWeigher } from "./heard.ts";
import { whyNotInEffect } from "../publisher/is-out.ts";
import { readInt } from "../row.ts";
import { loadVerdicts } from "../store/gates.ts";
import { loadTallies } from "../store/backs.ts";
import { loadFrozen, type RolloutRecord } from "../store/rollouts.ts";

export function viewRollout(db: Db, record: RolloutRecord): RolloutView {
  const verdicts = loadVerdicts(db, record.id);
  const view = rolloutView(record.state, {
    frozen: loadFrozen(db, record.id),
    leftBehind: record.leftBehind,
    gates: gateFacts(db, record),
    requests: seenTraffic(db, record).requests,
    coverage: coverage(db, record),
    createdLater: createdLater(db, record),
    listed: isListed(db, record),
    revision: record.revision,
  });
  const moves = viewDataMoves(record.state, loadSettling(db));
  const shown = moves === null ? view : { ...view, data: moves };
  if (verdicts.length === 0) return withEffect(db, shown);
  const gatesOf = (at: number): Pick<RolloutView["waves"][number], "gates"> => {
    const mine = verdicts.filter(({ wave }) => wave === at);
    return mine.length === 0 ? {} : { gates: mine.map(({ verdict }) => viewVerdict(verdict)) };
  };
  return withEffect(db, { ...shown, waves: view.waves.map((wave, at) => ({ ...wave, ...gatesOf(at) })) });
}

/** Nobody is to read "rolled back" while edges still answer as before, for nothing can be written. */
function withEffect(db: Db, view: RolloutView): RolloutView {
  const why = view.startedAt === null ? null : whyNotInEffect(db);
  return why === null ? view : { ...view, reason: `${view.reason} (${why})` };
}

/** Nothing counts before the start. */
function coverage(db: Db, record: RolloutRecord): ViewContext["coverage"] {
  const { plan, startedMs } = record.state;
  if (startedMs === null) return [];
  const weigher = createWeigher(db);
  return Object.entries(plan.targets).flatMap(([product, version]) => {
    const classes = coverageOf(db, record, { product, weigher });
    return classes === null ? [] : [{ product, version, classes }];
  });
}

/** Whether all that can be said of whom it left behind is written down. */
function isListed(db: Db, { id, state }: RolloutRecord): boolean {
  return isTerminal(state) && !loadTallies(db).some(({ rollout }) => rollout === id);
}

/** Accounts that came while groups are frozen: they are in none, and start on stable. */
function createdLater(db: Db, { state }: RolloutRecord): number {
  if (!isActive(state) || state.startedMs === null) return 0;
  const row = db.rows(
    "SELECT count(*) AS n FROM accounts WHERE group_id = -1 AND created_at >= ? AND deleted_at IS NULL",
    state.startedMs,
  )[0];
  return readInt(row ?? {}, "n");
}
