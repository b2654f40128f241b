/**
 * Time as the control plane uses it. Wall time (from the `ControlClock` port) measures what is physical: how long objects
 * spread in KV, how far root writes are apart. The object's own clock is the greatest time it was ever ticked with and
 * decides what is due: expiries, freed slugs, collection. Commands are stamped with the later of the two, so that the
 * audit never runs backwards when a machine's clock does.
 */
import type { EpochMs } from "../contracts/units.ts";
import type { Db } from "./db.ts";
import { readCounter } from "./store/meta.ts";

export interface ControlClock {
  nowMs(): EpochMs;
  /** Gives other events a turn; `ms` 0 is the usual case. */
  sleep(ms: number): Promise<void>;
}

/** Time of a command: wall time, but never before the last tick. */
export function commandTime(db: Db, clock: ControlClock): EpochMs {
  return Math.max(clock.nowMs(), readCounter(db, "clock"));
}

/** ISO 8601 in UTC, as every resource shows times. */
export function toInstant(ms: EpochMs): string {
  return new Date(ms).toISOString();
}

export function toInstantOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : toInstant(ms);
}

/** Reads an instant that was validated where it came in. */
export function fromInstant(text: string): EpochMs {
  return Date.parse(text);
}

export function fromInstantOrNull(text: string | null): EpochMs | null {
  return text === null ? null : fromInstant(text);
}
