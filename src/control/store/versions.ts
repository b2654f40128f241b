/** Rows of `versions`, typed. Reads and writes rows; decides nothing. */
import type { Version } from "../../contracts/api/products.ts";
import type { VersionState } from "../../contracts/maps.ts";
import type { Migration } from "../../contracts/move-data.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { parseList, parseObject, readInt, readText, readTextOrNull } from "../row.ts";

export interface VersionRecord {
  readonly product: ProductName;
  readonly name: VersionName;
  readonly origin: string;
  readonly state: VersionState;
  /** true, false, or the instant until which the way back is open. */
  readonly reversible: boolean | string;
  readonly mixed: "ok" | "never";
  readonly migration: Migration;
  /** Where it is told who moved; null: nowhere. */
  readonly events: string | null;
  /** null: from any. */
  readonly upgradesFrom: readonly VersionName[] | null;
  readonly requires: Readonly<Record<ProductName, readonly VersionName[]>>;
  /** Path prefixes of files that only this version has. */
  readonly assets: readonly string[];
  readonly notes: string;
  readonly bad: Version["bad"];
  readonly registeredAt: EpochMs;
  readonly revision: number;
}

const COLUMNS =
  "product, name, origin, state, reversible, mixed, upgrades_from, requires, notes, bad, registered_at, revision, assets, migration, events";
const STATES: readonly VersionState[] = ["registered", "candidate", "live", "draining", "retired"];

/** All versions of one product, oldest first; without a product, of all products. */
export function loadVersions(db: Db, product?: ProductName): readonly VersionRecord[] {
  const rows =
    product === undefined
      ? db.rows(`SELECT ${COLUMNS} FROM versions ORDER BY product, registered_at, name`)
      : db.rows(`SELECT ${COLUMNS} FROM versions WHERE product = ? ORDER BY registered_at, name`, product);
  return rows.map(toRecord);
}

export function loadVersion(db: Db, product: ProductName, name: VersionName): VersionRecord | null {
  const row = db.rows(`SELECT ${COLUMNS} FROM versions WHERE product = ? AND name = ?`, product, name)[0];
  return row === undefined ? null : toRecord(row);
}

export function saveVersion(db: Db, version: VersionRecord): void {
  db.run(
    `INSERT OR REPLACE INTO versions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    version.product,
    version.name,
    version.origin,
    version.state,
    JSON.stringify(version.reversible),
    version.mixed,
    version.upgradesFrom === null ? null : JSON.stringify(version.upgradesFrom),
    JSON.stringify(version.requires),
    version.notes,
    version.bad === null ? null : JSON.stringify(version.bad),
    version.registeredAt,
    version.revision,
    JSON.stringify(version.assets),
    JSON.stringify(version.migration),
    version.events,
  );
}

function toRecord(row: SqlRow): VersionRecord {
  const upgradesFrom = readTextOrNull(row, "upgrades_from");
  const bad = readTextOrNull(row, "bad");
  return {
    product: readText(row, "product"),
    name: readText(row, "name"),
    origin: readText(row, "origin"),
    state: parseState(readText(row, "state")),
    reversible: parseReversible(readText(row, "reversible")),
    mixed: readText(row, "mixed") === "ok" ? "ok" : "never",
    upgradesFrom: upgradesFrom === null ? null : parseList(upgradesFrom),
    requires: parseRequires(readText(row, "requires")),
    notes: readText(row, "notes"),
    bad: bad === null ? null : parseBad(bad),
    registeredAt: readInt(row, "registered_at"),
    revision: readInt(row, "revision"),
    assets: parseList(readText(row, "assets")),
    // Written here alone, from what the API has checked.
    events: readTextOrNull(row, "events"),
    migration: JSON.parse(readText(row, "migration")) as Migration,
  };
}

/** Reads a stored state; an unknown one is a damaged database. */
export function parseState(text: string): VersionState {
  const state = STATES.find((known) => known === text);
  if (state === undefined) throw new TypeError(`"${text}" is no state of a version`);
  return state;
}

function parseReversible(text: string): boolean | string {
  const value: unknown = JSON.parse(text);
  // What cannot be read as a promise counts as none: undeclared is irreversible.
  return typeof value === "boolean" || typeof value === "string" ? value : false;
}

function parseRequires(text: string): Readonly<Record<ProductName, readonly VersionName[]>> {
  const requires: Record<ProductName, readonly VersionName[]> = {};
  for (const [product, versions] of Object.entries(parseObject(text))) {
    requires[product] = parseList(JSON.stringify(versions));
  }
  return requires;
}

function parseBad(text: string): NonNullable<Version["bad"]> {
  const value = parseObject(text);
  return { reason: readText(value, "reason"), by: readText(value, "by"), at: readText(value, "at") };
}
