/** Builders for calendar tests: instants from text, windows with defaults, and the first error of a result that failed. */
import type { Freeze, Weekday, Window } from "../../src/contracts/calendar.ts";
import type { Result } from "../../src/contracts/result.ts";

/** Milliseconds of an ISO instant. */
export function at(iso: string): number {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new Error(`${iso} is no instant`);
  return ms;
}

/** `2024-03-31T01:00:00Z` of milliseconds. */
export const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

/** An hour at night in the account's zone, unless said otherwise. */
export function window(partial: Partial<Window> = {}): Window {
  return { from: "22:00", to: "23:00", zone: "account", ...partial };
}

export const nights = (days: readonly Weekday[], zone = "account"): Window =>
  window({ days, to: "02:00", zone });

/** A freeze of everything in December, unless said otherwise. */
export function freeze(partial: Partial<Freeze> = {}): Freeze {
  return {
    name: "december",
    from: "2024-12-20",
    to: "2024-12-31",
    zone: "UTC",
    scope: {},
    reason: "shop season",
    ...partial,
  };
}

/** The value of a result that must have succeeded. */
export function valueOf<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(`failed with ${JSON.stringify(result.error)}`);
  return result.value;
}

/** The error of a result that must have failed. */
export function errorOf<T, E>(result: Result<T, E>): E {
  if (result.ok) throw new Error(`succeeded with ${JSON.stringify(result.value)}`);
  return result.error;
}
