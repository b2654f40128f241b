/**
 * Whom a rollback is about, before it begins: the groups of its labels cut in memory alone, and whether going back would
 * leave anybody on versions that do not go together. Reads account rows where labels are named, or where a version that
 * is registered could make such a pair; asked by a person, never by a tick. Writes nothing.
 */
import type { RollbackInput } from "../../contracts/api/rollouts.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { Facts, RolloutCommand } from "../../contracts/rollout-input.ts";
import type { RollbackPreviewView } from "../../contracts/rollout-port.ts";
import type { FrozenGroup, RollbackScope } from "../../contracts/rollout.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { pairAheadProblem } from "../../core/rollout/eligible.ts";
import { previewRollback } from "../../core/rollout/rollback-preview.ts";
import { goalOf, needsSplit } from "../../core/rollout/rollback.ts";
import { returnPairProblems } from "../../core/rollout/return-pairs.ts";
import type { Db } from "../db.ts";
import { notFound } from "../refuse.ts";
import { readInt, readText } from "../row.ts";
import { scanPages } from "../store/accounts.ts";
import { openHomeBook, type Homes } from "../store/home-sets.ts";
import { loadReplacedHomesWithin } from "../store/replaced-homes.ts";
import { loadFrozen, loadRollout, type RolloutRecord } from "../store/rollouts.ts";
import { aheadOf, currentHomes, loadFacts, loadHeldVersions, loadRunning, type Running } from "./facts.ts";
import { splitIn, type Split } from "./regroup.ts";
import { accountsByGroup, cutProblem, labelWhole } from "./split-labels.ts";

/** Hundredths of a percent in one. */
const BP_PER_PERCENT = 100;
/** Accounts that a sentence names. */
const NAMED = 5;
/** Numbers that no group of the maps has. */
const MADE_UP = 1_000_000;

export type RollBackCommand = Extract<RolloutCommand, { kind: "rollback" }>;

/** The engine's command for what was asked. */
export function rollbackCommand(input: RollbackInput): RollBackCommand {
  const { reason, confirmed, percentPerMinute, markBad = null } = input;
  const paceBpPerMinute =
    percentPerMinute === undefined ? null : Math.round(percentPerMinute * BP_PER_PERCENT);
  return { kind: "rollback", scope: scopeOf(input), reason, confirmed, paceBpPerMinute, markBad };
}

function scopeOf({ toWave, where }: RollbackInput): RollbackScope {
  if (toWave !== undefined) return { kind: "to-wave", wave: toWave };
  return where === undefined ? { kind: "all" } : { kind: "where", where };
}

interface Cut {
  readonly record: RolloutRecord;
  readonly frozen: readonly FrozenGroup[];
  /** Accounts that were put into made-up groups, by the number of these. */
  readonly chosen: ReadonlyMap<AccountSlug, number>;
}

/** The groups as the rollback would cut them. */
function cut(db: Db, record: RolloutRecord, scope: RollbackScope): Cut {
  const frozen = loadFrozen(db, record.id);
  if (scope.kind !== "where" || !needsSplit(record.state, scope))
    return { record, frozen, chosen: new Map() };
  const labels = scope.where.labels ?? {};
  const splits: Split[] = [];
  const chosen = new Map<AccountSlug, number>();
  const carriers = accountsByGroup(db, record, labels);
  for (const [from, { slugs, whole }] of carriers) {
    if (whole) continue;
    const to = MADE_UP + splits.length;
    splits.push({ from, to, variant: "asked", slugs, labels });
    for (const slug of slugs) chosen.set(slug, to);
  }
  return { ...splitIn(record, labelWhole(frozen, carriers, labels), splits), chosen };
}

/** An account that lives, with the homes that it had before the rollout. */
interface Origin {
  readonly slug: AccountSlug;
  readonly group: number;
  readonly homes: Homes;
}

/** Of all accounts, page by page; settling may have replaced homes already. */
function* origins(db: Db, { id, homes }: RolloutRecord): Iterable<Origin> {
  const book = openHomeBook(db);
  const asked = { columns: "slug, group_id, homes_id", where: "deleted_at IS NULL" };
  for (const page of scanPages(db, asked)) {
    const replaced = homes === "untouched" ? null : loadReplacedHomesWithin(db, id, page);
    for (const row of page.rows) {
      const slug = readText(row, "slug");
      const before = replaced?.get(slug) ?? book.homesOf(readInt(row, "homes_id"));
      yield { slug, group: readInt(row, "group_id"), homes: before };
    }
  }
}

/**
 * Accounts that would be left on versions that do not go together, as one sentence; null when there are none.
 * Only whom the rollback moves is looked at; what other running rollouts have yet to do counts too.
 */
function brokenPairs(
  db: Db,
  { record, frozen, chosen }: Cut,
  { scope, facts }: { readonly scope: RollbackScope; readonly facts: Facts },
): string | null {
  const { state, id } = record;
  if (returnPairProblems(state, facts).length === 0) return null;
  const goal = goalOf(state, frozen, scope);
  const at = new Map(state.groups.number.map((number, index) => [number, index]));
  const others: readonly Running[] = loadRunning(db).filter((one) => one.state.plan.id !== id);
  const held = loadHeldVersions(db);
  const broken: AccountSlug[] = [];
  let why = "";
  for (const { slug, group, homes: before } of origins(db, record)) {
    const index = at.get(chosen.get(slug) ?? group) ?? -1;
    const bucket = bucketOf(state.salt, slug);
    if (index < 0 || bucket >= (state.groups.moved[index] ?? 0) || bucket < (goal[index] ?? 0)) continue;
    const back = currentHomes(others, { slug, group, homes: before });
    const ahead = aheadOf(others, { slug, group, homes: before });
    const problem = pairAheadProblem(facts, back, { ahead, held: held.get(slug) ?? {} });
    if (problem === null) continue;
    broken.push(slug);
    if (why === "") why = problem;
  }
  if (broken.length === 0) return null;
  const names = broken.sort().slice(0, NAMED).join(", ");
  const more = broken.length > NAMED ? ", …" : "";
  return `${broken.length} of them (${names}${more}) would be on versions that do not go together: ${why}`;
}

/** What the engine must know of a rollback before it begins. */
export function pairsOf(
  db: Db,
  record: RolloutRecord,
  { scope, facts }: { readonly scope: RollbackScope; readonly facts: Facts },
): string | null {
  if (returnPairProblems(record.state, facts).length === 0) return null;
  return brokenPairs(db, cut(db, record, scope), { scope, facts });
}

/** Why the groups that a rollback is about cannot be cut out of their own; null: they can, or need not. */
export function scopeProblem(db: Db, record: RolloutRecord, scope: RollbackScope): string | null {
  if (scope.kind !== "where" || !needsSplit(record.state, scope)) return null;
  return cutProblem(db, record, scope.where.labels ?? {});
}

/** Says what a rollback would do, and does nothing. */
export function viewRollback(
  db: Db,
  { id, input }: { readonly id: string; readonly input: RollbackInput },
  nowMs: EpochMs,
): Result<RollbackPreviewView, Refusal> {
  const record = loadRollout(db, id);
  if (record === null) return notFound(`rollout ${id}`);
  const what = rollbackCommand(input);
  const { scope } = what;
  const facts = loadFacts(db);
  const asked = cut(db, record, scope);
  const pairs = brokenPairs(db, asked, { scope, facts });
  const context = { nowMs, by: "", facts, frozen: asked.frozen, pairs };
  const preview = previewRollback(asked.record.state, what, context);
  return ok({ id, ...preview, refused: preview.refused ?? scopeProblem(db, record, scope) });
}
