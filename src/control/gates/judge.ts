/**
 * Makes a verdict over the wave at hand of each running rollout out of what the meters last said, once a tick and when a
 * signal comes, and keeps it: everything else (engine, views) reads what is kept. An answer that did not come again grows
 * old with its `newestMs`, and a gate that is not measured passes nothing. Reads no account. Called inside a transaction.
 */
import type { GateVerdict } from "../../contracts/gate.ts";
import type { GatePlan, GatePoint } from "../../contracts/gate-plan.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { gateInputOf } from "../../core/gates/from-observation.ts";
import { gatePolicy } from "../../core/gates/policy.ts";
import { judgeGate } from "../../core/gates/verdict.ts";
import { moveRule } from "../../core/rollout/data/rule.ts";
import { movedAccounts } from "../../core/rollout/groups.ts";
import { lastMovingWave } from "../../core/rollout/health.ts";
import { irreversibleTargets } from "../../core/rollout/versions.ts";
import type { Db } from "../db.ts";
import { markNames } from "../observations/marks.ts";
import { coverageOf } from "../observations/seen.ts";
import { createWeigher } from "../rollouts/heard.ts";
import { loadFacts } from "../rollouts/facts.ts";
import {
  loadGateQuarantines,
  loadSignals,
  savePoint,
  saveVerdict,
  type SignalRecord,
} from "../store/gates.ts";
import { loadObserved } from "../store/observations.ts";
import { loadActiveRollouts, loadFrozen, type RolloutRecord } from "../store/rollouts.ts";

/** Judges every rollout that runs; `keepPoint`: a tick, which is a point of the series. */
export function judgeRunning(db: Db, nowMs: EpochMs): void {
  const running = loadActiveRollouts(db).filter(({ state }) => state.plan.gate !== null);
  if (running.length === 0) return;
  const facts = loadFacts(db);
  for (const record of running) {
    const accountsMoved = movedAccounts(record.state, loadFrozen(db, record.id));
    for (const { wave, verdict } of judgeRollout(db, record, { nowMs, facts })) {
      savePoint(db, record.id, {
        wave,
        product: verdict.product,
        point: pointOf(verdict, accountsMoved),
      });
    }
  }
}

/** Tests that share alpha: every wave and the default, of every product. */
export function testsOf({ plan }: Pick<RolloutState, "plan">): number {
  const rounds = plan.waves.length + (plan.default === null ? 0 : 1);
  return rounds * Object.keys(plan.targets).length;
}

/** Signals about one product, in the gate's words: a source is its name. */
export function signalsFor(signals: readonly SignalRecord[], product: ProductName): GateSignals {
  return signals
    .filter((signal) => signal.product === null || signal.product === product)
    .map(({ source, verdict, reason, atMs, expiresMs }) => ({
      name: source,
      source,
      verdict,
      reason,
      atMs,
      expiresMs,
    }));
}
type GateSignals = Parameters<typeof judgeGate>[0]["signals"];

/** The verdict over the last wave that moved somebody, by product; nothing before the first move. */
export function judgeRollout(
  db: Db,
  record: RolloutRecord,
  { nowMs, facts }: { readonly nowMs: EpochMs; readonly facts: Facts },
): readonly { readonly wave: number; readonly verdict: GateVerdict }[] {
  const { state, id } = record;
  const { gate, targets } = state.plan;
  const wave = lastMovingWave(state);
  if (gate === null || wave === null) return [];
  const looked = { db, record, gate, wave, nowMs, facts };
  return Object.entries(targets).map(([product, version]) => {
    const verdict = judgeProduct(looked, { product, version });
    saveVerdict(db, id, { wave, verdict });
    return { wave, verdict };
  });
}

interface Look {
  readonly db: Db;
  readonly record: RolloutRecord;
  readonly gate: GatePlan;
  readonly wave: number;
  readonly nowMs: EpochMs;
  readonly facts: Facts;
}

function judgeProduct(
  { db, record, gate, wave, nowMs, facts }: Look,
  { product, version }: { readonly product: ProductName; readonly version: VersionName },
): GateVerdict {
  const { state, id } = record;
  const since = state.waves[wave]?.firstMoveMs ?? null;
  const found = loadObserved(db, id).find(
    (one) => one.name === markNames.moved(wave) && one.product === product && one.since === since,
  );
  const probed = coverageOf(db, record, { product, weigher: createWeigher(db) })?.known.synthetic ?? 0;
  const input = gateInputOf(found?.answer ?? null, {
    nowMs,
    product,
    version,
    reversible: mayGoBackAlone(state, facts, nowMs),
    policy: gatePolicy(gate),
    tests: testsOf(state),
    signals: signalsFor(loadSignals(db, id), product),
    quarantined: new Set(loadGateQuarantines(db, id).map(({ account }) => account)),
    synthetic: { requests: probed, failures: 0 },
  });
  return judgeGate(input);
}

/** An account goes back for all targets together; where its data moved with it, a route alone does not bring it back. */
function mayGoBackAlone(state: RolloutState, facts: Facts, nowMs: EpochMs): boolean {
  return irreversibleTargets(facts, state.plan.targets, nowMs).length === 0 && !moveRule(state, facts).holds;
}

function pointOf({ atMs, verdict, errors, latency }: GateVerdict, accountsMoved: number): GatePoint {
  const { movedAccounts: withTraffic, movedRequests, movedFailures, movedRate, increase } = errors;
  const { notMovedRequests, notMovedFailures, notMovedRate } = errors;
  return {
    atMs,
    verdict,
    accountsMoved,
    movedAccounts: withTraffic,
    movedRequests,
    movedFailures,
    movedRate,
    notMovedRequests,
    notMovedFailures,
    notMovedRate,
    increase:
      increase === null
        ? null
        : { estimate: increase.estimate, lower: increase.lower, upper: increase.upper },
    movedP95Ms: latency.movedP95Ms,
    notMovedP95Ms: latency.notMovedP95Ms,
  };
}
