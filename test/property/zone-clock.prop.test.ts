/**
 * Properties of a zone's wall clock, with Temporal (a polyfill, for tests alone) as the second opinion: over every zone
 * that the runtime knows and over instants of any century, offsets and written times are those that Temporal gives.
 */
import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, it } from "vitest";
import { createCalendarMemo } from "../../src/core/calendar/memo.ts";
import { showInstant } from "../../src/core/calendar/preview.ts";
import { createZoneClock, readOffsetMs } from "../../src/core/calendar/zone-clock.ts";

const NANOSECONDS_PER_MS = 1_000_000;
const ZONES = ["UTC", "US/Pacific", "Etc/GMT+12", ...Intl.supportedValuesOf("timeZone")];
const memo = createCalendarMemo();

const zone = fc.constantFrom(...ZONES);
const instant = fc.oneof(
  // Years that are planned with, then anything that can be written with four digits; with fractions of a second.
  fc.integer({ min: Date.UTC(1995, 0, 1), max: Date.UTC(2060, 0, 1) }),
  fc.integer({ min: Date.parse("0002-01-01T00:00:00Z"), max: Date.UTC(9999, 11, 30) }),
  // Around the ends of months and years, where the local day is another.
  fc
    .tuple(fc.integer({ min: 0, max: 12 * 80 }), fc.integer({ min: -93_600_000, max: 93_600_000 }))
    .map(([months, ms]) => Date.UTC(1970, months, 1) + ms),
);

describe("a zone's clock", () => {
  it("is as far from UTC as Temporal says, in every zone", { timeout: 30_000 }, ({ expect }) => {
    for (const name of ZONES) {
      const clock = createZoneClock(name);
      for (const month of [0, 6]) {
        const atMs = Date.UTC(2026, month, 1, 0, 30);
        const zoned = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(name);
        expect(`${name} ${readOffsetMs(clock, atMs)}`).toBe(
          `${name} ${zoned.offsetNanoseconds / NANOSECONDS_PER_MS}`,
        );
      }
    }
  });

  it(
    "reads and writes any instant as Temporal does, with and without a memo",
    { timeout: 30_000 },
    ({ expect }) => {
      fc.assert(
        fc.property(zone, instant, (name, atMs) => {
          const exact = Temporal.Instant.fromEpochMilliseconds(atMs);
          const zoned = exact.toZonedDateTimeISO(name);
          const expected = { local: zoned.toString({ timeZoneName: "never" }), utc: exact.toString() };
          expect(showInstant(atMs, name)).toEqual(expected);
          expect(showInstant(atMs, name, memo)).toEqual(expected);
        }),
        { numRuns: 200 },
      );
    },
  );

  it("refuses a zone that the runtime does not know", ({ expect }) => {
    expect(() => createZoneClock("Europe/Atlantis")).toThrow(RangeError);
    expect(() => showInstant(0, "Europe/Atlantis", memo)).toThrow(RangeError);
  });
});
