/**
 * Rows of `accounts` and `custom_domains`, typed, one by one and in bulk. Counters of accounts, domains, homes and
 * groups are the callers' (commands, import, tick), because only they know what a change means.
 */
import type { AccountSlug, EpochMs, ProductName } from "../../contracts/units.ts";
import { keyHash } from "../../core/maps/key-hash.ts";
import { rowsEach, runEach, type Db, type SqlRow, type SqlValue } from "../db.ts";
import { readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";

export interface AccountRecord {
  readonly slug: AccountSlug;
  readonly timeZone: string;
  readonly cohort: string;
  /** Canonical JSON, so that equal labels are equal text. */
  readonly labels: string;
  readonly cell: string | null;
  /** JSON of the account's own window, null: that of the wave. */
  readonly window: string | null;
  readonly groupId: number;
  readonly homesId: number;
  readonly revision: number;
  /** Last change that the published maps must show. */
  readonly seq: number;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
  /** Tombstone since then. */
  readonly deletedAt: EpochMs | null;
}

export interface DomainRecord {
  readonly host: string;
  readonly account: AccountSlug;
  readonly product: ProductName;
}

const NAMES = [
  "slug",
  "key_hash",
  "time_zone",
  "cohort",
  "labels",
  "cell",
  "window",
  "group_id",
  "homes_id",
  "revision",
  "seq",
  "created_at",
  "updated_at",
  "deleted_at",
];
/** Columns of `accounts` in the order that `toAccountRecord` and the bulk write use. */
export const ACCOUNT_COLUMNS = NAMES.join(", ");
const EXTRACTED = NAMES.map((_name, at) => `value ->> ${at}`).join(", ");
const SAVE_ALL = `INSERT OR REPLACE INTO accounts (${ACCOUNT_COLUMNS}) SELECT ${EXTRACTED} FROM json_each(?1)`;

export function toAccountRecord(row: SqlRow): AccountRecord {
  return {
    slug: readText(row, "slug"),
    timeZone: readText(row, "time_zone"),
    cohort: readText(row, "cohort"),
    labels: readText(row, "labels"),
    cell: readTextOrNull(row, "cell"),
    window: readTextOrNull(row, "window"),
    groupId: readInt(row, "group_id"),
    homesId: readInt(row, "homes_id"),
    revision: readInt(row, "revision"),
    seq: readInt(row, "seq"),
    createdAt: readInt(row, "created_at"),
    updatedAt: readInt(row, "updated_at"),
    deletedAt: readIntOrNull(row, "deleted_at"),
  };
}

/** The account or its tombstone. */
export function loadAccount(db: Db, slug: AccountSlug): AccountRecord | null {
  const row = db.rows(`SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug = ?`, slug)[0];
  return row === undefined ? null : toAccountRecord(row);
}

/** Those of the slugs that are there, tombstones too. */
export function loadAccounts(db: Db, slugs: readonly AccountSlug[]): ReadonlyMap<AccountSlug, AccountRecord> {
  const sql = `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE slug IN (SELECT value FROM json_each(?1))`;
  return new Map(
    rowsEach(db, { sql }, slugs).map((row) => {
      const record = toAccountRecord(row);
      return [record.slug, record];
    }),
  );
}

/** Account rows that are in memory at a time: of a million accounts they would be more than an isolate has. */
const PAGE = 2000;

/** Both ends are in it. */
export interface SlugRange {
  readonly first: AccountSlug;
  readonly last: AccountSlug;
}

/** Some rows, and the slugs of the first and the last of them. */
export interface AccountPage extends SlugRange {
  readonly rows: readonly SqlRow[];
}

/** Columns, `slug` among them, and a condition with its parameters. */
interface AskedAccounts {
  readonly columns: string;
  readonly where?: string;
  readonly params?: readonly SqlValue[];
}

/** Rows of accounts in order of slug, read page by page: nobody may write accounts meanwhile. */
export function* scanAccounts(db: Db, asked: AskedAccounts): Iterable<SqlRow> {
  for (const { rows } of scanPages(db, asked)) yield* rows;
}

/** The same as pages, for who reads more of each account. */
export function* scanPages(db: Db, asked: AskedAccounts): Iterable<AccountPage> {
  const { columns, where = "TRUE", params = [] } = asked;
  const sql = `SELECT ${columns} FROM accounts WHERE slug > ? AND ${where} ORDER BY slug LIMIT ?`;
  let after = "";
  for (;;) {
    const rows = db.rows(sql, after, ...params, PAGE);
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return;
    after = readText(last, "slug");
    yield { rows, first: readText(first, "slug"), last: after };
    if (rows.length < PAGE) return;
  }
}

/** Inserts or replaces. */
export function saveAccounts(db: Db, records: readonly AccountRecord[]): void {
  runEach(db, { sql: SAVE_ALL }, records.map(toColumns));
}

function toColumns(record: AccountRecord): readonly unknown[] {
  return [
    record.slug,
    keyHash(record.slug),
    record.timeZone,
    record.cohort,
    record.labels,
    record.cell,
    record.window,
    record.groupId,
    record.homesId,
    record.revision,
    record.seq,
    record.createdAt,
    record.updatedAt,
    record.deletedAt,
  ];
}

/** Custom domains of accounts, in order of host. */
export function loadDomains(
  db: Db,
  accounts: readonly AccountSlug[],
): ReadonlyMap<AccountSlug, DomainRecord[]> {
  const sql =
    "SELECT host, account, product FROM custom_domains WHERE account IN (SELECT value FROM json_each(?1)) ORDER BY host";
  const byAccount = new Map<AccountSlug, DomainRecord[]>();
  for (const row of rowsEach(db, { sql }, accounts)) {
    const record = toDomain(row);
    const list = byAccount.get(record.account);
    if (list === undefined) byAccount.set(record.account, [record]);
    else list.push(record);
  }
  return byAccount;
}

/** Who has these hosts now; `deleted` when it is a tombstone, which gives its hosts up to whoever asks. */
export function loadDomainOwners(
  db: Db,
  hosts: readonly string[],
): ReadonlyMap<string, DomainRecord & { readonly deleted: boolean }> {
  const sql = `SELECT d.host, d.account, d.product, a.deleted_at FROM custom_domains d JOIN accounts a ON a.slug = d.account
    WHERE d.host IN (SELECT value FROM json_each(?1))`;
  return new Map(
    rowsEach(db, { sql }, hosts).map((row) => {
      const record = toDomain(row);
      return [record.host, { ...record, deleted: row["deleted_at"] !== null }];
    }),
  );
}

function toDomain(row: SqlRow): DomainRecord {
  return {
    host: readText(row, "host"),
    account: readText(row, "account"),
    product: readText(row, "product"),
  };
}

export function saveDomains(db: Db, domains: readonly DomainRecord[]): void {
  runEach(
    db,
    {
      sql: `INSERT OR REPLACE INTO custom_domains (host, key_hash, account, product)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)`,
    },
    domains.map(({ host, account, product }) => [host, keyHash(host), account, product]),
  );
}

export function deleteDomains(db: Db, hosts: readonly string[]): void {
  runEach(db, { sql: "DELETE FROM custom_domains WHERE host IN (SELECT value FROM json_each(?1))" }, hosts);
}
