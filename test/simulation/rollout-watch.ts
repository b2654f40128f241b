/**
 * Watches the thresholds of rollouts as the control plane stores them: how far they may rise is reckoned here from the
 * plan, the book and the times at which the control plane was called, in arithmetic of its own. Also says whom a rollout
 * has moved or moved back since the last publish, which is what a publish may show.
 */
import type { FrozenGroup, RolloutState } from "../../src/contracts/rollout.ts";
import type { Db } from "../../src/control/db.ts";
import { loadFrozen } from "../../src/control/store/rollouts.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { isNight, type Book, type RolloutEntry } from "./book.ts";
import { Violation, type Tale } from "./tale.ts";

const MINUTE = 60_000;

/** Accounts that a rollout was seen to have moved, and not to have moved. */
interface Sides {
  readonly moved: Set<string>;
  readonly unmoved: Set<string>;
}

const noSides = (): Sides => ({ moved: new Set(), unmoved: new Set() });

interface Seen {
  text: string;
  state: RolloutState;
  /** Since the last publish. */
  lately: Sides;
  /** Between the last two: a root is fixed before it is out, so what was done in between is in the next one. */
  before: Sides;
  /** By group: when it last rose, and whether it had to wait since. */
  readonly rises: Map<number, { atMs: number; hasWaited: boolean }>;
  /** It has left the maps; what it did is forgotten with the next publish. */
  isOver: boolean;
}

export interface RolloutWatchParts {
  readonly db: Db;
  readonly book: Book;
  readonly tale: Tale;
}

/** The threshold that waves reach for a cohort before the first one that nobody has said yes to. */
function approvedTo(
  { needsApproval, approved, cohorts }: RolloutEntry,
  state: RolloutState,
  cohort: string,
): number {
  const first = state.waves.findIndex((_wave, index) => needsApproval.has(index) && !approved.has(index));
  if (first === -1) return Infinity;
  const reached = state.waves.slice(0, first).filter((_wave, index) => {
    const names = cohorts[index] ?? [];
    return names.includes("*") || names.includes(cohort);
  });
  return Math.max(0, ...reached.map(({ threshold }) => threshold));
}

interface Rise {
  readonly before: RolloutState;
  readonly next: Seen;
  readonly group: FrozenGroup;
  readonly bp: number;
  readonly to: number;
}

type Fail = (why: string) => never;

const iso = (atMs: number): string => new Date(atMs).toISOString();

/**
 * The first step of a stretch counts as a minute; what is left of a minute counts for the next: a bucket, and rounding.
 * Between two looks there may have been a first step and others after it, so a stretch begins with the look before.
 */
function judgePace({ before, next, group, bp }: Rise, pace: number, fail: Fail): void {
  const last = next.rises.get(group.group);
  const since = (next.state.clockMs - (last?.atMs ?? before.clockMs)) / MINUTE;
  const minutes = since + (last === undefined || last.hasWaited ? 1 : 0);
  if (bp > pace * minutes + pace / 60 + 2) fail(`in ${minutes.toFixed(2)} minutes at ${pace} a minute`);
}

interface Move {
  readonly product: string;
  readonly account: string;
  readonly was: string;
  readonly is: string;
}

export class RolloutWatch {
  private readonly parts: RolloutWatchParts;
  private readonly seen = new Map<string, Seen>();

  constructor(parts: RolloutWatchParts) {
    this.parts = parts;
  }

  /** Phases by id, of the last look. */
  phaseOf(id: string): string | null {
    return this.seen.get(id)?.state.phase ?? null;
  }

  /** After a restore everything is another. */
  forget(): void {
    this.seen.clear();
  }

  /**
   * Looks at what is stored.
   * @param latestMs the latest time that the control plane may go by: of cron, or the wall clock's where it was called.
   */
  look(latestMs: number): void {
    for (const row of this.parts.db.rows("SELECT id, state FROM rollouts")) {
      const [id, text] = [String(row["id"]), String(row["state"])];
      const known = this.seen.get(id);
      if (known?.text === text && known.isOver) continue;
      if (known?.text !== text) this.take(id, text, latestMs);
      const now = this.seen.get(id);
      if (now !== undefined) this.noteAccounts(now);
    }
  }

  private take(id: string, text: string, latestMs: number): void {
    // The control plane alone writes it.
    const state = JSON.parse(text) as RolloutState;
    const known = this.seen.get(id);
    const next: Seen = {
      text,
      state,
      lately: known?.lately ?? noSides(),
      before: known?.before ?? noSides(),
      rises: known?.rises ?? new Map(),
      isOver: false,
    };
    this.seen.set(id, next);
    const entry = this.parts.book.rollouts.get(id);
    if (known === undefined) return this.noteBegun(next);
    if (entry === undefined || state.startedMs === null) return;
    if (state.clockMs > latestMs)
      throw new Violation(
        "pace",
        `rollout ${id} goes by ${iso(state.clockMs)}, and nobody called it after ${iso(latestMs)}`,
      );
    if (known.state.phase !== state.phase) this.parts.tale.count(`rollouts that came to: ${state.phase}`);
    this.compare(entry, known.state, next);
  }

  /** Of what it did before it is only known that it did it. */
  private noteBegun({ state, rises }: Seen): void {
    for (const [column, number] of state.groups.number.entries())
      if ((state.groups.moved[column] ?? 0) > 0) rises.set(number, { atMs: state.clockMs, hasWaited: true });
  }

  private compare(entry: RolloutEntry, before: RolloutState, next: Seen): void {
    const { state, rises } = next;
    const { db, tale } = this.parts;
    const isStill = state.phase !== "shifting" || state.wave !== before.wave || state.cause === "halted";
    let frozen: readonly FrozenGroup[] | null = null;
    for (const [column, number] of state.groups.number.entries()) {
      const was = before.groups.moved[before.groups.number.indexOf(number)] ?? 0;
      const is = state.groups.moved[column] ?? 0;
      const last = rises.get(number);
      if (is > was) {
        frozen ??= loadFrozen(db, entry.id);
        const group = frozen.find((one) => one.group === number);
        tale.count("thresholds that rose");
        if (group !== undefined) this.judgeRise(entry, { before, next, group, bp: is - was, to: is });
        rises.set(number, { atMs: state.clockMs, hasWaited: isStill });
      } else if (last !== undefined && (isStill || state.groups.pacedMs[column] === null))
        last.hasWaited = true;
      if (is < was && !entry.isBackAsked)
        throw new Violation("recorded-move", `rollout ${entry.id} took group ${number} back unasked`);
    }
  }

  private judgeRise(entry: RolloutEntry, rise: Rise): void {
    const { before, next, group, bp, to } = rise;
    const { book } = this.parts;
    const { state } = next;
    const fail: Fail = (why) => {
      const what = `rollout ${entry.id} moved group ${group.group} by ${bp} to ${to}`;
      throw new Violation("pace", `${what} ${why}, going by ${iso(state.clockMs)}`);
    };
    if (!entry.isRunning) fail("though it was not to go on");
    if (book.isHalted) fail("during halt");
    if (book.isFrozen(state.clockMs)) fail("during a freeze");
    // A rollback sets a rollout back to an earlier wave.
    const [first, last] = [Math.min(before.wave, state.wave), Math.max(before.wave, state.wave)];
    const waves = state.waves.map((_wave, index) => index).slice(first, last + 1);
    const isOpen = (index: number): boolean =>
      (entry.windows[index] ?? null) === null || isNight(group.zone, state.clockMs);
    if (!waves.some(isOpen)) fail(`outside its window in ${group.zone}`);
    const limit = approvedTo(entry, state, group.cohort);
    if (to > limit) fail(`beyond ${limit} without the word it needs`);
    const paces = waves.map((index) => entry.paces[index] ?? null);
    if (!paces.includes(null)) judgePace(rise, Math.max(...paces.map((one) => one ?? 0)), fail);
  }

  private noteAccounts(seen: Seen): void {
    const { state } = seen;
    if (state.startedMs === null) return;
    const moved = new Map(
      state.groups.number.map((number, column) => [number, state.groups.moved[column] ?? 0]),
    );
    for (const row of this.parts.db.rows("SELECT slug, group_id FROM accounts")) {
      const threshold = moved.get(Number(row["group_id"]));
      if (threshold === undefined) continue;
      const slug = String(row["slug"]);
      const { moved: gone, unmoved: stayed } = seen.lately;
      (bucketOf(state.salt, slug) < threshold ? gone : stayed).add(slug);
    }
    seen.isOver = ["completed", "stopped", "rolled-back"].includes(state.phase);
  }

  /** A rollout that explains why somebody changed version; null: none does. */
  causeOf({ product, account, was, is }: Move): string | null {
    for (const [id, { state, lately, before }] of this.seen) {
      const target = state.plan.targets[product];
      const entry = this.parts.book.rollouts.get(id);
      if (target === undefined || entry === undefined || state.startedMs === null) continue;
      if (is === target && (lately.moved.has(account) || before.moved.has(account))) return "rollout step";
      const hasStayed = lately.unmoved.has(account) || before.unmoved.has(account);
      if (was === target && entry.isBackAsked && hasStayed) return "rollback";
      // Held to go back, and its data could not be undone: it stays with them, by name. The data are looked at elsewhere.
      if (is === target && entry.isBackAsked && this.isKept(id, account)) return "kept by a rollback";
    }
    return null;
  }

  private isKept(rollout: string, account: string): boolean {
    const sql = "SELECT 1 FROM left_behind WHERE rollout = ? AND account = ? AND reason = 'kept'";
    return this.parts.db.rows(sql, rollout, account).length > 0;
  }

  /** A root is out: what it can have shown is over. */
  publishTold(running: ReadonlySet<string>): void {
    for (const [id, seen] of this.seen) {
      seen.before = seen.lately;
      seen.lately = noSides();
      if (!seen.isOver || running.has(id)) this.noteAccounts(seen);
    }
  }
}
