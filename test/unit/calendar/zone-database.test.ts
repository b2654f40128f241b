/**
 * Openings against the zone database itself. The expected instants come from test/support/zone-transitions.ts: a parser
 * of TZif files and plain arithmetic, with neither Intl nor Temporal. test/vectors/windows-zones.json holds what it read
 * (tzdata 2025b; the same transitions as `zdump -v -c 2023,2026 ZONE` prints), so that this runs where no zone files are
 * installed; where they are (and not older than 2025a), everything runs against them as well, and vectors must equal
 * them. The runtime's own data (ICU) may be newer: the years are past ones, on which versions agree.
 * To make the vectors again: `npx node test/support/zone-transitions.ts > test/vectors/windows-zones.json`.
 */
import { describe, it } from "vitest";
import type { Opening, Window } from "../../../src/contracts/calendar.ts";
import { createCalendarMemo } from "../../../src/core/calendar/memo.ts";
import { openings } from "../../../src/core/calendar/openings.ts";
import { workdaysBetween } from "../../../src/core/calendar/workdays.ts";
import { iso, valueOf, window } from "../../support/calendar.ts";
import {
  DAY_MS,
  instantsShowing,
  readZone,
  ZONE_RANGES,
  zoneinfoVersion,
  type ZoneRecord,
} from "../../support/zone-transitions.ts";
import vectors from "../../vectors/windows-zones.json" with { type: "json" };

const OLDEST_AGREEING = "2025a";
const version = zoneinfoVersion();
const installed: readonly ZoneRecord[] | null =
  version !== null && version >= OLDEST_AGREEING
    ? ZONE_RANGES.map(([zone, year]) => readZone(zone, year))
    : null;
const sources = [
  { source: "the recorded vectors", records: vectors.zones as readonly ZoneRecord[] },
  ...(installed === null ? [] : [{ source: "the installed zone files", records: installed }]),
];

/** Every half-hour start is tried in every zone: quarters for zones that move by 30 minutes, day ends, long and short. */
const SPANS: readonly (readonly [from: string, to: string])[] = [
  ["00:00", "01:00"],
  ["00:30", "00:45"],
  ["01:30", "02:00"],
  ["01:45", "02:15"],
  ["02:00", "03:00"],
  ["02:30", "02:35"],
  ["02:50", "06:00"],
  ["22:00", "02:30"],
  ["23:30", "24:00"],
  ["23:30", "00:15"],
  ["00:00", "24:00"],
  ["12:00", "12:00"],
];

const minutesOf = (clock: string): number => {
  const [hours, minutes] = clock.split(":").map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
};

/** The run of a local day by arithmetic on recorded transitions alone; null for a date that never was. */
function expectedRun(
  record: ZoneRecord,
  day: number,
  [from, to]: readonly [string, string],
): { startMs: number; endMs: number } | null {
  const noon = instantsShowing(record, day * DAY_MS + DAY_MS / 2);
  if (noon.instants.length === 0) return null;
  const nominal = (minutesOf(to) - minutesOf(from) + (to <= from ? 24 * 60 : 0)) * 60_000;
  const start = instantsShowing(record, day * DAY_MS + minutesOf(from) * 60_000);
  const end = instantsShowing(record, day * DAY_MS + minutesOf(from) * 60_000 + nominal);
  const startMs = start.instants[0] ?? start.gapEndMs ?? NaN;
  const endMs = end.instants.at(-1) ?? end.gapEndMs ?? NaN;
  return { startMs, endMs: endMs === startMs ? startMs + nominal : endMs };
}

/** Days that lie in the record's years with all their runs. */
function daysOf(record: ZoneRecord): number[] {
  const first = Date.UTC(record.fromYear, 0, 3) / DAY_MS;
  const last = Date.UTC(record.untilYear, 0, 1) / DAY_MS - 4;
  return Array.from({ length: last - first }, (_, index) => first + index);
}

const said = ({ date, startMs, endMs }: Opening): string => `${date} ${iso(startMs)} ${iso(endMs)}`;

function areSame(some: readonly Opening[], others: readonly Opening[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ date, startMs, endMs }, index) => {
      const other = others[index];
      return date === other?.date && startMs === other.startMs && endMs === other.endMs;
    })
  );
}

const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

describe("the recorded vectors", () => {
  it("hold at least 14 zones of three years, with gaps, overlaps, a leap day and a day left out", ({
    expect,
  }) => {
    expect(vectors.zones.length).toBeGreaterThanOrEqual(14);
    expect(vectors.zones.map(({ zone, fromYear }) => [zone, fromYear])).toEqual(ZONE_RANGES);
    expect(vectors.zones.every(({ fromYear, untilYear }) => untilYear - fromYear === 3)).toBe(true);
    expect(vectors.zones.flatMap(({ transitions }) => transitions).length).toBe(97);
  });

  it("equal the installed zone files, where there are any that are new enough", ({ expect }) => {
    expect(installed ?? vectors.zones).toEqual(vectors.zones);
  });
});

describe.each(sources)("openings by $source", ({ records }) => {
  it.for(records.map((record) => [record.zone, record] as const))(
    "run once a local day at the instants of the zone database in %s",
    ([zone, record], { expect }) => {
      const memo = createCalendarMemo();
      const days = daysOf(record);
      const wanted = new Set(days.map(dateOf));
      expect(wanted.size).toBeGreaterThan(1000);
      for (const span of SPANS) {
        const query = { windows: [window({ from: span[0], to: span[1] })], accountZone: zone, memo };
        const expected = days.flatMap((day) => {
          const run = expectedRun(record, day, span);
          return run === null ? [] : [{ date: dateOf(day), ...run }];
        });
        const all = valueOf(
          openings(query, Date.UTC(record.fromYear, 0, 1), Date.UTC(record.untilYear, 0, 1)),
        );
        const got = all.filter(({ date }) => wanted.has(date));
        // As numbers, and as text for a reader where they differ: writing 50,000 instants takes longer than finding them.
        if (!areSame(got, expected)) expect(got.map(said), span.join("–")).toEqual(expected.map(said));
      }
    },
  );

  it.for(records.map((record) => [record.zone, record] as const))(
    "belong to the nth weekday of the local month on which they start in %s",
    ([zone, record], { expect }) => {
      const nth: Window["nth"] = [
        { weekday: "sat", week: "last" },
        { weekday: "sun", week: 1 },
        { weekday: "thu", week: 5 },
      ];
      const query = { windows: [window({ nth, from: "22:00", to: "02:00" })], accountZone: zone };
      const expected = daysOf(record).filter((day) => {
        const date = new Date(day * DAY_MS);
        const [weekday, ofMonth] = [date.getUTCDay(), date.getUTCDate()];
        const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
        if (weekday === 6) return ofMonth > length - 7;
        if (weekday === 0) return ofMonth <= 7;
        return weekday === 4 && ofMonth > 28;
      });
      const from = Date.UTC(record.fromYear, 0, 1);
      const got = valueOf(openings(query, from, Date.UTC(record.untilYear, 0, 1)));
      const wanted = new Set(daysOf(record).map(dateOf));
      expect(got.map(({ date }) => date).filter((date) => wanted.has(date))).toEqual(expected.map(dateOf));
      for (const { date, startMs } of got.filter((each) => wanted.has(each.date))) {
        const run = expectedRun(record, Date.parse(date) / DAY_MS, ["22:00", "02:00"]);
        expect(startMs, `${zone} ${date}`).toBe(run?.startMs);
      }
    },
  );

  it.for(records.map((record) => [record.zone, record] as const))(
    "count a workday for every Monday to Friday that was, in %s",
    ([zone, record], { expect }) => {
      const days = daysOf(record);
      const workdays = days.filter(
        (day) =>
          ![0, 6].includes(new Date(day * DAY_MS).getUTCDay()) &&
          expectedRun(record, day, ["09:00", "17:00"]),
      );
      const start = expectedRun(record, days[0] ?? 0, ["00:00", "00:30"])?.startMs ?? 0;
      const end = expectedRun(record, days.at(-1) ?? 0, ["23:30", "24:00"])?.endMs ?? 0;
      expect(valueOf(workdaysBetween({ zone }, start, end))).toBe(workdays.length);
    },
  );
});
