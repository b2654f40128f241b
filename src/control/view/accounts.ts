/** Accounts as the API shows them, a page at a time. Reads only. */
import type { Account, AccountPage, AccountQuery } from "../../contracts/api/accounts.ts";
import { TOMBSTONE_MS } from "../../contracts/limits.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { ControlConfig } from "../config.ts";
import type { Db, SqlValue } from "../db.ts";
import { createVisibility } from "../publisher/visible-by.ts";
import { parseTexts } from "../row.ts";
import {
  ACCOUNT_COLUMNS,
  loadAccount,
  loadDomains,
  toAccountRecord,
  type AccountRecord,
  type DomainRecord,
} from "../store/accounts.ts";
import { loadHomeSets, openHomeBook, type Homes } from "../store/home-sets.ts";
import {
  loadPlacements,
  type PinRecord,
  type Placements,
  type QuarantineRecord,
} from "../store/placements.ts";

export interface ViewSource {
  readonly db: Db;
  readonly config: ControlConfig;
  /** Wall time: `visibleBy` is about machines out there. */
  readonly wallMs: EpochMs;
}

/** One account or tombstone, or null. */
export function viewAccount(source: ViewSource, slug: string): Account | null {
  const record = loadAccount(source.db, slug);
  return record === null ? null : (viewAccounts(source, [record])[0] ?? null);
}

/** Accounts in order of slug that match, from after the cursor (a slug) on. */
export function listAccounts(source: ViewSource, query: AccountQuery): AccountPage {
  const conditions = conditionsOf(source.db, query);
  const where = conditions.map(({ sql }, at) => sql.replaceAll("?", `?${at + 1}`)).join(" AND ");
  const rows = source.db.rows(
    `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE ${where} ORDER BY slug LIMIT ?${conditions.length + 1}`,
    ...conditions.map(({ value }) => value),
    query.limit + 1,
  );
  const items = viewAccounts(source, rows.slice(0, query.limit).map(toAccountRecord));
  return { items, cursor: rows.length > query.limit ? (items.at(-1)?.account ?? null) : null };
}

interface Condition {
  /** With one `?`, however often it is used. */
  readonly sql: string;
  readonly value: SqlValue;
}

function conditionsOf(db: Db, query: AccountQuery): readonly Condition[] {
  const conditions: Condition[] = [
    { sql: "(deleted_at IS NOT NULL) = ?", value: query.deleted ? 1 : 0 },
    { sql: "slug > ?", value: query.cursor ?? "" },
  ];
  if (query.prefix !== undefined) {
    // Every slug character sorts below "{", so this bounds the prefix without LIKE and its limits.
    conditions.push({ sql: "(slug >= ? AND slug < ? || '{')", value: query.prefix });
  }
  if (query.cohort !== undefined) conditions.push({ sql: "cohort = ?", value: query.cohort });
  if (query.cell !== undefined) conditions.push({ sql: "cell = ?", value: query.cell });
  if (query.product !== undefined) {
    const ids = homesWith(db, query.product, query.version ?? null);
    conditions.push({ sql: "homes_id IN (SELECT value FROM json_each(?))", value: JSON.stringify(ids) });
  }
  return conditions;
}

function homesWith(db: Db, product: string, version: string | null): readonly number[] {
  return loadHomeSets(db)
    .filter(({ homes }) => {
      const home = own(homes, product);
      return home !== undefined && (version === null || home === version);
    })
    .map(({ id }) => id);
}

function viewAccounts(source: ViewSource, records: readonly AccountRecord[]): Account[] {
  const { db } = source;
  const slugs = records.map(({ slug }) => slug);
  const placements = loadPlacements(db, slugs);
  const domains = loadDomains(db, slugs);
  const homes = openHomeBook(db);
  const visibility = createVisibility(source);
  return records.map((record) => ({
    ...viewOne(record, homes.homesOf(record.homesId), domains.get(record.slug) ?? []),
    ...viewPlacements(placements, record.slug),
    visibleBy: toInstantOrNull(visibility.ofAccount(record)),
  }));
}

type Owned = "pins" | "quarantine" | "hold" | "deferral";

function viewOne(
  record: AccountRecord,
  homes: Homes,
  domains: readonly DomainRecord[],
): Omit<Account, Owned | "visibleBy"> {
  const { deletedAt } = record;
  return {
    account: record.slug,
    timeZone: record.timeZone,
    cohort: record.cohort,
    labels: { ...parseTexts(record.labels) },
    cell: record.cell,
    domains: domains.map(({ host, product }) => ({ host, product })),
    homes: { ...homes },
    deleted:
      deletedAt === null
        ? null
        : { at: toInstant(deletedAt), slugFreeAt: toInstant(deletedAt + TOMBSTONE_MS) },
    createdAt: toInstant(record.createdAt),
    updatedAt: toInstant(record.updatedAt),
    revision: record.revision,
  };
}

function viewPlacements(placements: Placements, slug: string): Pick<Account, Owned> {
  const deferral = placements.deferrals.get(slug);
  return {
    pins: Object.fromEntries((placements.pins.get(slug) ?? []).map((pin) => [pin.product, viewPin(pin)])),
    quarantine: Object.fromEntries(
      (placements.quarantines.get(slug) ?? []).map((entry) => [entry.product, viewQuarantine(entry)]),
    ),
    hold: placements.holds.get(slug) ?? null,
    deferral:
      deferral === undefined
        ? null
        : {
            until: toInstant(deferral.until),
            reason: deferral.reason,
            owner: deferral.owner,
            by: deferral.by,
            at: toInstant(deferral.at),
          },
  };
}

function viewPin({ version, reason, expires, by, at }: PinRecord): Account["pins"][string] {
  return { version, reason, expires: toInstantOrNull(expires), by, at: toInstant(at) };
}

function viewQuarantine({ version, reason, by, at }: QuarantineRecord): Account["quarantine"][string] {
  return { version, reason, by, at: toInstant(at) };
}
