/**
 * The zone database read without the library under test: a parser of TZif files (RFC 9636) and local-to-UTC by plain
 * arithmetic on their transitions. Run as a program it prints test/vectors/windows-zones.json from the files of this
 * machine: `npx node test/support/zone-transitions.ts > test/vectors/windows-zones.json`. It uses neither Intl nor
 * Temporal. It reads 64-bit transitions only and no footer, so the ranges below must end before the files' last one
 * or lie in a zone that has none later (checked when vectors are printed, by asking for each year's own transitions).
 */
import { existsSync, readFileSync } from "node:fs";

export const ZONEINFO = "/usr/share/zoneinfo";

export interface Transition {
  readonly atMs: number;
  /** Local minus UTC from then on, in minutes. */
  readonly offsetMinutes: number;
}

/** A zone over whole UTC years: the offset at the beginning, and the transitions. */
export interface ZoneRecord {
  readonly zone: string;
  readonly fromYear: number;
  readonly untilYear: number;
  readonly offsetMinutes: number;
  readonly transitions: readonly Transition[];
}

/**
 * Zones and three years each in which zone data from 2025a on agree, because those years are past: most 2023 to 2025, with
 * the leap day of 2024; Apia around the day it skipped (2011-12-30), Sao Paulo around the end of its summer time (2019).
 */
export const ZONE_RANGES: readonly (readonly [zone: string, fromYear: number])[] = [
  ["Africa/Cairo", 2023],
  ["Africa/Casablanca", 2023],
  ["America/Asuncion", 2023],
  ["America/Havana", 2023],
  ["America/New_York", 2023],
  ["America/Nuuk", 2023],
  ["America/Santiago", 2023],
  ["America/Sao_Paulo", 2018],
  ["America/St_Johns", 2023],
  ["Antarctica/Troll", 2023],
  ["Asia/Almaty", 2023],
  ["Asia/Beirut", 2023],
  ["Asia/Kathmandu", 2023],
  ["Asia/Kolkata", 2023],
  ["Asia/Tokyo", 2023],
  ["Australia/Adelaide", 2023],
  ["Australia/Eucla", 2023],
  ["Australia/Lord_Howe", 2023],
  ["Europe/London", 2023],
  ["Europe/Paris", 2023],
  ["Pacific/Apia", 2010],
  ["Pacific/Chatham", 2023],
];
const YEARS = 3;

const HEADER_BYTES = 44;
const COUNT_OFFSETS = { isUt: 20, isStd: 24, leap: 28, time: 32, type: 36, chars: 40 } as const;
const MS = 1000;
const MINUTE_MS = 60 * MS;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

interface Counts {
  readonly isUt: number;
  readonly isStd: number;
  readonly leap: number;
  readonly time: number;
  readonly type: number;
  readonly chars: number;
}

function readCounts(view: DataView, at: number): Counts {
  if (view.getUint32(at) !== 0x54_5a_69_66) throw new Error("not a TZif file");
  const read = (offset: number): number => view.getUint32(at + offset);
  return {
    isUt: read(COUNT_OFFSETS.isUt),
    isStd: read(COUNT_OFFSETS.isStd),
    leap: read(COUNT_OFFSETS.leap),
    time: read(COUNT_OFFSETS.time),
    type: read(COUNT_OFFSETS.type),
    chars: read(COUNT_OFFSETS.chars),
  };
}

/** Bytes of a data block whose times have `timeBytes` bytes each (RFC 9636 section 3.2). */
function blockBytes(counts: Counts, timeBytes: number): number {
  const { time, type, chars, leap, isStd, isUt } = counts;
  return time * timeBytes + time + type * 6 + chars + leap * (timeBytes + 4) + isStd + isUt;
}

interface Raw {
  readonly atSeconds: number;
  readonly offsetSeconds: number;
}

/** All transitions of a version 2+ TZif file, and the offset before the first. */
export function parseTzif(bytes: Uint8Array): { firstOffsetSeconds: number; transitions: Raw[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const second = HEADER_BYTES + blockBytes(readCounts(view, 0), 4);
  const counts = readCounts(view, second);
  const times = second + HEADER_BYTES;
  const kinds = times + counts.time * 8;
  const types = kinds + counts.time;
  const offsetOfType = (kind: number): number => view.getInt32(types + kind * 6);
  const transitions = Array.from({ length: counts.time }, (_, index) => ({
    atSeconds: Number(view.getBigInt64(times + index * 8)),
    offsetSeconds: offsetOfType(view.getUint8(kinds + index)),
  }));
  return { firstOffsetSeconds: offsetOfType(0), transitions };
}

/** What this machine's zone files say of a zone over some years; entries that change no offset are left out. */
export function readZone(zone: string, fromYear: number): ZoneRecord {
  const { firstOffsetSeconds, transitions } = parseTzif(readFileSync(`${ZONEINFO}/${zone}`));
  const fromMs = Date.UTC(fromYear, 0, 1);
  const untilMs = Date.UTC(fromYear + YEARS, 0, 1);
  let offsetSeconds = firstOffsetSeconds;
  let startOffset = firstOffsetSeconds;
  const inRange: Transition[] = [];
  for (const next of transitions) {
    const atMs = next.atSeconds * MS;
    if (atMs <= fromMs) startOffset = next.offsetSeconds;
    else if (atMs < untilMs && next.offsetSeconds !== offsetSeconds) {
      inRange.push({ atMs, offsetMinutes: next.offsetSeconds / 60 });
    }
    ({ offsetSeconds } = next);
  }
  return {
    zone,
    fromYear,
    untilYear: fromYear + YEARS,
    offsetMinutes: startOffset / 60,
    transitions: inRange,
  };
}

/** Version of the installed zone files, such as `2025b`; null when none are installed or they do not say. */
export function zoneinfoVersion(): string | null {
  const path = `${ZONEINFO}/tzdata.zi`;
  if (!existsSync(path)) return null;
  return /^# version (\S+)/.exec(readFileSync(path, "latin1").slice(0, 40))?.[1] ?? null;
}

/** Offset in milliseconds at an instant of the record's years. */
export function recordedOffset(record: ZoneRecord, atMs: number): number {
  let minutes = record.offsetMinutes;
  for (const { atMs: changeMs, offsetMinutes } of record.transitions) {
    if (changeMs <= atMs) minutes = offsetMinutes;
  }
  return minutes * MINUTE_MS;
}

/** Every instant at which the zone's clock shows these digits (read as UTC), and the end of a gap that skips them. */
export function instantsShowing(
  record: ZoneRecord,
  localMs: number,
): { instants: number[]; gapEndMs: number | null } {
  // Local time is less than two days from the same digits read as UTC: only the offsets before and after can apply.
  const offsets = new Set([
    recordedOffset(record, localMs - 2 * DAY_MS),
    recordedOffset(record, localMs + 2 * DAY_MS),
  ]);
  const instants = [...offsets]
    .map((offsetMs) => localMs - offsetMs)
    .filter((atMs) => atMs + recordedOffset(record, atMs) === localMs)
    .sort((a, b) => a - b);
  const gap = record.transitions.find(
    ({ atMs }) =>
      localMs >= atMs + recordedOffset(record, atMs - 1) && localMs < atMs + recordedOffset(record, atMs),
  );
  return { instants, gapEndMs: gap?.atMs ?? null };
}

/** Prints the vectors: one zone a line. */
function print(): void {
  const lines = ZONE_RANGES.map(([zone, fromYear]) => `  ${JSON.stringify(readZone(zone, fromYear))}`);
  process.stdout.write(`{\n"tzdata": "${zoneinfoVersion()}",\n"zones": [\n${lines.join(",\n")}\n]\n}\n`);
}

if (import.meta.main) print();
