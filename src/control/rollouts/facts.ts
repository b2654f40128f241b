/**
 * What the rollout engine is told of the world, read from the tables: versions and products as registered, windows and
 * freezes, whether everything is halted, and accounts as they are. Reads only. Accounts are read at start, for a plan and
 * when an obstacle of one ends; never by a tick.
 */
import type { Window } from "../../contracts/calendar.ts";
import type { AccountFacts, Facts, ProductFacts } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { bucketOf } from "../../core/bucket.ts";
import { own } from "../../core/record.ts";
import { FLAP_MEMORY_MS } from "../../core/rollout/eligible.ts";
import { fromInstant } from "../clock.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseTexts, readText } from "../row.ts";
import { ACCOUNT_COLUMNS, scanPages, toAccountRecord, type AccountRecord } from "../store/accounts.ts";
import { loadBacks, loadBacksWithin, type Backs } from "../store/backs.ts";
import { loadStuck } from "../store/data-moves.ts";
import { loadFourEyes } from "../store/four-eyes.ts";
import { readHalt } from "../store/halt.ts";
import { openHomeBook, type Homes } from "../store/home-sets.ts";
import { readMeta } from "../store/meta.ts";
import { loadProducts } from "../store/products.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { loadVersions, type VersionRecord } from "../store/versions.ts";
import { loadWindows, parseWindows } from "../store/windows.ts";

/** Products and versions as registered. */
export function loadFacts(db: Db): Facts {
  const replacements = Map.groupBy(loadActiveReplacements(db), ({ state }) => state.plan.product);
  const versions = Map.groupBy(loadVersions(db), ({ product }) => product);
  const held = loadFourEyes(db);
  return Object.fromEntries(
    loadProducts(db).map((product): [ProductName, ProductFacts] => [
      product.name,
      {
        default: product.default,
        standby: product.standby,
        versions: Object.fromEntries(
          (versions.get(product.name) ?? []).map((version) => [version.name, versionFacts(version)]),
        ),
        replacements: (replacements.get(product.name) ?? []).map(({ state: { plan, below } }) => ({
          from: plan.from,
          to: plan.to,
          below,
        })),
        ...(held.has(product.name) ? { fourEyes: true } : {}),
      },
    ]),
  );
}

function versionFacts({
  state,
  bad,
  reversible,
  upgradesFrom,
  requires,
  mixed,
  migration,
}: VersionRecord): ProductFacts["versions"][string] {
  return {
    state,
    bad: bad !== null,
    reversible: typeof reversible === "string" ? fromInstant(reversible) : reversible,
    upgradesFrom,
    requires,
    data: { mixed, migration },
  };
}

/** Stored windows by name. */
export function loadWindowFacts(db: Db): Readonly<Record<string, readonly Window[]>> {
  return Object.fromEntries(loadWindows(db).map(({ name, windows }) => [name, windows]));
}

/** Halted by the switch, or by break-glass as the last tick read it. */
export function isHalted(db: Db): boolean {
  return readHalt(db).on || readMeta(db, "break_glass_halt") !== null;
}

/** What a running rollout has made of an account: asked by everything that says which version an account has. */
export interface Running {
  readonly state: RolloutState;
  /** Threshold by group number. */
  readonly moved: ReadonlyMap<number, number>;
}

export function loadRunning(db: Db): readonly Running[] {
  return loadActiveRollouts(db).map(({ state }) => toRunning(state));
}

export function toRunning(state: RolloutState): Running {
  return {
    state,
    moved: new Map(state.groups.number.map((number, index) => [number, state.groups.moved[index] ?? 0])),
  };
}

/** Whether a rollout has moved an account. */
export function hasMoved({ state, moved }: Running, slug: AccountSlug, group: number): boolean {
  return bucketOf(state.salt, slug) < (moved.get(group) ?? 0);
}

/** Versions an account has now without pins and quarantine: its homes, and targets where a rollout has moved it. */
export function currentHomes(
  running: readonly Running[],
  { slug, group, homes }: { readonly slug: AccountSlug; readonly group: number; readonly homes: Homes },
): Homes {
  let current: Record<ProductName, VersionName> | null = null;
  for (const one of running) {
    if (!hasMoved(one, slug, group)) continue;
    for (const [product, version] of Object.entries(one.state.plan.targets)) {
      if (own(homes, product) === undefined) continue;
      current ??= { ...homes };
      current[product] = version;
    }
  }
  return current ?? homes;
}

/**
 * Versions that running rollouts may yet give an account: targets of those that have yet to move it, and its homes where
 * one that has moved it is going back.
 */
export function aheadOf(
  running: readonly Running[],
  { slug, group, homes }: { readonly slug: AccountSlug; readonly group: number; readonly homes: Homes },
): readonly Homes[] {
  return running.flatMap((one) => {
    if (!one.moved.has(group)) return [];
    const { plan, rollback } = one.state;
    if (!hasMoved(one, slug, group)) return [plan.targets];
    if (rollback === null) return [];
    return [
      Object.fromEntries(Object.entries(homes).filter(([name]) => own(plan.targets, name) !== undefined)),
    ];
  });
}

export interface ReadAccount {
  readonly record: AccountRecord;
  readonly homes: Homes;
  readonly facts: AccountFacts;
}

/**
 * Reads accounts with everything that decides whether a rollout moves them; of `slugs`, or all. Tombstones too. All are
 * read page by page, so whoever reads them must not write accounts meanwhile.
 */
export function* readAccounts(db: Db, nowMs: EpochMs, slugs?: readonly AccountSlug[]): Iterable<ReadAccount> {
  const windows = loadWindowFacts(db);
  const book = openHomeBook(db);
  const running = loadRunning(db);
  const held = loadHeld(db);
  const versions = loadHeldVersions(db);
  const stuck = loadStuck(db);
  for (const { row, back } of accountRows(db, nowMs - FLAP_MEMORY_MS, slugs)) {
    const record = toAccountRecord(row);
    const { slug, groupId } = record;
    const homes = book.homesOf(record.homesId);
    const stuckIn = stuck.get(slug);
    yield {
      record,
      homes,
      facts: {
        slug,
        cohort: record.cohort,
        zone: record.timeZone,
        window: ownWindows(record.window, windows),
        cell: record.cell,
        labels: parseTexts(record.labels),
        homes: currentHomes(running, { slug, group: groupId, homes }),
        ahead: aheadOf(running, { slug, group: groupId, homes }),
        pinned: held.pins.get(slug) ?? [],
        quarantined: held.quarantines.get(slug) ?? [],
        held: versions.get(slug) ?? {},
        deferredUntilMs: held.deferrals.get(slug) ?? null,
        rolledBackMs: back?.lastMs ?? null,
        timesBack: back?.times ?? 0,
        ...(stuckIn === undefined ? {} : { stuckIn }),
      },
    };
  }
}

interface RowWithBack {
  readonly row: SqlRow;
  readonly back: Backs | undefined;
}

/** In order of slug, each with how often it was moved back since an instant. */
function* accountRows(
  db: Db,
  sinceMs: EpochMs,
  slugs: readonly AccountSlug[] | undefined,
): Iterable<RowWithBack> {
  if (slugs !== undefined) {
    const sql = `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug IN (SELECT value FROM json_each(?)) ORDER BY slug`;
    yield* withBacks(db.rows(sql, JSON.stringify(slugs)), loadBacks(db, sinceMs, slugs));
    return;
  }
  for (const page of scanPages(db, { columns: ACCOUNT_COLUMNS }))
    yield* withBacks(page.rows, loadBacksWithin(db, sinceMs, page));
}

function* withBacks(rows: readonly SqlRow[], backs: ReadonlyMap<AccountSlug, Backs>): Iterable<RowWithBack> {
  for (const row of rows) yield { row, back: backs.get(readText(row, "slug")) };
}

interface Held {
  readonly pins: ReadonlyMap<AccountSlug, readonly ProductName[]>;
  readonly quarantines: ReadonlyMap<AccountSlug, readonly ProductName[]>;
  readonly deferrals: ReadonlyMap<AccountSlug, EpochMs>;
}

function loadHeld(db: Db): Held {
  const products = (table: "pins" | "quarantines"): ReadonlyMap<AccountSlug, readonly ProductName[]> => {
    const found = new Map<AccountSlug, ProductName[]>();
    for (const row of db.rows(`SELECT account, product FROM ${table} ORDER BY account, product`)) {
      const slug = readText(row, "account");
      found.set(slug, [...(found.get(slug) ?? []), readText(row, "product")]);
    }
    return found;
  };
  return {
    pins: products("pins"),
    quarantines: products("quarantines"),
    deferrals: new Map(
      db
        .rows("SELECT account, until FROM deferrals")
        .map((row) => [readText(row, "account"), Number(row["until"])]),
    ),
  };
}

/** Versions that people hold accounts on, whatever rollouts say: quarantine before pin. */
export function loadHeldVersions(db: Db): ReadonlyMap<AccountSlug, Homes> {
  const held = new Map<AccountSlug, Record<ProductName, VersionName>>();
  for (const table of ["pins", "quarantines"]) {
    for (const row of db.rows(`SELECT account, product, version FROM ${table}`)) {
      const slug = readText(row, "account");
      held.set(slug, { ...held.get(slug), [readText(row, "product")]: readText(row, "version") });
    }
  }
  return held;
}

/** An account's own window: windows, or the name of stored ones. A name that is gone opens never. */
function ownWindows(
  text: string | null,
  stored: Readonly<Record<string, readonly Window[]>>,
): readonly Window[] | null {
  if (text === null) return null;
  const value: unknown = JSON.parse(text);
  return typeof value === "string" ? (own(stored, value) ?? []) : parseWindows(text);
}
