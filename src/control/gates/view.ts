/** Verdicts, their series, signals and accounts put back, as the API shows them. Reads only; shapes are in api/gates. */
import type { GateView, RolloutGatesView, SignalView } from "../../contracts/api/gates.ts";
import type { Bounds, GateVerdict } from "../../contracts/gate.ts";
import type { GatePoint } from "../../contracts/gate-plan.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import {
  loadGateQuarantines,
  loadPoints,
  loadSignals,
  loadVerdicts,
  type SignalRecord,
} from "../store/gates.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

/** Suspects that a verdict shows. */
const MAX_SHOWN = 20;

const boundsOf = (bounds: Pick<Bounds, "estimate" | "lower" | "upper"> | null): GateView["increase"] =>
  bounds === null ? null : { estimate: bounds.estimate, lower: bounds.lower, upper: bounds.upper };

export function viewVerdict(verdict: GateVerdict): GateView {
  const { product, version, cause, sentence, action, wouldDo, errors, latency } = verdict;
  return {
    product,
    version,
    at: toInstant(verdict.atMs),
    verdict: verdict.verdict,
    cause,
    sentence,
    action,
    wouldDo,
    parts: verdict.parts.map((part) => ({
      part: part.part,
      verdict: part.verdict,
      cause: part.cause,
      sentence: part.sentence,
    })),
    moved: {
      accounts: errors.movedAccounts,
      requests: errors.movedRequests,
      failures: errors.movedFailures,
      rate: errors.movedRate,
    },
    notMoved: {
      accounts: errors.notMovedAccounts,
      requests: errors.notMovedRequests,
      failures: errors.notMovedFailures,
      rate: errors.notMovedRate,
    },
    syntheticRequests: errors.syntheticRequests,
    against: errors.against,
    tolerated: errors.tolerated,
    increase: boundsOf(errors.increase),
    baseline: boundsOf(errors.baseline),
    latency: {
      movedP95Ms: latency.movedP95Ms,
      notMovedP95Ms: latency.notMovedP95Ms,
      slowWindows: latency.slowWindows,
      windows: latency.windows,
    },
    suspects: verdict.suspects.slice(0, MAX_SHOWN).map((suspect) => ({
      account: suspect.account,
      nowShare: suspect.nowShare,
      pastShare: suspect.pastShare,
      requests: suspect.requests,
      failures: suspect.failures,
    })),
    missing: verdict.missing.map((missing) => ({ ...missing })),
  };
}

function viewPoint(point: GatePoint): RolloutGatesView["waves"][number]["points"][number] {
  return {
    at: toInstant(point.atMs),
    verdict: point.verdict,
    accountsMoved: point.accountsMoved,
    moved: {
      accounts: point.movedAccounts,
      requests: point.movedRequests,
      failures: point.movedFailures,
      rate: point.movedRate,
    },
    notMoved: {
      requests: point.notMovedRequests,
      failures: point.notMovedFailures,
      rate: point.notMovedRate,
    },
    increase: boundsOf(point.increase),
    p95Ms: { moved: point.movedP95Ms ?? null, notMoved: point.notMovedP95Ms ?? null },
  };
}

function viewSignal(signal: SignalRecord, nowMs: EpochMs): SignalView {
  const { source, product, verdict, reason, by, atMs, expiresMs } = signal;
  const expired = expiresMs <= nowMs;
  return {
    source,
    product,
    verdict,
    reason,
    by,
    at: toInstant(atMs),
    expires: toInstant(expiresMs),
    expired,
  };
}

/** Everything that gates have said and done. */
export function viewGates(db: Db, { id, state }: RolloutRecord, nowMs: EpochMs): RolloutGatesView {
  const points = loadPoints(db, id);
  return {
    waves: loadVerdicts(db, id).map(({ wave, verdict }) => ({
      wave,
      name: state.plan.waves[wave]?.name ?? "",
      product: verdict.product,
      verdict: viewVerdict(verdict),
      points: points
        .filter((one) => one.wave === wave && one.product === verdict.product)
        .map(({ point }) => viewPoint(point)),
    })),
    signals: loadSignals(db, id).map((signal) => viewSignal(signal, nowMs)),
    putBack: loadGateQuarantines(db, id).map(({ account, product, version, was, at, reason }) => ({
      account,
      product,
      version,
      was,
      at: toInstant(at),
      reason,
    })),
  };
}
