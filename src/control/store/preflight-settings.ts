/**
 * Rows of `preflight_settings`, typed, and the defaults of a product without one. Reads and writes rows; decides nothing.
 * What was written was checked by the API's schema; a restored file was not, so every probe is refused or taken again.
 */
import {
  DEFAULT_PRESETS,
  PRESETS,
  PROBE_CLASSES,
  refuseOwnProbe,
  type Expectation,
  type OwnProbe,
  type OwnRequest,
  type PreflightSettings,
  type StatusRange,
} from "../../contracts/preflight.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import type { Db, SqlRow } from "../db.ts";
import { isRecord, parseList, parseTexts, parseObject, readInt, readText, readTextOrNull } from "../row.ts";

export interface SettingsRecord {
  readonly product: ProductName;
  readonly settings: PreflightSettings;
  /** Null: nobody wrote them, these are the defaults. */
  readonly by: string | null;
  readonly at: EpochMs | null;
  readonly revision: number;
}

const DEFAULTS: PreflightSettings = {
  presets: DEFAULT_PRESETS,
  syntheticAccount: null,
  syntheticByCell: {},
  cells: [],
  own: [],
};

const COLUMNS = "product, settings, made_by, made_at, revision";

export function loadSettings(db: Db, product: ProductName): SettingsRecord {
  const row = db.rows(`SELECT ${COLUMNS} FROM preflight_settings WHERE product = ?`, product)[0];
  return row === undefined ? { product, settings: DEFAULTS, by: null, at: null, revision: 0 } : toRecord(row);
}

export function saveSettings(db: Db, { product, settings, by, at, revision }: SettingsRecord): void {
  db.run(
    `INSERT OR REPLACE INTO preflight_settings (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`,
    product,
    JSON.stringify(settings),
    by,
    at,
    revision,
  );
}

function toRecord(row: SqlRow): SettingsRecord {
  const value = parseObject(readText(row, "settings"));
  return {
    product: readText(row, "product"),
    settings: {
      presets: textsOf(value["presets"]).map((name) => oneOf(PRESETS, name)),
      syntheticAccount: readTextOrNull(value, "syntheticAccount"),
      syntheticByCell: parseTexts(JSON.stringify(value["syntheticByCell"])),
      cells: textsOf(value["cells"]),
      own: listOf(value["own"]).map(toOwnProbe),
    },
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
    revision: readInt(row, "revision"),
  };
}

function toOwnProbe(value: unknown): OwnProbe {
  const record = recordOf(value);
  const own: OwnProbe = {
    id: readText(record, "id"),
    title: readText(record, "title"),
    class: oneOf(PROBE_CLASSES, record["class"]),
    why: readText(record, "why"),
    request: toRequest(recordOf(record["request"])),
    expect: toExpectation(recordOf(record["expect"])),
  };
  const refusal = refuseOwnProbe(own);
  if (refusal !== null) throw new TypeError(`stored probe ${own.id}: ${refusal}`);
  return own;
}

function toRequest(record: Readonly<Record<string, unknown>>): OwnRequest {
  if (record["kind"] === "raw") return { kind: "raw", text: readText(record, "text") };
  return {
    kind: "request",
    method: readText(record, "method"),
    target: readText(record, "target"),
    httpVersion: readText(record, "httpVersion") === "1.0" ? "1.0" : "1.1",
    host: readTextOrNull(record, "host"),
    headers: listOf(record["headers"]).map((pair) => {
      const [name = "", text = ""] = textsOf(pair);
      return [name, text] as const;
    }),
    body: readTextOrNull(record, "body"),
  };
}

function toExpectation(record: Readonly<Record<string, unknown>>): Expectation {
  const { header } = record;
  return {
    status: listOf(record["status"]).map(toRange),
    header:
      header === null || header === undefined
        ? null
        : {
            name: readText(recordOf(header), "name"),
            contains: readTextOrNull(recordOf(header), "contains"),
          },
    bodyContains: readTextOrNull(record, "bodyContains"),
  };
}

function toRange(value: unknown): StatusRange {
  const [from, to] = listOf(value);
  if (typeof from !== "number" || typeof to !== "number")
    throw new TypeError("a range should be two numbers");
  return [from, to];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new TypeError("settings of preflight should hold an object here");
  return value;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("settings of preflight should hold a list here");
  return value;
}

function textsOf(value: unknown): readonly string[] {
  return parseList(JSON.stringify(value));
}

/** One of a closed list of words; anything else is a damaged database. */
export function oneOf<const T extends string>(words: readonly T[], value: unknown): T {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new TypeError(`${JSON.stringify(value)} is none of ${words.join(", ")}`);
  return word;
}
