/**
 * What the wall clock of a zone shows at an instant, read from the runtime's own zone data through Intl, and how that is
 * written for people. It knows nothing of the other direction: zone-line.ts finds instants by probing this.
 * It does not use Temporal: workerd has none yet, and a polyfill is 20 kB of the compressed Worker for this one question.
 * It never falls back to UTC. Called by zone-line.ts and preview.ts.
 */
import type { EpochMs } from "../../contracts/units.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "./memo.ts";

/** Making one costs about 0.1 ms, asking it a few µs: keep it with whatever is remembered of the zone. */
export type ZoneClock = Intl.DateTimeFormat;

/** The clock of an IANA zone. Throws RangeError for a zone that the runtime does not know. */
export function createZoneClock(zone: string): ZoneClock {
  return new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/**
 * Local time minus UTC at an instant, in milliseconds; whole seconds, as the zone database has them.
 * No zone is a day away from UTC, so the day of the month says enough of the date, also where a month or year ends.
 */
export function readOffsetMs(clock: ZoneClock, atMs: EpochMs): number {
  const shown = /^(\d+), (\d+):(\d+):(\d+)$/.exec(clock.format(atMs));
  if (shown === null) throw new Error(`Intl shows an instant as ${clock.format(atMs)}`);
  const [, day, hour, minute, second] = shown;
  const localMs = Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS + Number(second) * SECOND_MS;
  const secondMs = Math.floor(atMs / SECOND_MS) * SECOND_MS;
  const utcMs = secondMs - Math.floor(secondMs / DAY_MS) * DAY_MS;
  return daysBetween(new Date(atMs).getUTCDate(), Number(day)) * DAY_MS + localMs - utcMs;
}

/** Days from one day of a month to the day before, the same, or the day after: -1, 0 or 1. */
function daysBetween(from: number, to: number): number {
  const days = to - from;
  return Math.abs(days) > 1 ? -Math.sign(days) : days;
}

/** ISO 8601 in UTC, without the fraction where there is none: `2026-11-28T21:00:00Z`. */
export function writeUtc(atMs: EpochMs): string {
  return new Date(atMs).toISOString().replace(/\.?0*Z$/, "Z");
}

/** ISO 8601 with the offset, which is written to the minute: `2026-11-28T22:00:00+01:00`. */
export function writeLocal(atMs: EpochMs, offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / MINUTE_MS);
  const two = (number: number): string => String(number).padStart(2, "0");
  const offset = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return `${writeUtc(atMs + offsetMs).slice(0, -1)}${offsetMs < 0 ? "-" : "+"}${offset}`;
}
