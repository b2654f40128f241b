/**
 * The end of a rollback of everybody for accounts that have left their groups on the way: when a pin of one product ended,
 * what the rollout had moved of the others was written into their homes, so that nobody fell back by that. No threshold
 * takes these back, so it is done here, by name. Who cannot go back keeps the target and is listed with the reason.
 * In the transaction of the rollback's last step; reads only the accounts it is about.
 */
import { own } from "../../core/record.ts";
import { moveRule } from "../../core/rollout/data/rule.ts";
import { pairAheadProblem } from "../../core/rollout/eligible.ts";
import { returnProblem } from "../../core/rollout/versions.ts";
import { settleHome } from "../accounts/apply.ts";
import type { Db } from "../db.ts";
import { toInstant } from "../clock.ts";
import { loadAccount } from "../store/accounts.ts";
import { saveBacks } from "../store/backs.ts";
import { markAccount, type Moment } from "../store/changes.ts";
import type { Homes } from "../store/home-sets.ts";
import { forgetLeftBehind, saveLeftBehind } from "../store/left-behind.ts";
import { loadReplacedHomes } from "../store/replaced-homes.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { aheadOf, currentHomes, loadFacts, loadRunning, readAccounts, type ReadAccount } from "./facts.ts";
import { putBack } from "./homes.ts";

/** Call it when the rollout is out of the way: what it had moved by its thresholds has gone back. */
export function takeKeptBack(db: Db, moment: Moment, record: RolloutRecord): void {
  const before = loadReplacedHomes(db, record.id, { cursor: "", limit: -1 });
  if (before.size === 0) return;
  for (const read of readAccounts(db, moment.nowMs, [...before.keys()])) {
    const { slug } = read.record;
    const homes = putBack(record.state, read.homes, before.get(slug) ?? {});
    if (homes === null) continue;
    const problem = problemOf(db, record, { read, homes });
    forgetLeftBehind(db, record.id, slug);
    if (problem === null) moveBack(db, moment, { read, homes });
    const left =
      problem === null
        ? { reason: "rolled-back" as const, detail: `at ${toInstant(moment.nowMs)}` }
        : { reason: "kept" as const, detail: problem };
    saveLeftBehind(db, record.id, [{ account: slug, ...left }]);
    if (problem === null) saveBacks(db, record.id, [{ account: slug, at: moment.nowMs }]);
  }
}

/** Why an account cannot get these homes; null when it can. */
function problemOf(
  db: Db,
  { state }: RolloutRecord,
  { read, homes }: { readonly read: ReadAccount; readonly homes: Homes },
): string | null {
  const facts = loadFacts(db);
  // Nobody is held here and no hook is called.
  if (moveRule(state, facts).holds)
    return "it had left its group, and goes back with its data or by a hold alone: roll out the old version to it";
  for (const [product, version] of Object.entries(homes)) {
    const problem = own(read.homes, product) === version ? null : returnProblem(facts, product, version);
    if (problem !== null) return problem;
  }
  const { slug, groupId: group } = read.record;
  const running = loadRunning(db);
  const at = { slug, group, homes };
  const ahead = aheadOf(running, at);
  return pairAheadProblem(facts, currentHomes(running, at), { ahead, held: read.facts.held ?? {} });
}

function moveBack(
  db: Db,
  moment: Moment,
  { read, homes }: { readonly read: ReadAccount; readonly homes: Homes },
): void {
  const { slug } = read.record;
  for (const [product, version] of Object.entries(homes)) {
    const now = loadAccount(db, slug);
    if (now !== null) settleHome(db, now, { product, version });
  }
  db.run("UPDATE accounts SET revision = revision + 1, updated_at = ? WHERE slug = ?", moment.nowMs, slug);
  markAccount(db, moment, { account: slug, urgent: true });
}
