/**
 * A plan's gate in its one spelling: every default of a gate stands here, with its reason. Decides nothing about data.
 * Pure; called where a plan is read. A plan may leave out everything; what it says is taken as it stands.
 */
import type { GatePart, GatePolicy, LatencyPolicy } from "../../contracts/gate.ts";
import type { ActionWishes, LatencyWishes } from "../../contracts/gate-plan.ts";

/** Half as slow again as the others, and by a quarter of a second: what people notice. */
const LATENCY: LatencyPolicy = { ratio: 1.5, floorMs: 250, minRequests: 200 };
/** Below this an error rate of one percent is three failures: no formula makes that a finding. */
const MIN_REQUESTS = 300;
/** Five accounts, or one in five hundred: what may be put back alone before the wave itself is the suspect. */
const MIN_QUARANTINE_LIMIT = 5;
const QUARANTINE_SHARE = 0.002;

/** What a plan may say of its gate; left out means the default. */
export interface GateWishes {
  readonly errorIncreasePercent: number;
  readonly alpha: number;
  readonly minAccounts: number;
  readonly mustHave: readonly string[];
  readonly onFail: "pause" | "rollback";
  readonly onInconclusive: GatePolicy["onInconclusive"];
  readonly minRequests?: number | undefined;
  /** Null turns it off. */
  readonly latency?: LatencyWishes | null | undefined;
  readonly quarantineLimit?: number | null | undefined;
  readonly actions?: ActionWishes | undefined;
  readonly dryRun?: readonly GatePart[] | undefined;
}

/**
 * Fills in what the plan left out. `onFail` is the action of error rate, accounts and signals unless one is named;
 * latency only holds, since being slow is no reason to move people twice.
 */
export function gatePolicy(wishes: GateWishes): GatePolicy {
  const { onFail, latency, actions = {} } = wishes;
  return {
    errorIncreasePercent: wishes.errorIncreasePercent,
    alpha: wishes.alpha,
    minAccounts: wishes.minAccounts,
    minRequests: wishes.minRequests ?? MIN_REQUESTS,
    latency:
      latency === null
        ? null
        : {
            ratio: latency?.ratio ?? LATENCY.ratio,
            floorMs: latency?.floorMs ?? LATENCY.floorMs,
            minRequests: latency?.minRequests ?? LATENCY.minRequests,
          },
    quarantineLimit: wishes.quarantineLimit ?? null,
    mustHave: wishes.mustHave,
    actions: {
      errors: actions.errors ?? onFail,
      accounts: actions.accounts ?? onFail,
      latency: actions.latency ?? "hold",
      signals: actions.signals ?? onFail,
    },
    onInconclusive: wishes.onInconclusive,
    dryRun: wishes.dryRun ?? [],
  };
}

/**
 * Accounts in quarantine beyond which the wave stops: the plan's word, else max(5, 0.2 % of the moved accounts).
 *
 * Worked examples: 24,000 moved → 48; 1,000 moved → 5.
 */
export function quarantineLimitOf(policy: GatePolicy, movedAccounts: number): number {
  return (
    policy.quarantineLimit ?? Math.max(MIN_QUARANTINE_LIMIT, Math.floor(QUARANTINE_SHARE * movedAccounts))
  );
}
