/**
 * Local time of a zone to instants and back. Offsets come from zone-clock.ts (which asks the runtime's zone data); they
 * are probed once a UTC day, changes are found by halving, and all else is plain arithmetic on that line.
 * It accepts that two changes within one UTC day would be taken for one: the zone database has none in living use.
 * It never falls back to UTC: a zone that the runtime does not know has no line.
 * Called by everything else in core/calendar. Terms: Temporal's "gap" (skipped) and "overlap" (shown twice).
 */
import { isTimeZoneName } from "../../contracts/calendar.ts";
import type { EpochMs } from "../../contracts/units.ts";
import {
  type CalendarMemo,
  DAY_MS,
  type OffsetBlock,
  type OffsetChange,
  rememberByZone,
  SECOND_MS,
  type ZoneLine,
} from "./memo.ts";
import { createZoneClock, readOffsetMs, type ZoneClock } from "./zone-clock.ts";

/** 64 probes take about 0.4 ms and serve two months. */
const BLOCK_MS = 64 * DAY_MS;

/** The line of an IANA zone, null when the runtime does not know the zone. */
export function zoneLine(memo: CalendarMemo, zone: string): ZoneLine | null {
  return rememberByZone(memo.zones, zone, () =>
    isTimeZoneName(zone)
      ? { zone, clock: createZoneClock(zone), blocks: new Map<number, OffsetBlock>() }
      : null,
  );
}

/** The instant in `(low, high]` at which the offset stops being what it is at `lowMs`; changes are on whole seconds. */
function findChange(clock: ZoneClock, lowMs: EpochMs, highMs: EpochMs): EpochMs {
  const before = readOffsetMs(clock, lowMs);
  let low = lowMs;
  let high = highMs;
  while (high - low > SECOND_MS) {
    const middle = low + Math.floor((high - low) / 2 / SECOND_MS) * SECOND_MS;
    if (readOffsetMs(clock, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

function readBlock(clock: ZoneClock, startMs: EpochMs): OffsetBlock {
  const first = readOffsetMs(clock, startMs);
  const changes: OffsetChange[] = [];
  let offsetMs = first;
  for (let atMs = startMs + DAY_MS; atMs <= startMs + BLOCK_MS; atMs += DAY_MS) {
    const next = readOffsetMs(clock, atMs);
    if (next === offsetMs) continue;
    const change = findChange(clock, atMs - DAY_MS, atMs);
    // One that falls on the next block's first instant belongs here as well: offsets are asked for from either side.
    changes.push({ atMs: change, offsetMs: next });
    offsetMs = next;
  }
  return { offsetMs: first, changes };
}

function blockAt(line: ZoneLine, index: number): OffsetBlock {
  const known = line.blocks.get(index);
  if (known !== undefined) return known;
  const block = readBlock(line.clock, index * BLOCK_MS);
  line.blocks.set(index, block);
  return block;
}

/** Local time minus UTC at an instant, in milliseconds. */
export function offsetAt(line: ZoneLine, atMs: EpochMs): number {
  const block = blockAt(line, Math.floor(atMs / BLOCK_MS));
  let { offsetMs } = block;
  for (const change of block.changes) {
    if (change.atMs <= atMs) ({ offsetMs } = change);
  }
  return offsetMs;
}

/** The changes in `(lowMs, highMs]`, in order. */
function changesBetween(line: ZoneLine, lowMs: EpochMs, highMs: EpochMs): readonly OffsetChange[] {
  const firstIndex = Math.floor(lowMs / BLOCK_MS);
  const lastIndex = Math.floor(highMs / BLOCK_MS);
  const first = blockAt(line, firstIndex);
  if (firstIndex === lastIndex && first.changes.length === 0) return first.changes;
  const found: OffsetChange[] = [];
  for (let index = firstIndex; index <= lastIndex; index += 1) {
    for (const change of blockAt(line, index).changes) {
      if (change.atMs > lowMs && change.atMs <= highMs) found.push(change);
    }
  }
  return found;
}

/** Where a wall-clock time lies: equal when it occurs once, the first instant after the gap (both) when it is skipped. */
export interface LocalInstants {
  readonly firstMs: EpochMs;
  readonly lastMs: EpochMs;
  /** The wall clock right after the gap, null when the time does occur. */
  readonly resumesLocalMs: number | null;
}

/**
 * The instants at which the zone's wall clock shows `localMs` (a wall-clock time written as if it were UTC).
 * Example, Europe/Paris: 2026-03-29 02:30 is skipped, first = last = 01:00Z; 2026-10-25 02:30 is 00:30Z and 01:30Z.
 */
export function resolveLocal(line: ZoneLine, localMs: number): LocalInstants {
  // Offsets stay below a day, so every candidate lies within a day of the same digits read as UTC.
  let fromMs = localMs - DAY_MS;
  let offsetMs = offsetAt(line, fromMs);
  let firstMs: EpochMs | null = null;
  let lastMs: EpochMs | null = null;
  let gap: LocalInstants | null = null;
  for (const change of changesBetween(line, fromMs, localMs + DAY_MS)) {
    const candidate = localMs - offsetMs;
    if (candidate >= fromMs && candidate < change.atMs) {
      firstMs ??= candidate;
      lastMs = candidate;
    }
    const resumesLocalMs = change.atMs + change.offsetMs;
    if (localMs >= change.atMs + offsetMs && localMs < resumesLocalMs) {
      gap = { firstMs: change.atMs, lastMs: change.atMs, resumesLocalMs };
    }
    fromMs = change.atMs;
    ({ offsetMs } = change);
  }
  const candidate = localMs - offsetMs;
  if (candidate >= fromMs) return { firstMs: firstMs ?? candidate, lastMs: candidate, resumesLocalMs: null };
  if (firstMs !== null && lastMs !== null) return { firstMs, lastMs, resumesLocalMs: null };
  if (gap !== null) return gap;
  throw new Error(`zone ${line.zone} shows the local time ${localMs} neither before nor after any change`);
}
