/**
 * Whether the root has room for the rollouts that run, before anybody moves: thresholds grow from one digit to five, so
 * a root that fits at the start may not fit at the end, and then nothing goes out any more, not even a halt. So every
 * threshold counts as its largest, and urgent rows as their limit. Reads only. Called by the start and the plan of a
 * rollout, and by whoever cuts groups while rollouts run.
 */
import { BUCKETS, MAX_ROOT_BYTES, MAX_URGENT_BYTES, SPARE_ROOT_BYTES } from "../../contracts/limits.ts";
import type { RolloutPlan, RolloutState } from "../../contracts/rollout.ts";
import { counted } from "../../core/counted.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { encodeRoot } from "../../core/maps/root-codec.ts";
import type { Db } from "../db.ts";
import { readMeta } from "../store/meta.ts";
import type { GroupRoom } from "../store/groups.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { composeBare, type Population } from "./compose.ts";
import { parseRoot } from "./published.ts";

/** A rollout as far as the size of the root depends on it. */
export interface Occupant {
  readonly plan: Pick<RolloutPlan, "id" | "targets">;
  readonly salt: string;
  /** Positions of its groups. */
  readonly numbers: readonly number[];
  /** Its accounts are held while they move, so that `held` grows like `moved`. */
  readonly holds: boolean;
}

/** One more threshold, with its comma: nobody of the group moved, or everybody. */
const NONE_BYTES = "0,".length;
const ALL_BYTES = `${BUCKETS},`.length;
/** `moved` and `held`. */
const LISTS = 2;
const NOBODY: Population = {
  accounts: 0,
  domains: 0,
  removed: { accounts: 0, domains: 0 },
  index: { hash: "", shards: 1, inline: null },
};

export function occupantOf({ plan, salt, groups, data }: RolloutState): Occupant {
  return { plan, salt, numbers: groups.number, holds: data !== undefined };
}

/** Why the root would not take one more rollout beside those that run; null: it would. */
export function crowding(db: Db, next: Occupant): string | null {
  const others = loadActiveRollouts(db).map(({ state }) => occupantOf(state));
  const bare = bareBytes(db);
  const thresholds = [...others, next].reduce((sum, one) => sum + bytesOf(one), 0);
  const bytes = bare + thresholds + MAX_URGENT_BYTES + SPARE_ROOT_BYTES;
  if (bytes <= MAX_ROOT_BYTES) return null;
  const running = others.map(({ plan }) => plan.id).join(", ");
  const groups = counted(next.numbers.length, "move group");
  const advice = [
    ...(others.length === 0 ? [] : [`end another rollout first (${running})`]),
    "use fewer distinct cohorts, zones, windows or cells",
    ...(bare > thresholds ? ["retire versions that nobody is on"] : []),
  ].join(", or ");
  return `the maps have no room for rollout ${next.plan.id} over ${groups}: with everybody moved, and room kept for what is urgent, the root would have ${bytes} bytes, at most ${MAX_ROOT_BYTES}: ${advice}`;
}

/** The room for groups that are cut while rollouts run; what a start left free is there for them. */
export function openRootRoom(db: Db): GroupRoom {
  const occupants = loadActiveRollouts(db).map(({ state }) => occupantOf(state));
  const thresholds = occupants.reduce((sum, one) => sum + bytesOf(one), 0);
  const freeBytes = MAX_ROOT_BYTES - MAX_URGENT_BYTES - bareBytes(db) - thresholds;
  const extents = occupants.map((one) => ({
    known: new Set(one.numbers),
    positions: positionsOf(one),
    groupBytes: groupBytesOf(one),
  }));
  return roomOf({ extents, freeBytes });
}

/** A rollout's lists in the root as they grow. */
interface Extent {
  readonly known: ReadonlySet<number>;
  /** Length of both lists. */
  readonly positions: number;
  readonly groupBytes: number;
}

interface Room {
  readonly extents: readonly Extent[];
  readonly freeBytes: number;
}

function roomOf(start: Room, before: ReadonlySet<number> = new Set()): GroupRoom {
  const taken = new Set(before);
  let room = start;
  const take = (number: number): boolean => {
    if (taken.has(number)) return true;
    const after = withGroup(room, number);
    // Where there is no room left, what takes none is still taken.
    if (after.freeBytes < Math.min(0, room.freeBytes)) return false;
    taken.add(number);
    room = after;
    return true;
  };
  const countFitting = (numbers: readonly number[]): number => {
    const trial = roomOf(room, taken);
    return numbers.filter((number) => trial.take(number)).length;
  };
  return { take, countFitting };
}

/** As if every rollout got to know the group: which of them will is not known here. */
function withGroup({ extents, freeBytes }: Room, number: number): Room {
  let more = 0;
  const grown = extents.map((extent) => {
    if (extent.known.has(number)) return extent;
    const positions = Math.max(extent.positions, number + 1);
    more += extent.groupBytes + (positions - extent.positions) * LISTS * NONE_BYTES;
    return { ...extent, positions };
  });
  return { extents: grown, freeBytes: freeBytes - more };
}

function bareBytes(db: Db): number {
  const published = parseRoot(readMeta(db, "published_root"));
  const population = published ?? NOBODY;
  const { accounts, domains, removed, index } = population;
  const { generation, publishedAt: nowMs } = published ?? { generation: 1, publishedAt: 0 };
  const root = composeBare(db, { generation, nowMs, population: { accounts, domains, removed, index } });
  return encodeRoot(root).length;
}

/** Bytes of a rollout in the root once all its accounts are moved, with its comma. */
function bytesOf(one: Occupant): number {
  const { id, targets } = one.plan;
  const words = { id, salt: one.salt, targets, moved: [], held: [], mixed: "never" };
  const lists = positionsOf(one) * LISTS * NONE_BYTES + one.numbers.length * groupBytesOf(one);
  return canonicalJson(words).length + 1 + lists;
}

function positionsOf({ numbers }: Occupant): number {
  return numbers.reduce((most, number) => Math.max(most, number + 1), 0);
}

/** What a group takes beyond a group of nobody. */
function groupBytesOf({ holds }: Occupant): number {
  return (holds ? LISTS : 1) * (ALL_BYTES - NONE_BYTES);
}
