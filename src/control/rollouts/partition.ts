/**
 * The one reading of all accounts at the start of a rollout: which group each is in from now on, and what the rollout
 * keeps of them. Where other rollouts run, their groups are cut finer and never joined, so that one number in a row says
 * what every rollout needs to know. Tombstones keep answering by their homes, so they are kept apart. Writes nothing but
 * numbers of new groups. Of each account its slug and two numbers stay in memory, which is what an isolate has room for
 * with a million of them.
 */
import type { Freeze } from "../../contracts/calendar.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { AccountFacts, Frozen } from "../../contracts/rollout-input.ts";
import type { FrozenGroup, GroupKey, RolloutPlan } from "../../contracts/rollout.ts";
import { NO_GROUP } from "../../contracts/maps.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { freeze, labelKeysOf, placeAccount, type FreezeOptions } from "../../core/rollout/freeze.ts";
import { NO_GROUP_LEFT } from "../accounts/apply.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { loadFreezes } from "../store/freezes.ts";
import type { GroupBook } from "../store/groups.ts";
import type { LeftAccount } from "../store/left-behind.ts";
import { hasActiveRollout } from "../store/rollouts.ts";
import { loadFacts, readAccounts } from "./facts.ts";
import { bucketsOf, identityOf, type GroupMove, type Split } from "./regroup.ts";

export interface Question {
  readonly plan: RolloutPlan;
  readonly salt: string;
  readonly nowMs: EpochMs;
  /** Accounts that were moved back within a day may go forward again. */
  readonly again: boolean;
}

/**
 * What a rollout would keep of the accounts as they are; numbers of groups are made up. For plans.
 * @param freezes those that are looked at; left out: those that are stored.
 */
export function freezeNow(
  db: Db,
  question: Question,
  freezes: readonly Freeze[] = loadFreezes(db),
): Result<Frozen, Refusal> {
  return freezeLiving(readLiving(db, question.nowMs), { ...optionsOf(db, question), freezes });
}

function* readLiving(db: Db, nowMs: EpochMs): Iterable<AccountFacts> {
  for (const { record, facts } of readAccounts(db, nowMs)) if (record.deletedAt === null) yield facts;
}

function optionsOf(db: Db, question: Question): FreezeOptions {
  let numbers = 0;
  return {
    ...question,
    facts: loadFacts(db),
    freezes: loadFreezes(db),
    numberOf: () => {
      numbers += 1;
      return numbers - 1;
    },
  };
}

function freezeLiving(living: Iterable<AccountFacts>, options: FreezeOptions): Result<Frozen, Refusal> {
  const frozen = freeze(living, options);
  if (frozen.ok) return frozen;
  return refuse("conflict", NO_GROUP_LEFT, { groups: frozen.error.groups, max: frozen.error.max });
}

/** Accounts alike for every rollout that runs and for the new one. */
interface Cell {
  readonly key: GroupKey;
  readonly labels: Readonly<Record<string, string>>;
  /** Group they are in now; null when no other rollout runs, and it means nothing. */
  readonly from: number | null;
  readonly moves: boolean;
  readonly slugs: AccountSlug[];
  /** In which group each of them is now. */
  readonly groups: number[];
}

/** Moves of one write. */
const MOVES_AT_ONCE = 10_000;

export interface Partition {
  readonly frozen: Frozen;
  /** As many at a time as are written at once; made as they are asked for. */
  readonly moves: Iterable<readonly GroupMove[]>;
  /** Groups of other rollouts that were cut. */
  readonly splits: readonly Split[];
  /** In no order. */
  readonly left: Iterable<LeftAccount>;
}

/** Reads every account once and gives each its group. New groups get their numbers in `book`. */
export function partition(
  db: Db,
  { question, book, seq }: { readonly question: Question; readonly book: GroupBook; readonly seq: number },
): Result<Partition, Refusal> {
  const options = optionsOf(db, question);
  const read: Gathered = { cells: new Map(), left: new Map() };
  const frozen = freezeLiving(gather(db, { question, options, read }), options);
  if (!frozen.ok) return frozen;
  const numbered = numberCells([...read.cells.values()], { book, seq });
  if (numbered === null) return refuse("conflict", NO_GROUP_LEFT);
  const splits: Split[] = [];
  const groups: FrozenGroup[] = [];
  for (const { cell, number } of numbered) {
    const { from, key, labels, slugs } = cell;
    if (from !== null && from !== NO_GROUP && from !== number)
      splits.push({ from, to: number, variant: key.variant, slugs });
    if (cell.moves) groups.push({ ...key, group: number, labels, buckets: bucketsOf(question.salt, slugs) });
  }
  const ordered = groups.sort((a, b) => a.group - b.group);
  return ok({
    frozen: { ...frozen.value, groups: ordered },
    moves: movesOf(numbered),
    splits,
    left: leftOf(read.left),
  });
}

function* leftOf(left: Gathered["left"]): Iterable<LeftAccount> {
  for (const { reason, detail, slugs } of left.values())
    for (const account of slugs) yield { account, reason, detail };
}

function* movesOf(numbered: readonly Numbered[]): Iterable<readonly GroupMove[]> {
  let some: GroupMove[] = [];
  for (const { cell, number } of numbered) {
    for (const [at, slug] of cell.slugs.entries()) {
      const from = cell.groups[at] ?? NO_GROUP;
      if (from === number) continue;
      some.push({ slug, from, to: number });
      if (some.length < MOVES_AT_ONCE) continue;
      yield some;
      some = [];
    }
  }
  if (some.length > 0) yield some;
}

interface Gathered {
  readonly cells: Map<string, Cell>;
  /** By what is to be said of them, which many have in common. */
  readonly left: Map<string, LeftAlike>;
}

interface LeftAlike extends Pick<LeftAccount, "reason" | "detail"> {
  readonly slugs: AccountSlug[];
}

function noteLeft(left: Gathered["left"], { account, reason, detail }: LeftAccount): void {
  const text = `${reason}\n${detail ?? ""}`;
  const alike = left.get(text) ?? { reason, detail, slugs: [] };
  left.set(text, alike);
  alike.slugs.push(account);
}

interface Gathering {
  readonly question: Question;
  readonly options: FreezeOptions;
  /** What is filled on the way. */
  readonly read: Gathered;
}

/** Gives those that live, one by one, and notes for each account on the way where it belongs. */
function* gather(db: Db, { question, options, read }: Gathering): Iterable<AccountFacts> {
  const labelKeys = labelKeysOf(options.freezes);
  const cutting = hasActiveRollout(db);
  for (const { record, facts } of readAccounts(db, question.nowMs)) {
    const placed = placeAccount(facts, options, labelKeys);
    const living = record.deletedAt === null;
    if (living && placed.leftBehind !== null)
      noteLeft(read.left, { account: record.slug, reason: placed.leftBehind, detail: placed.detail });
    const moves = living && placed.leftBehind === null;
    const key = moves ? placed.key : { ...placed.key, variant: `out:${question.plan.id}` };
    const from = cutting ? record.groupId : null;
    const text = cellText(key, from);
    const known = read.cells.get(text);
    const cell = known ?? { key, labels: placed.labels, from, moves, slugs: [], groups: [] };
    if (known === undefined) read.cells.set(text, cell);
    cell.slugs.push(record.slug);
    cell.groups.push(record.groupId);
    if (living) yield facts;
  }
}

function cellText({ cohort, zone, window, cell, variant }: GroupKey, from: number | null): string {
  const own = window === null ? "" : JSON.stringify(window);
  return [cohort, zone, cell ?? "", variant, from ?? "", own].join("\n");
}

interface Numbered {
  readonly cell: Cell;
  readonly number: number;
}

/** A group that is cut keeps its number for the largest part, so that most rows stay as they are. Null: none is left. */
function numberCells(
  cells: readonly Cell[],
  { book, seq }: { readonly book: GroupBook; readonly seq: number },
): readonly Numbered[] | null {
  const kept = new Map<number, Cell>();
  for (const cell of cells) {
    if (cell.from === null || cell.from === NO_GROUP) continue;
    const largest = kept.get(cell.from);
    if (largest === undefined || cell.slugs.length > largest.slugs.length) kept.set(cell.from, cell);
  }
  const numbered: Numbered[] = [];
  for (const cell of cells) {
    const keeps = cell.from !== null && kept.get(cell.from) === cell;
    const { key, from } = cell;
    const cut = from === null ? key : { ...key, variant: `${key.variant}|${from}|${seq}` };
    const number = keeps ? from : book.idOf(identityOf(cut));
    if (number === null) return null;
    numbered.push({ cell, number });
  }
  return numbered;
}
