/**
 * The end of a rollback of everybody for accounts that have left their groups on the way: when a pin of one product ended
 * or an account got a product, what the rollout had moved of the others was written into their homes, so that nobody fell
 * back by that. No threshold takes these back, so it is done here, by name. Who cannot go back keeps the target and is
 * listed with the reason. In the transaction of the rollback's last step; reads only the accounts it is about, in pages.
 */
import type { Facts } from "../../contracts/rollout-input.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { moveRule } from "../../core/rollout/data/rule.ts";
import { pairAheadProblem } from "../../core/rollout/eligible.ts";
import { returnProblem } from "../../core/rollout/versions.ts";
import type { Db } from "../db.ts";
import { toInstant } from "../clock.ts";
import { saveBacks } from "../store/backs.ts";
import type { Moment } from "../store/changes.ts";
import { openHomeBook, type Homes } from "../store/home-sets.ts";
import { forgetLeftBehind, saveLeftBehind, type LeftAccount } from "../store/left-behind.ts";
import { loadReplacedHomes } from "../store/replaced-homes.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import {
  aheadOf,
  currentHomes,
  loadFacts,
  loadRunning,
  readAccounts,
  type ReadAccount,
  type Running,
} from "./facts.ts";
import { putBack, rehome, type Rehomed } from "./homes.ts";

/** Accounts that are read and written together. */
const PAGE = 2000;

/** What is the same for all of them. */
interface World {
  readonly facts: Facts;
  readonly running: readonly Running[];
  readonly holds: boolean;
}

/** Call it when the rollout is out of the way: what it had moved by its thresholds has gone back. */
export function takeKeptBack(db: Db, moment: Moment, record: RolloutRecord): void {
  const facts = loadFacts(db);
  const world = { facts, running: loadRunning(db), holds: moveRule(record.state, facts).holds };
  for (let cursor: AccountSlug | undefined = ""; cursor !== undefined;) {
    const before = loadReplacedHomes(db, record.id, { cursor, limit: PAGE });
    takePage(db, moment, { record, before, world });
    cursor = before.size < PAGE ? undefined : [...before.keys()].at(-1);
  }
}

function takePage(
  db: Db,
  moment: Moment,
  {
    record,
    before,
    world,
  }: {
    readonly record: RolloutRecord;
    readonly before: ReadonlyMap<AccountSlug, Homes>;
    readonly world: World;
  },
): void {
  if (before.size === 0) return;
  const changed: Rehomed[] = [];
  const left: LeftAccount[] = [];
  for (const read of readAccounts(db, moment.nowMs, [...before.keys()])) {
    const { slug } = read.record;
    const homes = putBack(record.state, read.homes, before.get(slug) ?? {});
    if (homes === null) continue;
    const problem = problemOf(world, { read, homes });
    forgetLeftBehind(db, record.id, slug);
    if (problem === null) {
      changed.push({ record: read.record, homes });
      left.push({ account: slug, reason: "rolled-back", detail: `at ${toInstant(moment.nowMs)}` });
    } else left.push({ account: slug, reason: "kept", detail: problem });
  }
  rehome(db, moment, { changed, book: openHomeBook(db) });
  saveLeftBehind(db, record.id, left);
  saveBacks(
    db,
    record.id,
    changed.map(({ record: { slug } }) => ({ account: slug, at: moment.nowMs })),
  );
}

/** Why an account cannot get these homes; null when it can. */
function problemOf(
  { facts, running, holds }: World,
  { read, homes }: { readonly read: ReadAccount; readonly homes: Homes },
): string | null {
  // Nobody is held here and no hook is called.
  if (holds)
    return "it had left its group, and goes back with its data or by a hold alone: roll out the old version to it";
  for (const [product, version] of Object.entries(homes)) {
    const problem = own(read.homes, product) === version ? null : returnProblem(facts, product, version);
    if (problem !== null) return problem;
  }
  const { slug, groupId: group } = read.record;
  const at = { slug, group, homes };
  const ahead = aheadOf(running, at);
  return pairAheadProblem(facts, currentHomes(running, at), { ahead, held: read.facts.held ?? {} });
}
