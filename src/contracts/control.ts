/**
 * The port between the admin surface (and the scheduled handler) and the control plane, as it crosses RPC:
 * plain data in, `Result` out. Adding a field must stay compatible in both directions, because during a deploy the
 * Worker and the object may run different releases.
 */
import type {
  Account,
  AccountInput,
  AccountPage,
  AccountQuery,
  DeferralInput,
  PinInput,
  QuarantineInput,
} from "./api/accounts.ts";
import type * as access from "./access-port.ts";
import type * as defaults from "./default-port.ts";
import type { AuditPage, Halt, HaltInput, OverrideInput } from "./api/operations.ts";
import type { Status } from "./api/status.ts";
import type {
  HoldInput,
  Product,
  ProductInput,
  StableInput,
  Version,
  VersionInput,
  VersionStateInput,
} from "./api/products.ts";
import type { AlarmView } from "./api/alarms.ts";
import type { FreezeInput, StoredFreeze, StoredWindow } from "./api/calendar.ts";
import type { NumberedLine, ImportBegin, BatchDone, ImportEnded } from "./import-port.ts";
import type { PreflightReport, WaiverInput } from "./api/preflight.ts";
import type { PreflightView } from "./api/preflight-runs.ts";
import type { AccountUndeleteInput, VersionBadInput } from "./api/reasons.ts";
import type { Window } from "./calendar.ts";
import type { Role } from "./env.ts";
import type { PreflightPurpose, PreflightSettings, Waiver } from "./preflight.ts";
import type { KeptSettings, PreflightAsked, PreflightDone, PreflightProbes } from "./preflight-port.ts";
import type { Refusal } from "./problems.ts";
import type * as fleet from "./fleet-port.ts";
import type * as replacements from "./replacement-port.ts";
import type * as rollouts from "./rollout-port.ts";
import type {
  HandoverCommandInputs,
  HandoverCommandOutputs,
  HandoverQueryInputs,
  HandoverQueryOutputs,
} from "./handover-port.ts";
import type * as webhooks from "./webhook-port.ts";
import type { HistoryQueryInputs, HistoryQueryOutputs } from "./history-port.ts";
import type { RefusedAttempts } from "./refused.ts";
import type { Result } from "./result.ts";
import type { SeenIsolate } from "./telemetry.ts";
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "./units.ts";

/** Who acts. `products` null: all of them. */
export interface Actor {
  readonly name: string;
  readonly role: Role;
  readonly products: readonly ProductName[] | null;
}

/** What a secret opens. `bootstrap`: a session of the token of ADMIN_TOKENS with this SHA-256, which may be gone by now. */
export interface Authenticated extends Actor {
  readonly bootstrap?: string;
}

/** Conditions of one write. `ifMatch` is the revision the writer saw, null to write whatever is there. */
export interface WriteContext {
  readonly actor: Actor;
  readonly ifMatch: number | null;
  readonly idempotencyKey: string | null;
}

interface OfProduct {
  readonly product: ProductName;
}
interface OfVersion extends OfProduct {
  readonly version: VersionName;
}
interface OfAccount {
  readonly account: AccountSlug;
}
interface OfAccountProduct extends OfAccount, OfProduct {}
interface OfName {
  readonly name: string;
}
interface OfProbe extends OfVersion {
  readonly probe: string;
}
interface WithReason {
  readonly reason: string;
}

/** Every change, by its name in the audit: what it takes. */
export interface CommandInputs
  extends
    rollouts.RolloutCommandInputs,
    replacements.ReplacementCommandInputs,
    HandoverCommandInputs,
    webhooks.WebhookCommandInputs,
    access.AccessCommandInputs,
    defaults.DefaultCommandInputs,
    fleet.FleetCommandInputs {
  "product.put": OfProduct & { readonly input: ProductInput };
  "product.stable.set": OfProduct & { readonly input: StableInput };
  "product.hold.set": OfProduct & { readonly input: HoldInput };
  "product.hold.lift": OfProduct & WithReason;
  "version.put": OfVersion & { readonly input: VersionInput };
  "version.state.set": OfVersion & { readonly input: VersionStateInput };
  "version.bad.mark": OfVersion & { readonly input: VersionBadInput };
  "version.bad.clear": OfVersion & WithReason;
  "account.put": OfAccount & { readonly input: AccountInput };
  "account.delete": OfAccount & WithReason;
  "account.undelete": OfAccount & { readonly input: AccountUndeleteInput };
  "account.pin.set": OfAccountProduct & { readonly input: PinInput };
  "account.pin.lift": OfAccountProduct & WithReason;
  "account.quarantine.set": OfAccountProduct & { readonly input: QuarantineInput };
  "account.quarantine.lift": OfAccountProduct & WithReason;
  "account.hold.set": OfAccount & { readonly input: HoldInput };
  "account.hold.lift": OfAccount & WithReason;
  "account.deferral.set": OfAccount & { readonly input: DeferralInput };
  "account.deferral.lift": OfAccount & WithReason;
  "halt.set": { readonly input: HaltInput };
  /** `signedAt`: the clock of who is going to sign it; left out by a Worker of before. */
  "override.issued": { readonly input: OverrideInput; readonly signedAt?: EpochMs };
  "override.revoke-all": WithReason;
  "window.put": OfName & { readonly windows: readonly Window[] };
  "window.delete": OfName & WithReason;
  "freeze.put": OfName & { readonly input: FreezeInput };
  "freeze.delete": OfName & WithReason;
  "preflight.settings.set": OfProduct & { readonly input: PreflightSettings };
  "preflight.waive": OfProbe & { readonly input: WaiverInput };
  "preflight.waiver.withdraw": OfProbe & WithReason & { readonly target: PreflightPurpose };
  "preflight.record": OfVersion & { readonly report: PreflightReport };
}

/** Every change: the resource as it is afterwards. */
export interface CommandOutputs
  extends
    rollouts.RolloutCommandOutputs,
    replacements.ReplacementCommandOutputs,
    HandoverCommandOutputs,
    webhooks.WebhookCommandOutputs,
    access.AccessCommandOutputs,
    defaults.DefaultCommandOutputs,
    fleet.FleetCommandOutputs {
  "product.put": Product;
  "product.stable.set": Product;
  "product.hold.set": Product;
  "product.hold.lift": Product;
  "version.put": Version;
  "version.state.set": Version;
  "version.bad.mark": Version;
  "version.bad.clear": Version;
  "account.put": Account;
  "account.delete": Account;
  "account.undelete": Account;
  "account.pin.set": Account;
  "account.pin.lift": Account;
  "account.quarantine.set": Account;
  "account.quarantine.lift": Account;
  "account.hold.set": Account;
  "account.hold.lift": Account;
  "account.deferral.set": Account;
  "account.deferral.lift": Account;
  "halt.set": Halt;
  /** `issuedAt`: the time to stamp it with, which is what revoking compares; left out by an object of before. */
  "override.issued": { readonly allowed: true; readonly issuedAt?: EpochMs };
  "override.revoke-all": { readonly before: EpochMs };
  "window.put": StoredWindow;
  "window.delete": StoredWindow;
  "freeze.put": StoredFreeze;
  "freeze.delete": StoredFreeze;
  "preflight.settings.set": KeptSettings;
  "preflight.waive": Waiver;
  "preflight.waiver.withdraw": Waiver;
  "preflight.record": PreflightDone;
}

export type CommandName = keyof CommandInputs;

/** Every question: what it takes. */
export interface QueryInputs
  extends
    rollouts.RolloutQueryInputs,
    HistoryQueryInputs,
    replacements.ReplacementQueryInputs,
    HandoverQueryInputs,
    webhooks.WebhookQueryInputs,
    access.AccessQueryInputs {
  products: Record<never, never>;
  product: OfProduct;
  versions: OfProduct;
  version: OfVersion;
  accounts: AccountQuery;
  account: OfAccount;
  halt: Record<never, never>;
  audit: {
    readonly cursor: string | null;
    readonly limit: number;
    readonly target: string | null;
    readonly actor: string | null;
  };
  status: { readonly seen: readonly SeenIsolate[] };
  alarms: Record<never, never>;
  windows: Record<never, never>;
  window: OfName;
  freezes: Record<never, never>;
  freeze: OfName;
  "preflight.settings": OfProduct;
  preflight: OfVersion;
  "preflight.probes": OfVersion & { readonly via: string | null };
}

export interface QueryOutputs
  extends
    rollouts.RolloutQueryOutputs,
    HistoryQueryOutputs,
    replacements.ReplacementQueryOutputs,
    HandoverQueryOutputs,
    webhooks.WebhookQueryOutputs,
    access.AccessQueryOutputs {
  products: readonly Product[];
  product: Product;
  versions: readonly Version[];
  version: Version;
  accounts: AccountPage;
  account: Account;
  halt: Halt;
  audit: AuditPage;
  status: Status;
  alarms: readonly AlarmView[];
  windows: readonly StoredWindow[];
  window: StoredWindow;
  freezes: readonly StoredFreeze[];
  freeze: StoredFreeze;
  "preflight.settings": KeptSettings;
  preflight: PreflightView;
  "preflight.probes": PreflightProbes;
}

export type QueryName = keyof QueryInputs;

/** One step of the work behind: publishing, collecting, expiries. */
export interface TickReport {
  /** The object's clock after the tick: the greatest time it was ever ticked with. */
  readonly now: EpochMs;
  /** False when the tick was older than the clock, and so did nothing. */
  readonly advanced: boolean;
  readonly happened: readonly string[];
  readonly generation: Generation;
}

/** One line of an export: a table name and a row. */
export interface ExportPage {
  readonly lines: readonly string[];
  readonly cursor: string | null;
}

/** What the control plane object offers. Implemented by `control/`, called through RPC. */
export interface ControlPort {
  execute<K extends CommandName>(
    name: K,
    input: CommandInputs[K],
    context: WriteContext,
  ): Promise<Result<CommandOutputs[K], Refusal>>;
  query<K extends QueryName>(name: K, input: QueryInputs[K]): Promise<Result<QueryOutputs[K], Refusal>>;
  /** Finds the actor of a token by its SHA-256 in hex; null for unknown, revoked and expired ones alike. */
  authenticate(sha256: string): Promise<Authenticated | null>;
  /** Finds the actor of an identity that Cloudflare Access vouches for; null: nothing is granted to it, or no more. */
  findGranted(identity: string): Promise<Actor | null>;
  /**
   * Sends the matrix to a version from here and keeps what came, with an audit entry; at most about 45 s. A run of the
   * same version that is under way already is waited for and not made twice.
   */
  runPreflight(asked: PreflightAsked, context: WriteContext): Promise<Result<PreflightDone, Refusal>>;
  importBegin(begin: ImportBegin, actor: Actor): Promise<Result<null, Refusal>>;
  importBatch(id: string, lines: readonly NumberedLine[]): Promise<Result<BatchDone, Refusal>>;
  /** Finishes: removes what a sync lacks (or refuses), writes the audit entry, says when edges will know. */
  importEnd(id: string, rejected: number): Promise<Result<ImportEnded, Refusal>>;
  exportPage(cursor: string | null): Promise<ExportPage>;
  restoreBegin(actor: Actor, reason: string): Promise<Result<null, Refusal>>;
  restoreLines(lines: readonly string[]): Promise<Result<null, Refusal>>;
  /** Swaps the restored state in; the maps continue above every generation ever published or seen. */
  restoreEnd(highestSeen: Generation): Promise<Result<{ readonly generation: Generation }, Refusal>>;
  /** Attempts that the admin surface refused, for the audit, which is told of them in bounded numbers. */
  noteRefused(attempts: readonly RefusedAttempts[]): Promise<void>;
  tick(scheduledTime: EpochMs): Promise<TickReport>;
}
