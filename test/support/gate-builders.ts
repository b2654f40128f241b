/**
 * Inputs of gates for tests: accounts written down one by one, everything else well unless a test says otherwise.
 * Moments are made by core itself, so a test speaks of accounts and not of sums.
 */
import type {
  AccountTally,
  BlockTally,
  GateInput,
  GatePolicy,
  SideMoments,
} from "../../src/contracts/gate.ts";
import { addAccount, capFor, NO_MOMENTS } from "../../src/core/gates/moments.ts";
import { gatePolicy } from "../../src/core/gates/policy.ts";

export interface Counted {
  readonly requests: number;
  readonly failures: number;
  readonly pastShare: number;
}

export function sideOf(accounts: readonly Counted[]): SideMoments {
  const used = accounts.filter(({ requests }) => requests > 0);
  const cap = capFor({
    requests: used.reduce((sum, { requests }) => sum + requests, 0),
    accounts: used.length,
  });
  return accounts.reduce((moments, account) => addAccount(moments, account, cap), NO_MOMENTS);
}

/** `count` accounts that all sent `requests`, of which `share` failed (a little more and less, in turn). */
export function alike(count: number, requests: number, share: number, pastShare = 0.01): readonly Counted[] {
  const swing = Math.round(requests * share * 0.2);
  return Array.from({ length: count }, (_, index) => ({
    requests,
    failures: Math.round(requests * share) + (index % 2 === 0 ? swing : -swing),
    pastShare,
  }));
}

export function policyOf(changes: Partial<GatePolicy> = {}): GatePolicy {
  const policy = gatePolicy({
    errorIncreasePercent: 1,
    alpha: 0.05,
    minAccounts: 20,
    mustHave: [],
    onFail: "rollback",
    onInconclusive: "hold",
  });
  return { ...policy, ...changes };
}

export function blocks(count: number, shareSum: number, perBlock = 20): BlockTally {
  return { blocks: count, shareSum, requests: count * perBlock, failures: Math.round(shareSum * perBlock) };
}

/** An account that failed in `share` of each of its blocks, where it used to fail in one of a hundred. */
export function failing(account: string, share: number, count = 12): AccountTally {
  return { account, now: blocks(count, share * count), past: blocks(500, 5) };
}

export const BOUNDS_MS = [100, 200, 400, 800, 1600, Infinity];
/** Counts of a window whose p95 lies near `p95Ms`, one of the bounds. */
export function latencyAt(p95Ms: number, requests = 1000): readonly number[] {
  const at = BOUNDS_MS.indexOf(p95Ms);
  return BOUNDS_MS.map(
    (_, index) => (index === 0 ? requests * 0.9 : 0) + (index === at ? requests * 0.1 : 0),
  );
}

export const NOW_MS = Date.UTC(2026, 3, 12, 9, 0);

/** A wave that is well: 60 moved and 90 not moved accounts, one percent fails on both sides and always did. */
export function gateInput(changes: Partial<GateInput> = {}): GateInput {
  const window = { moved: latencyAt(200), notMoved: latencyAt(200) };
  return {
    nowMs: NOW_MS,
    product: "kiln",
    version: "2.9.0",
    reversible: true,
    policy: policyOf(),
    tests: 1,
    past: "own",
    moved: sideOf(alike(60, 500, 0.01)),
    notMoved: sideOf(alike(90, 500, 0.01)),
    synthetic: { requests: 0, failures: 0 },
    latency: {
      boundsMs: BOUNDS_MS,
      windows: [
        { startMs: NOW_MS - 600_000, endMs: NOW_MS - 300_000, ...window },
        { startMs: NOW_MS - 300_000, endMs: NOW_MS, ...window },
      ],
      past: null,
    },
    accounts: { size: 60, suspects: [], past: blocks(30_000, 300), quarantined: 0 },
    signals: [],
    measurement: { newestMs: NOW_MS - 10_000, flushes: 1000, lost: 0, staleShare: 0 },
    ...changes,
  };
}
