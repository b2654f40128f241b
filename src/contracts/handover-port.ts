/**
 * What crosses RPC about handing accounts over from one version to another: who moved since a generation, and the events
 * that tell origins. Plain data. The port itself is in control.ts, the shapes of the wire in api/handover.ts.
 */
import type { AccountSlug, Generation, ProductName, VersionName } from "./units.ts";

/** One account whose version differs from what it was. */
export interface Assignment {
  readonly account: AccountSlug;
  readonly product: ProductName;
  /** Null: it was not known for the product then. */
  readonly from: VersionName | null;
  /** Null: it is not known for the product any more. */
  readonly to: VersionName | null;
  /** Since which generation it is on `to`. */
  readonly generation: Generation;
}

export interface AssignmentPage {
  readonly since: Generation;
  /** What it was compared with, the same on all pages: `since` of the next question. */
  readonly generation: Generation;
  /** May be empty while there is a cursor. */
  readonly items: readonly Assignment[];
  readonly cursor: string | null;
}

export interface AssignmentQuery {
  readonly since: Generation;
  /** Null: all. */
  readonly products: readonly ProductName[] | null;
  /** Left or reached; null: any. */
  readonly version: VersionName | null;
  readonly cursor: string | null;
  readonly limit: number;
}

export interface HandoverQueryInputs {
  assignments: AssignmentQuery;
}

export interface HandoverQueryOutputs {
  /** Refused with `not-found` when the record begins later than `since`, with the earliest generation. */
  assignments: AssignmentPage;
}
