/**
 * Move groups: accounts alike in cohort, zone, own window and cell share one number, which is a position in the arrays
 * of a rollout. At most MAX_GROUPS; a group that has lost its last account (tombstones count) gives its number to the
 * next new one, so that years of changing cells do not use the numbers up.
 */
import { MAX_GROUPS } from "../../contracts/limits.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import type { Db } from "../db.ts";
import { readInt, readText } from "../row.ts";

export interface GroupIdentity {
  readonly cohort: string;
  readonly timeZone: string;
  readonly window: string | null;
  readonly cell: string | null;
  /** What a rollout keeps apart; left out or empty: nothing. */
  readonly variant?: string;
}

export interface GroupBook {
  /**
   * Number of the group, made when it is new; null when there are MAX_GROUPS already. Nobody else gets it from this book,
   * also while nobody was added yet.
   */
  idOf(identity: GroupIdentity): number | null;
  /** How many more groups that are new could get a number. */
  free(): number;
  add(id: number, accounts: number): void;
  /** Writes the collected differences. Call once, at the end of the transaction. */
  flush(): void;
}

/** Whether the root can take more groups that running rollouts know. */
export interface GroupRoom {
  /** Takes the room that this number needs in every rollout; false: there is not enough, and nothing is taken. */
  take(number: number): boolean;
  /** How many of these numbers it could take, one after the other. Takes nothing. */
  countFitting(numbers: readonly number[]): number;
}

interface GroupState {
  identity: string;
  accounts: number;
  stored: number;
}

/** @param room for groups that running rollouts will know: numbers it cannot take are as good as none. */
export function openGroupBook(db: Db, room: GroupRoom | null = null): GroupBook {
  const groups = new Map<number, GroupState>();
  const byIdentity = new Map<string, number>();
  for (const row of db.rows("SELECT id, identity, accounts FROM groups ORDER BY id")) {
    const accounts = readInt(row, "accounts");
    const identity = readText(row, "identity");
    groups.set(readInt(row, "id"), { identity, accounts, stored: accounts });
    byIdentity.set(identity, readInt(row, "id"));
  }
  const given = new Set<number>();
  return {
    idOf: (group) => {
      const identity = identityOf(group);
      const known = byIdentity.get(identity);
      if (known !== undefined) {
        if (room?.take(known) === false) return null;
        given.add(known);
        return known;
      }
      const id = firstOf(candidates(db, groups, given), room);
      if (id === undefined) return null;
      given.add(id);
      byIdentity.delete(groups.get(id)?.identity ?? "");
      byIdentity.set(identity, id);
      groups.set(id, { identity, accounts: 0, stored: 0 });
      db.run(
        "INSERT OR REPLACE INTO groups (id, identity, cohort, time_zone, window, cell, accounts) VALUES (?, ?, ?, ?, ?, ?, 0)",
        id,
        identity,
        group.cohort,
        group.timeZone,
        group.window,
        group.cell,
      );
      return id;
    },
    free: () => {
      const added = Array.from({ length: MAX_GROUPS - groups.size }, (_unused, n) => groups.size + n);
      const numbers = [...added, ...unused(db, groups, given)];
      return room?.countFitting(numbers) ?? numbers.length;
    },
    add: (id, accounts) => {
      const group = groups.get(id);
      if (group !== undefined) group.accounts += accounts;
    },
    flush: () => {
      for (const [id, group] of groups) {
        if (group.accounts === group.stored) continue;
        db.run("UPDATE groups SET accounts = ? WHERE id = ?", group.accounts, id);
        group.stored = group.accounts;
      }
    },
  };
}

function* candidates(
  db: Db,
  groups: ReadonlyMap<number, GroupState>,
  given: ReadonlySet<number>,
): Generator<number> {
  if (groups.size < MAX_GROUPS) yield groups.size;
  yield* unused(db, groups, given);
}

function firstOf(numbers: Iterable<number>, room: GroupRoom | null): number | undefined {
  for (const number of numbers) if (room === null || room.take(number)) return number;
  return undefined;
}

function identityOf({ cohort, timeZone, window, cell, variant = "" }: GroupIdentity): string {
  const alike = [cohort, timeZone, window, cell];
  return canonicalJson(variant === "" ? alike : [...alike, variant]);
}

/**
 * Numbers, from the lowest, whose group nobody is in (and was in when the transaction began), that were not asked for in
 * it either, and that no running rollout counts among its own.
 */
function* unused(
  db: Db,
  groups: ReadonlyMap<number, GroupState>,
  given: ReadonlySet<number>,
): Generator<number> {
  const taken = new Set(
    db
      .rows("SELECT number FROM rollout_groups JOIN rollouts ON id = rollout WHERE active = 1")
      .map((row) => readInt(row, "number")),
  );
  for (const [id, group] of groups) {
    if (group.accounts === 0 && group.stored === 0 && !taken.has(id) && !given.has(id)) yield id;
  }
}
