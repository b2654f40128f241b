/**
 * One account row, and the hold that rows, products and break-glass share, as JSON and back.
 * The JSON leaves out what has its usual value, because the urgent rows of the root have to fit in few kilobytes.
 * Called by the root and shard codecs and by break-glass. Complaints go to the site; nothing is repaired.
 */
import { NO_GROUP, type AccountRow, type Hold } from "../../contracts/maps.ts";
import {
  below,
  CELL,
  complain,
  isAccountSlug,
  isDomain,
  PRODUCT,
  readFlag,
  readName,
  readNullable,
  readRecord,
  readVersions,
  readWhole,
  SLUG,
  TEXT,
  type Site,
} from "./shape.ts";

/** What few rows have; a shard writes it as JSON after the columns. */
export type RareFields = Pick<AccountRow, "slug" | "product" | "deleted" | "pins" | "quarantine" | "hold">;

/** Reads `{ mode, message, until }`; message and until may be missing. */
export function readHold(value: unknown, site: Site): Hold {
  const record = readRecord(value, site);
  const mode = record["mode"];
  if (mode !== "page" && mode !== "readOnly") complain(mode, below(site, "mode"), '"page" or "readOnly"');
  return {
    mode: mode === "readOnly" ? "readOnly" : "page",
    message: readNullable(record["message"], below(site, "message"), (text, at) => readName(text, at, TEXT)),
    until: readNullable(record["until"], below(site, "until"), (until, at) => readWhole(until, at, 0)),
  };
}

/** The members of a row that are not at their usual value; `{}` for most rows. */
export function rareToJson(row: AccountRow): Record<string, unknown> {
  return {
    ...(row.slug === row.key ? {} : { slug: row.slug }),
    ...(row.product === null ? {} : { product: row.product }),
    ...(row.deleted ? { deleted: true } : {}),
    ...(row.pins === null ? {} : { pins: row.pins }),
    ...(row.quarantine === null ? {} : { quarantine: row.quarantine }),
    ...(row.hold === null ? {} : { hold: row.hold }),
  };
}

/** Reads what `rareToJson` wrote, for the row of `key`. */
export function readRare(record: Record<string, unknown>, key: string, site: Site): RareFields {
  return {
    slug: readName(record["slug"] ?? key, below(site, "slug"), SLUG),
    product: readNullable(record["product"], below(site, "product"), (name, at) =>
      readName(name, at, PRODUCT),
    ),
    deleted: readFlag(record["deleted"] ?? false, below(site, "deleted")),
    pins: readNullable(record["pins"], below(site, "pins"), readVersions),
    quarantine: readNullable(record["quarantine"], below(site, "quarantine"), readVersions),
    hold: readNullable(record["hold"], below(site, "hold"), readHold),
  };
}

/** A whole row as JSON, as the root carries it. */
export function rowToJson(row: AccountRow): Record<string, unknown> {
  return {
    key: row.key,
    homes: row.homes,
    ...(row.group === NO_GROUP ? {} : { group: row.group }),
    ...(row.cell === null ? {} : { cell: row.cell }),
    ...rareToJson(row),
  };
}

/** Reads what `rowToJson` wrote. */
export function readRow(value: unknown, site: Site): AccountRow {
  const record = readRecord(value, site);
  const key = readKey(record["key"], below(site, "key"));
  return {
    key,
    homes: readVersions(record["homes"], below(site, "homes")),
    group: readWhole(record["group"] ?? NO_GROUP, below(site, "group"), NO_GROUP),
    cell: readNullable(record["cell"], below(site, "cell"), (name, at) => readName(name, at, CELL)),
    ...readRare(record, key, site),
  };
}

function readKey(value: unknown, site: Site): string {
  if (isAccountSlug(value) || isDomain(value)) return value;
  complain(value, site, "a slug or a lower-case domain name");
  return "";
}
