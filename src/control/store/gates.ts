/**
 * What gates have said and done, as it is stored: the last verdict over each wave and product with a series of how it came
 * to it, words from outside, accounts put back alone. Reads and writes rows; decides nothing. Verdicts and points are JSON
 * that this file's callers alone write, of the shapes in contracts/gate.
 */
import type { GateSignal, GateVerdict } from "../../contracts/gate.ts";
import type { GatePoint } from "../../contracts/gate-plan.ts";
import type { Verdict } from "../../contracts/rollout-input.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readInt, readText } from "../row.ts";

const MINUTE_MS = 60_000;
/** Every minute for so long, every quarter of an hour for two weeks: at most 1,524 points of a product and wave. */
const DENSE_MS = 180 * MINUTE_MS;
const THIN_MS = 15 * MINUTE_MS;
const KEPT_MS = 14 * 24 * 60 * MINUTE_MS;

/** A verdict and the wave it is about. */
export interface WaveGate {
  readonly wave: number;
  readonly verdict: GateVerdict;
}

export function saveVerdict(db: Db, rollout: string, { wave, verdict }: WaveGate): void {
  db.run(
    "INSERT OR REPLACE INTO gate_verdicts (rollout, wave, product, at, verdict) VALUES (?, ?, ?, ?, ?)",
    rollout,
    wave,
    verdict.product,
    verdict.atMs,
    JSON.stringify(verdict),
  );
}

/** In order of waves and products. */
export function loadVerdicts(db: Db, rollout: string): readonly WaveGate[] {
  return db
    .rows("SELECT wave, verdict FROM gate_verdicts WHERE rollout = ? ORDER BY wave, product", rollout)
    .map((row) => ({
      wave: readInt(row, "wave"),
      verdict: JSON.parse(readText(row, "verdict")) as GateVerdict,
    }));
}

export interface WavePoint {
  readonly wave: number;
  readonly product: ProductName;
  readonly point: GatePoint;
}

/** Adds a point, and thins those that have grown old. */
export function savePoint(db: Db, rollout: string, { wave, product, point }: WavePoint): void {
  db.run(
    "INSERT OR REPLACE INTO gate_points (rollout, wave, product, at, point) VALUES (?, ?, ?, ?, ?)",
    rollout,
    wave,
    product,
    point.atMs,
    JSON.stringify(point),
  );
  const old = point.atMs - DENSE_MS;
  db.run(
    "DELETE FROM gate_points WHERE rollout = ? AND wave = ? AND product = ? AND (at < ? OR (at < ? AND at % ? >= ?))",
    rollout,
    wave,
    product,
    point.atMs - KEPT_MS,
    old,
    THIN_MS,
    MINUTE_MS,
  );
}

/** Oldest first. */
export function loadPoints(db: Db, rollout: string): readonly WavePoint[] {
  return db
    .rows(
      "SELECT wave, product, point FROM gate_points WHERE rollout = ? ORDER BY wave, product, at",
      rollout,
    )
    .map((row) => ({
      wave: readInt(row, "wave"),
      product: readText(row, "product"),
      point: JSON.parse(readText(row, "point")) as GatePoint,
    }));
}

/** A word from outside; `product` null: about all targets. */
export interface SignalRecord extends Omit<GateSignal, "name"> {
  readonly product: ProductName | null;
  readonly by: string;
}

export function saveSignal(db: Db, rollout: string, signal: SignalRecord): void {
  db.run(
    "INSERT OR REPLACE INTO gate_signals (rollout, source, product, verdict, reason, at, expires, made_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    rollout,
    signal.source,
    signal.product ?? "",
    signal.verdict,
    signal.reason,
    signal.atMs,
    signal.expiresMs,
    signal.by,
  );
}

const VERDICTS: readonly Verdict[] = ["pass", "fail", "inconclusive"];

/** Newest first. Expired ones too: people want to see them, and gates tell them apart. */
export function loadSignals(db: Db, rollout: string): readonly SignalRecord[] {
  return db
    .rows(
      `SELECT source, product, verdict, reason, at, expires, made_by FROM gate_signals WHERE rollout = ?
       ORDER BY at DESC, source, product`,
      rollout,
    )
    .map((row) => {
      const product = readText(row, "product");
      const verdict = VERDICTS.find((known) => known === readText(row, "verdict")) ?? "fail";
      return {
        source: readText(row, "source"),
        product: product === "" ? null : product,
        verdict,
        reason: readText(row, "reason"),
        atMs: readInt(row, "at"),
        expiresMs: readInt(row, "expires"),
        by: readText(row, "made_by"),
      };
    });
}

/** One account back on `version`, which was on `was`. */
export interface GateQuarantine {
  readonly account: AccountSlug;
  readonly product: ProductName;
  readonly version: VersionName;
  readonly was: VersionName;
  readonly at: EpochMs;
  readonly step: number;
  readonly reason: string;
}

export function saveGateQuarantine(db: Db, rollout: string, one: GateQuarantine): void {
  db.run(
    "INSERT OR REPLACE INTO gate_quarantines (rollout, account, product, version, was, at, step, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    rollout,
    one.account,
    one.product,
    one.version,
    one.was,
    one.at,
    one.step,
    one.reason,
  );
}

export function loadGateQuarantines(db: Db, rollout: string): readonly GateQuarantine[] {
  return db
    .rows(
      "SELECT account, product, version, was, at, step, reason FROM gate_quarantines WHERE rollout = ? ORDER BY at, account, product",
      rollout,
    )
    .map((row) => ({
      account: readText(row, "account"),
      product: readText(row, "product"),
      version: readText(row, "version"),
      was: readText(row, "was"),
      at: readInt(row, "at"),
      step: readInt(row, "step"),
      reason: readText(row, "reason"),
    }));
}
