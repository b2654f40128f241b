/**
 * What crosses RPC about rollouts: commands and questions with what they take and answer, under the names they have in
 * the audit. Plain data; the port itself is in control.ts, the shapes of the wire in api/rollouts.ts.
 */
import type {
  ApproveInput,
  PauseInput,
  ResumeInput,
  RollbackInput,
  RolloutInput,
  RolloutView,
  StartInput,
  StopInput,
  WaiveGateInput,
} from "./api/rollouts.ts";
import type { RolloutGatesView, SignalInput } from "./api/gates.ts";
import type { RolloutGrid } from "./api/rollout-grid.ts";
import type { FreezeInput } from "./api/calendar.ts";
import type { ShownInstant } from "./calendar.ts";
import type { LeftBehind } from "./rollout-input.ts";
import type { LeftBehindReason } from "./rollout.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "./units.ts";

interface OfRollout {
  readonly id: string;
}

/** Commands about rollouts: what each takes. */
export interface RolloutCommandInputs {
  /** Writes a draft down, or replaces it while it is one. */
  "rollout.create": OfRollout & { readonly input: RolloutInput };
  /** Forgets a draft. */
  "rollout.delete": OfRollout;
  "rollout.start": OfRollout & { readonly input: StartInput };
  "rollout.pause": OfRollout & { readonly input: PauseInput };
  "rollout.resume": OfRollout & { readonly input: ResumeInput };
  "rollout.approve": OfRollout & { readonly input: ApproveInput };
  "rollout.waive-gate": OfRollout & { readonly input: WaiveGateInput };
  /** A word from outside about how the targets do. */
  "rollout.signal": OfRollout & { readonly input: SignalInput };
  "rollout.stop": OfRollout & { readonly input: StopInput };
  "rollout.rollback": OfRollout & { readonly input: RollbackInput };
  /**
   * A draft `id` that takes whom the ended rollout `from` left behind; `from` equal to `id`: a running rollout takes
   * those that became eligible late into the wave at hand.
   */
  "rollout.adopt": OfRollout & { readonly from: string };
}

/** Every command answers with the rollout as it is afterwards; a deleted draft as it was. */
export type RolloutCommandOutputs = { readonly [K in keyof RolloutCommandInputs]: RolloutView };

/** What is wrong with a plan or odd about it, and where: `["waves", 1, "window"]`. */
export interface PlanFinding {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface PlannedZoneView {
  readonly zone: string;
  readonly accounts: number;
  /** First and last move there, local and UTC. */
  readonly first: ShownInstant;
  readonly last: ShownInstant;
}

/** Times are ISO; null where the calendar never comes to it. */
export interface PlannedWaveView {
  readonly name: string;
  /** That the wave moves, those of earlier waves not counted. */
  readonly accounts: number;
  /** Accounts of its cohorts whose `bucketOf(salt, slug)` is below this are moved at its end; 0-10,000. */
  readonly threshold: number;
  readonly startAt: string;
  readonly shiftedAt: string | null;
  readonly bakedAt: string | null;
  readonly zones: readonly PlannedZoneView[];
  /** Targets that its accounts cannot come back from, as `PRODUCT VERSION`. */
  readonly oneWay: readonly string[];
  readonly warnings: readonly string[];
  /** Accounts by the value of the label that was asked about; the empty text: without it. Null: none was asked about. */
  readonly labels: Readonly<Record<string, number>> | null;
}

export interface PlannedStep {
  readonly what: string;
  readonly from: string;
  readonly until: string;
}

/** What a freeze that is not there would make of a plan; times as in the plan itself. */
export interface PlanWhatIf {
  readonly freeze: Pick<FreezeInput, "from" | "to" | "zone" | "scope">;
  readonly waves: readonly {
    readonly name: string;
    readonly accounts: number;
    readonly startAt: string;
    readonly shiftedAt: string | null;
    readonly bakedAt: string | null;
  }[];
  readonly defaults: readonly { readonly product: ProductName; readonly at: string }[];
  readonly endAt: string | null;
  /** As of the time that was asked about; null when none was. */
  readonly notReached: { readonly accounts: number; readonly zones: readonly string[] } | null;
}

/** A plan over the accounts as they are. */
export interface RolloutPlanView {
  readonly id: string;
  readonly targets: Readonly<Record<ProductName, VersionName>>;
  /** What `rollout.start` can require. */
  readonly digest: string;
  /** Null for a plan that is not stored: then another salt is drawn, and buckets are others. */
  readonly salt: string | null;
  /** As if it were started then; ISO. */
  readonly at: string;
  /** It can be started when there are none. */
  readonly problems: readonly PlanFinding[];
  readonly warnings: readonly PlanFinding[];
  /** Whom it is for: whom its waves move, and whom they do not. */
  readonly accounts: number;
  /** Of these, whom its waves move when their windows come. */
  readonly moves: number;
  readonly groups: number;
  /** Waves after one that never ends are not in the answer. */
  readonly waves: readonly PlannedWaveView[];
  readonly criticalPath: readonly PlannedStep[];
  /** When all is done if nothing fails and people say yes at once; null: never. */
  readonly endAt: string | null;
  readonly leftBehind: readonly LeftBehind[];
  /** Targets that cannot be taken back if it is started then, as `PRODUCT VERSION`. */
  readonly irreversible: readonly string[];
  /** Accounts that will not have moved by the time that was asked about; null when none was. */
  readonly notReached: {
    readonly before: string;
    readonly accounts: number;
    readonly zones: readonly string[];
  } | null;
  /** Null: no freeze was asked about. */
  readonly whatIf?: PlanWhatIf | null | undefined;
}

/** What a rollback would do with everything as it is. */
export interface RollbackPreviewView {
  readonly id: string;
  /** That go back. */
  readonly accounts: number;
  /** Moved ones that stay. */
  readonly stay: number;
  /** Accounts that go back by the wave that moved them; waves without any are left out. */
  readonly waves: readonly { readonly name: string; readonly accounts: number }[];
  /** Defaults that it has moved; `to` null: it stays, for the problem that is named. */
  readonly defaults: readonly {
    readonly product: ProductName;
    readonly to: VersionName | null;
    readonly problem: string | null;
  }[];
  /** What has to be confirmed; empty: nothing. */
  readonly confirm: readonly string[];
  /** Why it would be refused, confirmed or not; null: it would not. */
  readonly refused: string | null;
  /** Targets that it would mark bad, as `PRODUCT VERSION`. */
  readonly marksBad: readonly string[];
}

export interface LeftBehindPage {
  readonly items: readonly {
    readonly account: AccountSlug;
    readonly reason: LeftBehindReason;
    /** What else there is to say: until when, on what it stays. */
    readonly detail: string | null;
  }[];
  readonly cursor: string | null;
}

export interface RolloutImpactFacts {
  /** Null: it was never started, and hurt nobody. */
  readonly startedMs: EpochMs | null;
  /** Each target with what replacements make of it. */
  readonly targets: readonly { readonly product: ProductName; readonly versions: readonly VersionName[] }[];
  readonly back: readonly {
    readonly account: AccountSlug;
    readonly atMs: EpochMs;
    readonly by: "gate" | "rollback";
  }[];
}

interface PlanOptions {
  /** Who cannot be reached before this instant? */
  readonly before: string | null;
  readonly at: string | null;
  /** Name of a label to count accounts by. */
  readonly label: string | null;
  /** A freeze that is not there: what would it change? Left out or null: none is asked about. */
  readonly withFreeze?: FreezeInput | null;
}

/** Questions about rollouts: what each takes. */
export interface RolloutQueryInputs {
  rollouts: Record<never, never>;
  rollout: OfRollout;
  /** Its plan, as a plan file holds it. */
  "rollout.input": OfRollout;
  "rollout.plan": PlanOptions & (OfRollout | { readonly input: RolloutInput });
  /** Waves × groups with what is ahead; `before`: who is not reached by then? */
  "rollout.grid": OfRollout & { readonly before: string | null };
  /** Verdicts with their series, signals, accounts put back alone. */
  "rollout.gates": OfRollout;
  /** What the meters are to be asked for its impact, and when these accounts were put back. */
  "rollout.impact": OfRollout & { readonly accounts: readonly AccountSlug[] };
  /** What a rollback would do, before it is begun. */
  "rollout.rollback.preview": OfRollout & { readonly input: RollbackInput };
  "rollout.left-behind": OfRollout & { readonly cursor: string | null; readonly limit: number };
}

export interface RolloutQueryOutputs {
  /** Newest first. */
  rollouts: readonly RolloutView[];
  rollout: RolloutView;
  "rollout.input": RolloutInput;
  "rollout.plan": RolloutPlanView;
  "rollout.grid": RolloutGrid;
  "rollout.gates": RolloutGatesView;
  "rollout.impact": RolloutImpactFacts;
  "rollout.rollback.preview": RollbackPreviewView;
  "rollout.left-behind": LeftBehindPage;
}
