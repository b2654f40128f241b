/**
 * What an export holds: the tables of the truth, column by column. Not in it: what belongs to this namespace's KV alone
 * (objects, roots, outbox, the history of what was published), what lives for hours (imports, answers, alarms, requests for a
 * second person's yes), webhooks (another deployment must not speak for this one, and secrets hang on its key), and what is computed (`key_hash`, counts).
 * A line of another shape is refused whole; nothing is repaired or guessed.
 */
import { keyHash } from "../../core/maps/key-hash.ts";
import { CALENDAR_TABLES } from "./calendar-tables.ts";
import { ROLLOUT_TABLES } from "./rollout-tables.ts";

/** Version of the export's own format. */
export const EXPORT_SCHEMA = 1;

/** A `blob` travels as hexadecimal digits. */
type ColumnType = "text" | "text?" | "int" | "int?" | "json" | "json?" | "blob";

export interface ExportTable {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Column whose hash is stored beside it as `key_hash`. */
  readonly hashed?: string;
  /** Limits the rows that are exported; those of other names stay as they are at a restore. */
  readonly only?: string;
  readonly order: string;
}

const COUNTERS = [
  "seq",
  "clock",
  "removed_accounts",
  "removed_domains",
  "generation",
  "override_epoch",
  "override_issued",
  "shard_count",
];

export const EXPORT_TABLES: readonly ExportTable[] = [
  {
    name: "products",
    order: "name",
    columns: {
      name: "text",
      domains: "json",
      timeouts: "json",
      stable: "text?",
      default_version: "text?",
      standby: "text?",
      hold: "json?",
      revision: "int",
      created_at: "int",
    },
  },
  {
    name: "product_modes",
    order: "product",
    columns: {
      product: "text",
      mode: "text",
      origin: "text",
      version_header: "text?",
      run: "text",
      reason: "text",
      made_by: "text",
      made_at: "int",
    },
  },
  {
    name: "versions",
    order: "product, name",
    columns: {
      product: "text",
      name: "text",
      origin: "text",
      state: "text",
      reversible: "json",
      mixed: "text",
      migration: "json",
      upgrades_from: "json?",
      requires: "json",
      assets: "json",
      events: "text?",
      notes: "text",
      bad: "json?",
      registered_at: "int",
      revision: "int",
    },
  },
  {
    name: "home_sets",
    order: "id",
    columns: { id: "int", homes: "json", accounts: "int", tombstones: "int" },
  },
  {
    name: "groups",
    order: "id",
    columns: {
      id: "int",
      identity: "json",
      cohort: "text",
      time_zone: "text",
      window: "json?",
      cell: "text?",
      accounts: "int",
    },
  },
  {
    name: "accounts",
    order: "slug",
    hashed: "slug",
    columns: {
      slug: "text",
      time_zone: "text",
      cohort: "text",
      labels: "json",
      cell: "text?",
      window: "json?",
      group_id: "int",
      homes_id: "int",
      revision: "int",
      seq: "int",
      created_at: "int",
      updated_at: "int",
      deleted_at: "int?",
    },
  },
  {
    name: "custom_domains",
    order: "host",
    hashed: "host",
    columns: { host: "text", account: "text", product: "text" },
  },
  {
    name: "pins",
    order: "account, product",
    columns: {
      account: "text",
      product: "text",
      version: "text",
      reason: "text",
      expires: "int?",
      made_by: "text",
      made_at: "int",
    },
  },
  {
    name: "quarantines",
    order: "account, product",
    columns: {
      account: "text",
      product: "text",
      version: "text",
      reason: "text",
      made_by: "text",
      made_at: "int",
    },
  },
  { name: "holds", order: "account", columns: { account: "text", hold: "json" } },
  {
    name: "deferrals",
    order: "account",
    columns: {
      account: "text",
      until: "int",
      reason: "text",
      owner: "text",
      made_by: "text",
      made_at: "int",
    },
  },
  {
    name: "deferral_series",
    order: "account",
    columns: { account: "text", first_at: "int", last_until: "int" },
  },
  ...CALENDAR_TABLES,
  ...ROLLOUT_TABLES,
  {
    name: "tokens",
    order: "name",
    columns: {
      name: "text",
      sha256: "text",
      role: "text",
      products: "json?",
      expires: "int?",
      created_at: "int",
      created_by: "text",
      revoked_at: "int?",
    },
  },
  {
    name: "access_grants",
    order: "identity",
    columns: {
      identity: "text",
      role: "text",
      products: "json?",
      expires: "int?",
      granted_at: "int",
      granted_by: "text",
      revision: "int",
    },
  },
  {
    name: "four_eyes",
    order: "product",
    columns: { product: "text", reason: "text", made_by: "text", made_at: "int" },
  },
  { name: "meta", order: "name", only: "name = 'halt'", columns: { name: "text", value: "json" } },
  {
    name: "counters",
    order: "name",
    only: `name IN (${COUNTERS.map((name) => `'${name}'`).join(", ")})`,
    columns: { name: "text", value: "int" },
  },
  {
    name: "audit",
    order: "seq",
    columns: {
      seq: "int",
      at: "int",
      actor: "text",
      role: "text",
      action: "text",
      target: "text",
      reason: "text?",
      detail: "json",
      previous: "text",
      hash: "text",
    },
  },
];

/**
 * Checks one row of an export and adds what is computed.
 * @returns the row to be staged, or a sentence that says what is wrong with it.
 */
export function readExportRow(
  table: ExportTable,
  row: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | string {
  for (const [column, type] of Object.entries(table.columns)) {
    if (!isOfType(row[column], type))
      return `${table.name}.${column} should be ${type}, is ${JSON.stringify(row[column])?.slice(0, 60)}`;
  }
  const strange = Object.keys(row).find((column) => !Object.hasOwn(table.columns, column));
  if (strange !== undefined) return `${table.name} has no column ${strange}`;
  const key = table.hashed === undefined ? undefined : row[table.hashed];
  return typeof key === "string" ? { ...row, key_hash: keyHash(key) } : row;
}

function isOfType(value: unknown, type: ColumnType): boolean {
  if (type.endsWith("?") && value === null) return true;
  switch (type) {
    case "int":
    case "int?":
      return Number.isSafeInteger(value);
    case "text":
    case "text?":
      return typeof value === "string";
    case "json":
    case "json?":
      return typeof value === "string" && isJson(value);
    case "blob":
      return typeof value === "string" && /^(?:[0-9A-F]{2})*$/.test(value);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Columns as they are stored, computed ones too. */
export function storedColumns(table: ExportTable): readonly string[] {
  return [...Object.keys(table.columns), ...(table.hashed === undefined ? [] : ["key_hash"])];
}
