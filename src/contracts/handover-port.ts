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

/** One event as it goes out. */
export interface OutgoingEvent {
  readonly url: string;
  readonly id: string;
  readonly body: string;
}

export type EventAnswer =
  | { readonly taken: true }
  | {
      readonly taken: false;
      readonly problem: string;
      /** What the receiver asked for; null: nothing. */
      readonly retryAfterMs: number | null;
    };

/** Sends an event once. Never rejects, and answers within seconds. */
export type SendEvent = (event: OutgoingEvent) => Promise<EventAnswer>;

interface OfVersion {
  readonly product: ProductName;
  readonly version: VersionName;
}

/** A version that is told of moves, or was and has not taken all of it. */
export interface EventReceiver extends OfVersion {
  /** Null: not any more. */
  readonly url: string | null;
  readonly delivered: number;
  readonly deliveredAt: string | null;
  readonly waiting: number;
  /** Given up after a day; `events.retry` sends them again. */
  readonly dead: number;
  /** Since when it has not taken what it was sent; null: it takes it. */
  readonly failingSince: string | null;
  readonly retryAt: string | null;
  readonly problem: string | null;
}

/** An event that a receiver never took. */
export interface DeadEvent extends OfVersion {
  readonly id: string;
  readonly from: VersionName;
  readonly to: VersionName;
  readonly generation: Generation;
  readonly accounts: number;
  readonly madeAt: string;
  readonly attempts: number;
  readonly problem: string | null;
}

export interface HandoverCommandInputs {
  /** Sends again what was given up: one event, or (null) all of the receiver's. */
  "events.retry": OfVersion & { readonly event: string | null; readonly reason: string };
}

export interface HandoverCommandOutputs {
  "events.retry": { readonly retried: number };
}

export interface HandoverQueryInputs {
  assignments: AssignmentQuery;
  events: Record<never, never>;
  "events.dead": { readonly cursor: string | null; readonly limit: number };
}

export interface HandoverQueryOutputs {
  /** Refused with `not-found` when the record begins later than `since`, with the earliest generation. */
  assignments: AssignmentPage;
  events: readonly EventReceiver[];
  /** Oldest first. */
  "events.dead": { readonly items: readonly DeadEvent[]; readonly cursor: string | null };
}
