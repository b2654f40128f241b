/**
 * Runs of preflight with their evidence, and waivers. Reads and writes rows; decides nothing. Evidence is kept of the
 * newest runs alone, verdicts for longer: a rollout that lasts weeks is probed every hour.
 */
import {
  EXCHANGE_FAULTS,
  PROBE_CLASSES,
  type ExchangeFault,
  type PreflightPurpose,
  type PreflightVerdict,
  type ProbeResult,
  type Vantage,
  type Waiver,
} from "../../contracts/preflight.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { runEach, type Db, type SqlRow } from "../db.ts";
import { isRecord, parseObject, readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";
import { oneOf } from "./preflight-settings.ts";

type Word = PreflightVerdict["verdict"];

export interface RunRecord {
  readonly id: number;
  readonly product: ProductName;
  readonly version: VersionName;
  readonly origin: string;
  /** Address that was asked in the origin's place; null: the origin itself. */
  readonly via: string | null;
  /** Digest of what the probes were made of. */
  readonly basis: string;
  readonly purpose: PreflightPurpose;
  readonly source: Vantage;
  readonly by: string;
  readonly at: EpochMs;
  /** Verdicts of that moment. */
  readonly wave: Word;
  readonly default: Word;
}

export interface WaiverRecord extends Waiver {
  readonly target: PreflightPurpose;
  /** Origin it was given for. */
  readonly origin: string;
}

interface OfVersion {
  readonly product: ProductName;
  readonly version: VersionName;
}

/** Of one version and place, this many runs keep their verdict, and the newest of them their evidence. */
const KEPT_RUNS = 500;
const KEPT_EVIDENCE = 10;

const RUN_COLUMNS =
  "id, product, version, origin, via, basis, purpose, source, made_by, made_at, wave_verdict, default_verdict";
const PURPOSES: readonly PreflightPurpose[] = ["wave", "default"];
const WORDS: readonly Word[] = ["pass", "fail", "inconclusive"];
const SOURCES: readonly Vantage[] = ["control", "here"];

/** Keeps a run and drops what has become too old. @returns its number. */
export function insertRun(db: Db, run: Omit<RunRecord, "id">, results: readonly ProbeResult[]): number {
  const id = readInt(db.rows("SELECT coalesce(max(id), 0) + 1 AS n FROM preflight_runs")[0] ?? {}, "n");
  db.run(
    `INSERT INTO preflight_runs (${RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    run.product,
    run.version,
    run.origin,
    run.via,
    run.basis,
    run.purpose,
    run.source,
    run.by,
    run.at,
    run.wave,
    run.default,
  );
  runEach(
    db,
    {
      sql: `INSERT INTO preflight_results (run, position, result)
        SELECT CAST(?2 AS INTEGER), value ->> 'position', value ->> 'result' FROM json_each(?1)`,
      params: [id],
    },
    results.map((result, position) => ({ position, result: JSON.stringify(result) })),
  );
  prune(db, run);
  return id;
}

function prune(db: Db, { product, version, source }: Omit<RunRecord, "id">): void {
  const older = `SELECT id FROM preflight_runs WHERE product = ?1 AND version = ?2 AND source = ?3
    ORDER BY id DESC LIMIT -1 OFFSET`;
  db.run(`DELETE FROM preflight_results WHERE run IN (${older} ${KEPT_EVIDENCE})`, product, version, source);
  db.run(`DELETE FROM preflight_runs WHERE id IN (${older} ${KEPT_RUNS})`, product, version, source);
}

/** Runs of a version from one place, newest first. */
export function loadRuns(
  db: Db,
  { product, version }: OfVersion,
  { source, limit }: { readonly source: Vantage; readonly limit: number },
): readonly RunRecord[] {
  return db
    .rows(
      `SELECT ${RUN_COLUMNS} FROM preflight_runs WHERE product = ? AND version = ? AND source = ? ORDER BY id DESC LIMIT ?`,
      product,
      version,
      source,
      limit,
    )
    .map(toRun);
}

/** Results of a run in the order of its probes; none when its evidence was dropped. */
export function loadResults(db: Db, run: number): readonly ProbeResult[] {
  return db
    .rows("SELECT result FROM preflight_results WHERE run = ? ORDER BY position", run)
    .map((row) => parseResult(readText(row, "result")));
}

/** Forgets runs and waivers of a version. @returns how many of each there were. */
export function forgetPreflight(
  db: Db,
  { product, version }: OfVersion,
): { readonly runs: number; readonly waivers: number } {
  const of = "WHERE product = ? AND version = ?";
  const count = (table: string): number =>
    readInt(db.rows(`SELECT count(*) AS n FROM ${table} ${of}`, product, version)[0] ?? {}, "n");
  const counts = { runs: count("preflight_runs"), waivers: count("preflight_waivers") };
  db.run(
    `DELETE FROM preflight_results WHERE run IN (SELECT id FROM preflight_runs ${of})`,
    product,
    version,
  );
  db.run(`DELETE FROM preflight_runs ${of}`, product, version);
  db.run(`DELETE FROM preflight_waivers ${of}`, product, version);
  return counts;
}

const WAIVER_COLUMNS = "product, version, target, probe, origin, reason, made_by, made_at";

/** Waivers of a version that were given for its present origin. */
export function loadWaivers(
  db: Db,
  { product, version }: OfVersion,
  origin: string,
): readonly WaiverRecord[] {
  return db
    .rows(
      `SELECT ${WAIVER_COLUMNS} FROM preflight_waivers WHERE product = ? AND version = ? AND origin = ? ORDER BY target, probe`,
      product,
      version,
      origin,
    )
    .map((row) => ({
      target: oneOf(PURPOSES, row["target"]),
      probe: readText(row, "probe"),
      origin: readText(row, "origin"),
      reason: readText(row, "reason"),
      by: readText(row, "made_by"),
      at: readInt(row, "made_at"),
    }));
}

export function saveWaiver(db: Db, { product, version }: OfVersion, waiver: WaiverRecord): void {
  db.run(
    `INSERT OR REPLACE INTO preflight_waivers (${WAIVER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    product,
    version,
    waiver.target,
    waiver.probe,
    waiver.origin,
    waiver.reason,
    waiver.by,
    waiver.at,
  );
}

export function deleteWaiver(
  db: Db,
  { product, version }: OfVersion,
  { target, probe }: Pick<WaiverRecord, "target" | "probe">,
): void {
  db.run(
    "DELETE FROM preflight_waivers WHERE product = ? AND version = ? AND target = ? AND probe = ?",
    product,
    version,
    target,
    probe,
  );
}

function toRun(row: SqlRow): RunRecord {
  return {
    id: readInt(row, "id"),
    product: readText(row, "product"),
    version: readText(row, "version"),
    origin: readText(row, "origin"),
    via: readTextOrNull(row, "via"),
    basis: readText(row, "basis"),
    purpose: oneOf(PURPOSES, row["purpose"]),
    source: oneOf(SOURCES, row["source"]),
    by: readText(row, "made_by"),
    at: readInt(row, "made_at"),
    wave: oneOf(WORDS, row["wave_verdict"]),
    default: oneOf(WORDS, row["default_verdict"]),
  };
}

function parseResult(text: string): ProbeResult {
  const value = parseObject(text);
  const { evidence } = value;
  if (!isRecord(evidence)) throw new TypeError("a result should hold its evidence");
  const { ms } = evidence;
  return {
    id: readText(value, "id"),
    title: readText(value, "title"),
    class: oneOf(PROBE_CLASSES, value["class"]),
    cell: readTextOrNull(value, "cell"),
    outcome: oneOf(["pass", "fail", "unreachable", "error"], value["outcome"]),
    evidence: {
      sent: readText(evidence, "sent"),
      received: readText(evidence, "received"),
      status: readIntOrNull(evidence, "status"),
      ms: typeof ms === "number" ? ms : 0,
      fault: parseFault(evidence["fault"]),
      from: oneOf(SOURCES, evidence["from"]),
    },
    sentence: readText(value, "sentence"),
  };
}

/** A fault that this release does not know shows as `internal`: its sentence is stored beside it. */
function parseFault(value: unknown): ExchangeFault | null {
  return value === null ? null : (EXCHANGE_FAULTS.find((known) => known === value) ?? "internal");
}
