/**
 * What a story measures: accounts and time that a rollout touched, how long a default was where, and how spans of time are
 * counted and said. Pure types and arithmetic; summary.ts fills them, questions.ts and markdown.ts read them.
 */
import type { HurtAccountView } from "../../../src/contracts/api/gates.ts";

const MINUTE_MS = 60_000;

/** What one rollout touched. */
export interface Touched {
  readonly id: string;
  readonly targets: Readonly<Record<string, string>>;
  readonly phase: string;
  readonly accounts: number;
  readonly movedAtMost: number;
  readonly movedNow: number;
  readonly firstMoveAt: string | null;
  /** When nobody was on its targets because of it any more; null: somebody is. */
  readonly backAt: string | null;
  readonly minutes: number | null;
  /** Accounts on its targets times how long, in hours. */
  readonly accountHours: number;
  readonly verdicts: readonly string[];
  /** Moved, and taken back by a rollback. */
  readonly takenBack: number;
  /** That no wave had come to. */
  readonly notReached: number;
  /** That stayed for a reason of their own: a pin, a deferral, no product. */
  readonly leftBehind: number;
  readonly putBackAlone: number;
  readonly hurt: {
    readonly accounts: number;
    readonly failures: number;
    readonly stillThere: number;
    readonly worst: readonly HurtAccountView[];
  };
}

/** A time for which the default (unknown accounts) of a product was on a version. */
export interface DefaultSpan {
  readonly product: string;
  readonly version: string;
  readonly from: string;
  /** Null: it is there still. */
  readonly to: string | null;
  readonly minutes: number;
  readonly forced: boolean;
  readonly by: string;
}

/** Minutes between two points in time, to the hundredth. */
export function minutesBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / (MINUTE_MS / 100)) / 100;
}

/** Minutes as people say them. */
export function duration(minutes: number): string {
  if (minutes < 1) return `${Math.round(minutes * 60)} s`;
  if (minutes < 120) return `${Math.round(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${Math.round(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}
