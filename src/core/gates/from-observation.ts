/**
 * Makes a gate's input from what the meters answered: the one place where counts of edges become moments, tallies and
 * windows of a gate. Decides when a past is good enough to compare with. Pure; called by control for each product of the
 * wave at hand. No answer at all is an input too: one in which nothing has been measured.
 */
import type { GateInput, GatePolicy, GateSignal, Measurement } from "../../contracts/gate.ts";
import type { AnswerMeasurement, ObservationAnswer, PastCount } from "../../contracts/observation.ts";
import { LATENCY_BOUNDS_MS } from "../../contracts/observation.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { takenOf } from "../observation/sum.ts";
import { NO_MOMENTS } from "./moments.ts";

export interface GateFacts {
  readonly nowMs: EpochMs;
  readonly product: ProductName;
  readonly version: VersionName;
  readonly reversible: boolean;
  readonly policy: GatePolicy;
  readonly tests: number;
  readonly signals: readonly GateSignal[];
  /** Accounts that this rollout has put in quarantine. */
  readonly quarantined: ReadonlySet<AccountSlug>;
  readonly synthetic: GateInput["synthetic"];
}

const NOTHING = { blocks: 0, shareSum: 0, requests: 0, failures: 0 };
const BOUNDS_MS = [...LATENCY_BOUNDS_MS, Infinity];

/**
 * Flushes or requests, whichever lost the larger share: one lost report of a busy edge is more than one of many.
 * Nobody knows which products were in a lost report, so what is lost is held against all products, never this one alone:
 * a product with 1 % of the traffic would else seem to lose a hundred times what it does.
 */
function measurementOf(measured: AnswerMeasurement): Measurement {
  const { newestMs, reports, lostReports, lostRequests, requests, staleRequests } = measured;
  const taken = takenOf(measured);
  const byRequests = lostRequests * (reports + lostReports) > lostReports * (taken + lostRequests);
  return {
    newestMs,
    flushes: byRequests ? taken : reports,
    lost: byRequests ? lostRequests : lostReports,
    staleShare: requests > 0 ? staleRequests / requests : 0,
  };
}

/** Both sides must have one: an excess over a past on one side only would be a difference made of nothing. */
function hasPast(past: PastCount, { minRequests }: GatePolicy): boolean {
  return past.requests >= minRequests;
}

/**
 * @param answer sum of all meters' answers about this product and wave; null: none came yet. An old one is as good as its
 *   `newestMs`, which grows old with it.
 */
export function gateInputOf(answer: ObservationAnswer | null, facts: GateFacts): GateInput {
  const { nowMs, product, version, reversible, policy, tests, signals, quarantined, synthetic } = facts;
  const common = { nowMs, product, version, reversible, policy, tests, signals, synthetic };
  if (answer === null) {
    return {
      ...common,
      past: "none",
      moved: NO_MOMENTS,
      notMoved: NO_MOMENTS,
      latency: { boundsMs: BOUNDS_MS, windows: [], past: null },
      accounts: { size: 0, suspects: [], past: NOTHING, quarantined: quarantined.size },
      measurement: { newestMs: null, flushes: 0, lost: 0, staleShare: 0 },
    };
  }
  const { movedPast, notMovedPast, family } = answer;
  const othersLeft = answer.notMoved.accounts > 0;
  const own = hasPast(movedPast, policy) && (!othersLeft || hasPast(notMovedPast, policy));
  return {
    ...common,
    past: own ? "own" : "none",
    moved: answer.moved,
    notMoved: answer.notMoved,
    latency: { boundsMs: BOUNDS_MS, windows: answer.windows, past: null },
    accounts: {
      size: family.size,
      suspects: family.suspects.filter(({ account }) => !quarantined.has(account)),
      past: family.past,
      quarantined: quarantined.size,
    },
    measurement: measurementOf(answer.measurement),
  };
}
