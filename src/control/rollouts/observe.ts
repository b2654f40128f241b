/**
 * What the engine is told at one advance: calendar, facts, what preflight says of the targets and of where a rollback
 * leads, how far the writing of homes is. Reads groups and kept runs, no account row: its cost does not grow with them.
 * Requests are those of the last tick's answers of the meters, and verdicts those that gates/judge made of them. What is
 * missing is not healthy.
 */
import { COVERED_CLASSES, type CoveredClass } from "../../contracts/preflight.ts";
import type { Facts, Observations, PreflightFact, VerdictFact } from "../../contracts/rollout-input.ts";
import type { FrozenGroup, RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import type { CalendarMemo } from "../../core/calendar/memo.ts";
import { probeKey, returnVersions } from "../../core/rollout/rollback.ts";
import { servedVersions } from "../../core/rollout/served.ts";
import type { Turn } from "../../core/rollout/turn.ts";
import { dataFacts, loadSettling } from "../data/facts.ts";
import type { Db } from "../db.ts";
import { loadFreezes } from "../store/freezes.ts";
import { isOut } from "../publisher/is-out.ts";
import { mirrorFacts } from "./mirrors.ts";
import { defaultFacts, gateFacts } from "../gates/facts.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { isHalted, loadFacts, loadWindowFacts } from "./facts.ts";
import { createWeigher, heardOf, targetVersions, type Weigher } from "./heard.ts";
import { coverageOf, seenTraffic, uncoveredBy } from "../observations/seen.ts";

/** Everything for one advance. */
export function observe(
  db: Db,
  record: RolloutRecord,
  {
    nowMs,
    frozen,
    memo,
  }: { readonly nowMs: EpochMs; readonly frozen: readonly FrozenGroup[]; readonly memo: CalendarMemo },
): Turn {
  return {
    nowMs,
    settle: loadSettling(db),
    halt: isHalted(db),
    frozen,
    windows: loadWindowFacts(db),
    freezes: loadFreezes(db),
    observations: observations(db, record, nowMs),
    memo,
  };
}

function observations(db: Db, record: RolloutRecord, nowMs: EpochMs): Observations {
  const { state } = record;
  const facts = loadFacts(db);
  const weigher = createWeigher(db);
  const preflight: Record<ProductName, PreflightFact> = {};
  const uncovered: Record<ProductName, readonly CoveredClass[]> = {};
  // Before every edge can know its groups, nothing may count as healthy: a threshold would mean other accounts.
  if (isOut(db, record.groupsSeq)) {
    for (const [product, version] of Object.entries(state.plan.targets)) {
      const heard = heardOf(weigher, product, targetVersions(facts, product, version));
      if (heard === null) continue;
      preflight[product] = heard;
      const coverage = coverageOf(db, record, { product, weigher });
      uncovered[product] = coverage === null ? COVERED_CLASSES : uncoveredBy(coverage);
    }
  }
  const data = dataFacts(db, record);
  return {
    facts,
    ...(data === null ? {} : { data }),
    preflight,
    gates: gateFacts(db, record),
    defaultGates: defaultFacts(db, record, nowMs),
    mirrors: mirrorFacts(db, state),
    ...seenTraffic(db, record),
    uncovered,
    probes: probes(weigher, facts, state),
    homes: homesOf(db, record),
  };
}

/** Only while somebody goes back: what is heard of the versions it leads to. */
function probes(weigher: Weigher, facts: Facts, state: RolloutState): Observations["probes"] {
  if (state.rollback === null) return {};
  const found: Record<string, VerdictFact> = {};
  for (const { product, version } of returnVersions(state)) {
    const heard = heardOf(weigher, product, servedVersions(facts, product, version));
    if (heard !== null) found[probeKey(product, version)] = { atMs: heard.atMs, ...heard.wave };
  }
  return found;
}

/** Homes count as written when the published shards have them, so that the rollout can leave the maps. */
function homesOf(db: Db, { homes, homesSeq }: RolloutRecord): Observations["homes"] {
  if (homes === "written" || homes === "restored") return isOut(db, homesSeq) ? homes : "untouched";
  return "untouched";
}
