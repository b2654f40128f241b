/**
 * Whether a version may take the place of another in the world as it is: the engine's own checks, what is declared of the
 * two, and every combination of versions that some account has or will have. Reads only; asked by a person, so it may
 * read everybody who is pinned or in quarantine.
 */
import type { ReplacementInput, ReplacementPlanInput } from "../../contracts/api/replacements.ts";
import type { ReplacementPlan } from "../../contracts/replacement.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { replacementProblems } from "../../core/rollout/replacement-plan.ts";
import { isReversible, versionFacts } from "../../core/rollout/versions.ts";
import { rowsEach, type Db } from "../db.ts";
import { readInt, readText } from "../row.ts";
import { currentHomes, loadFacts, loadRunning, type Running } from "../rollouts/facts.ts";
import { ACCOUNT_COLUMNS, toAccountRecord } from "../store/accounts.ts";
import { loadHomeSets, openHomeBook, type Homes } from "../store/home-sets.ts";
import { loadProduct } from "../store/products.ts";
import { loadPlacements } from "../store/placements.ts";
import { loadVersion } from "../store/versions.ts";

/** Hundredths of a percent in one. */
const BP_PER_PERCENT = 100;

interface OfReplacement {
  readonly product: ProductName;
  readonly from: VersionName;
}

/** A plan in the words of the engine. */
export function planOf(
  { product, from }: OfReplacement,
  input: ReplacementInput | ReplacementPlanInput,
): ReplacementPlan {
  const { to, steps, percentPerMinute, bakeMinutes, throughFreezes } = input;
  return {
    product,
    from,
    to,
    stepsBp: steps.map((step) => Math.round(step * BP_PER_PERCENT)),
    paceBpPerMinute: percentPerMinute === undefined ? null : Math.round(percentPerMinute * BP_PER_PERCENT),
    bakeMinutes,
    throughFreezes,
  };
}

/** Everything that speaks against it; empty when it may begin. */
export function problemsOf(db: Db, plan: ReplacementPlan): readonly string[] {
  const running = loadRunning(db);
  const rollouts = running.map(({ state }) => state).filter((state) => touches(state.plan.targets, plan));
  return [
    ...replacementProblems(plan, { facts: loadFacts(db), combinations: combinations(db, running), rollouts }),
    ...mixedProblems(db, plan),
  ];
}

function touches(targets: Homes, { product }: ReplacementPlan): boolean {
  return own(targets, product) !== undefined;
}

/** It holds nobody and calls no hook: while maps spread, both versions serve the same account, on the same data. */
function mixedProblems(db: Db, { product, to }: ReplacementPlan): readonly string[] {
  const version = loadVersion(db, product, to);
  if (version === null) return [];
  const problems: string[] = [];
  if (version.mixed !== "ok")
    problems.push(
      `${product} ${to} is not declared mixed: ok, and for a minute or two it and the version before serve the same account`,
    );
  if (version.migration.kind !== "none")
    problems.push(
      `${product} ${to} migrates the data of accounts, and a replacement calls no hooks: move accounts to it with a rollout`,
    );
  return problems;
}

/** Versions that accounts have together, now or once a running rollout has moved them. */
function combinations(db: Db, running: readonly Running[]): readonly Homes[] {
  const found = loadHomeSets(db)
    .filter(({ accounts }) => accounts > 0)
    .map(({ homes }) => homes);
  found.push(...placedCombinations(db, running));
  const moved = running.flatMap(({ state }) => found.map((homes) => movedBy(state.plan.targets, homes)));
  return [...found, ...moved];
}

function movedBy(targets: Homes, homes: Homes): Homes {
  return Object.fromEntries(
    Object.entries(homes).map(([product, home]) => [product, own(targets, product) ?? home]),
  );
}

/** Of accounts that are pinned or in quarantine. */
function placedCombinations(db: Db, running: readonly Running[]): readonly Homes[] {
  const slugs = db
    .rows("SELECT account FROM pins UNION SELECT account FROM quarantines")
    .map((row) => readText(row, "account"));
  const placements = loadPlacements(db, slugs);
  const book = openHomeBook(db);
  const sql = `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug IN (SELECT value FROM json_each(?1)) AND deleted_at IS NULL`;
  return rowsEach(db, { sql }, slugs).map((row): Homes => {
    const { slug, groupId, homesId } = toAccountRecord(row);
    const homes: Record<ProductName, VersionName> = {
      ...currentHomes(running, { slug, group: groupId, homes: book.homesOf(homesId) }),
    };
    for (const { product, version } of placements.pins.get(slug) ?? []) homes[product] = version;
    for (const { product, version } of placements.quarantines.get(slug) ?? []) homes[product] = version;
    return homes;
  });
}

/** What it does not do by itself, or not without being asked twice. */
export function warningsOf(db: Db, { product, from, to }: ReplacementPlan, nowMs: number): readonly string[] {
  const pending = loadRunning(db).filter(
    ({ state }) =>
      own(state.plan.targets, product) === from &&
      state.defaults.some((step) => step.product === product && step.movedMs === null),
  );
  return [
    ...defaultWarnings(db, { product, from, to }),
    ...pending.map(
      ({ state }) =>
        `rollout ${state.plan.id} will move the default (unknown accounts) to ${from}, not to ${to}`,
    ),
    ...(isReversible(versionFacts(loadFacts(db), product, to), nowMs)
      ? []
      : [`${product} ${to} is not declared reversible: a rollback has to be confirmed`]),
  ];
}

/** The default is pinned: a replacement says nothing of requests that name no known account. */
export function defaultWarnings(
  db: Db,
  { product, from, to }: Pick<ReplacementPlan, "product" | "from" | "to">,
): readonly string[] {
  if (loadProduct(db, product)?.default !== from) return [];
  return [
    `the default (unknown accounts) of ${product} stays ${from}: it moves by its own step alone, as in default promote ${product} ${to}`,
  ];
}

/** Pins or quarantines that name the old version. */
export function countPlaced(db: Db, table: "pins" | "quarantines", { product, from }: OfReplacement): number {
  const row = db.rows(
    `SELECT count(*) AS n FROM ${table} WHERE product = ? AND version = ?`,
    product,
    from,
  )[0];
  return readInt(row ?? {}, "n");
}
