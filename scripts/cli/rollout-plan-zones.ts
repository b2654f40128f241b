/**
 * When a plan moves whom, by place: by default a line for each region of a wave, or one for all of it where all its zones
 * move together, so that a plan over the whole world is read at a glance; with `--all` a line for each zone. Pure.
 */
import type { PlannedWaveAnswer, RolloutPlanAnswer } from "../../src/contracts/api/rollout-plan.ts";
import { instant, renderTable, type Cell } from "./render.ts";

type Zone = PlannedWaveAnswer["zones"][number];

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const WALL_CLOCK = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::(?!00)\d{2})?)(?::00)?(?:\.\d+)?(.*)$/;

/** A wall clock as people say it, to the second: `Fri 2026-11-27 22:00 +01:00`. */
export function wallClock(local: string): string {
  const parts = WALL_CLOCK.exec(local);
  if (parts === null) return local;
  const [, date = "", time = "", offset = ""] = parts;
  const day = DAYS[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? "";
  return [day, date, time, offset].filter((part) => part !== "").join(" ");
}

/** One line a zone, in the order in which they move. */
function zoneRows({ name, zones }: PlannedWaveAnswer): readonly (readonly Cell[])[] {
  return zones
    .toSorted((a, b) => Date.parse(a.first.utc) - Date.parse(b.first.utc) || (a.zone < b.zone ? -1 : 1))
    .map(({ zone, accounts, first, last }) => [
      name,
      zone,
      accounts,
      wallClock(first.local),
      wallClock(last.local),
      instant(first.utc),
      instant(last.utc),
    ]);
}

/** The wall clock without its offset and below minutes: what places have in common. */
const wallMinute = ({ local }: Zone["first"]): string => local.slice(0, 16);
const utcMinute = ({ utc }: Zone["first"]): string => utc.slice(0, 16);

/** Zones that are told in one line, under the name that they have together. */
function partsOf(zones: readonly Zone[]): ReadonlyMap<string, readonly Zone[]> {
  const alike = (of: (at: Zone["first"]) => string): boolean =>
    new Set(zones.map(({ first, last }) => `${of(first)} ${of(last)}`)).size <= 1;
  if (alike(utcMinute) || alike(wallMinute)) return new Map([["everywhere", zones]]);
  const regions = new Map<string, Zone[]>();
  for (const zone of zones.toSorted((a, b) => (a.zone < b.zone ? -1 : 1))) {
    const region = zone.zone.split("/")[0] ?? zone.zone;
    regions.set(region, [...(regions.get(region) ?? []), zone]);
  }
  return regions;
}

/** The earliest and the latest of them; ISO texts of one kind are in the order of time. */
function range(texts: readonly string[]): readonly [from: string, until: string] {
  const sorted = texts.toSorted();
  return [sorted[0] ?? "", sorted.at(-1) ?? ""];
}

function partRow(wave: string, part: string, zones: readonly Zone[]): readonly Cell[] {
  const ends = zones.flatMap(({ first, last }) => [first, last]);
  const there = range(ends.map(wallMinute));
  const utc = range(ends.map(utcMinute));
  const only = zones.length === 1 ? zones[0]?.zone : undefined;
  const accounts = zones.reduce((sum, zone) => sum + zone.accounts, 0);
  return [wave, only ?? part, zones.length, accounts, ...there.map(wallClock), ...utc.map(wallClock)];
}

function partRows({ name, zones }: PlannedWaveAnswer): readonly (readonly Cell[])[] {
  return [...partsOf(zones)].map(([part, members]) => partRow(name, part, members));
}

/** When whom; empty where nobody moves. */
export function renderPlaces({ waves }: RolloutPlanAnswer, all: boolean): string {
  const rows = waves.flatMap(all ? zoneRows : partRows);
  if (rows.length === 0) return "";
  if (all)
    return `\nFirst and last move\n${renderTable(["wave", "zone", "accounts", "first", "last", "first UTC", "last UTC"], rows)}`;
  const head = ["wave", "where", "zones", "accounts", "first, there", "last, there", "first UTC", "last UTC"];
  const zones = new Set(waves.flatMap((wave) => wave.zones.map(({ zone }) => zone))).size;
  const more = zones > 1 ? ` (each of the ${zones} zones: --all)` : "";
  return `\nFirst and last move${more}\n${renderTable(head, rows)}`;
}
