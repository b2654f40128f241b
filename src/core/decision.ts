/**
 * The shapes of a decision: what goes into it and what can come out. Shapes only; the rules are in `decide-version`.
 * Used by the edge, by `explain` and by the control plane's plans, which all decide with the same function.
 */
import type { AccountRow, BreakGlass, Hold, Root } from "../contracts/maps.ts";
import type { AccountSlug, Generation, ProductName, VersionName } from "../contracts/units.ts";

/** Why an account got its version; the first that applies, in this order (`default` stands for no known account). */
export type Reason =
  | "break-glass"
  | "hold"
  | "override"
  | "quarantine"
  | "pin"
  | "rollout"
  | "home"
  | "default";

/** Claims of a tester's token whose signature, expiry and revocation were checked before. */
export interface Override {
  readonly product: ProductName;
  /** The account it is for; null for requests that name none. A token never counts for another one. */
  readonly account: AccountSlug | null;
  readonly version: VersionName;
}

export interface DecisionInput {
  readonly root: Root;
  /** The document in force, already chosen between its sources and not expired. */
  readonly breakGlass: BreakGlass | null;
  readonly product: ProductName;
  /** The slug that the host names, known or not; null for an apex. */
  readonly slug: AccountSlug | null;
  /** What the maps know of the account; null when they were read and know nothing. Never null for "could not be read". */
  readonly row: AccountRow | null;
  readonly override: Override | null;
}

export interface Forward {
  readonly kind: "forward";
  readonly product: ProductName;
  /** Null for requests of no known account. */
  readonly account: AccountSlug | null;
  readonly version: VersionName;
  /** With the account's cell filled in. Where it may point is checked by the caller. */
  readonly origin: string;
  readonly cell: string | null;
  readonly reason: Reason;
  /** The version that a replacement (or break-glass `instead`) took the place of, else null. */
  readonly replaced: VersionName | null;
  /** Where default traffic may go when the connection fails; null for accounts, always. */
  readonly standby: { readonly version: VersionName; readonly origin: string } | null;
  readonly generation: Generation;
}

export interface Held {
  readonly kind: "hold";
  readonly product: ProductName;
  readonly account: AccountSlug | null;
  readonly hold: Hold;
  /** For `readOnly`: where safe methods go, null when that is not known. For `page` always null. */
  readonly forward: Forward | null;
  readonly reason: "break-glass" | "hold";
  readonly generation: Generation;
}

/** The maps name something they do not have. Answered 503; never sent to another version. */
export interface Unresolved {
  readonly kind: "unresolved";
  readonly product: ProductName;
  readonly account: AccountSlug | null;
  /** For logs and `explain`, not for clients. */
  readonly why: string;
  readonly generation: Generation;
}

export type Decision = Forward | Held | Unresolved;
