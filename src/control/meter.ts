/**
 * Meter: which generation every isolate serves, and what edges counted of versions and accounts. An object of its own, so
 * that a flood of telemetry cannot stand in the way of a change. Reports are stamped on arrival, counts with the control
 * plane's clock as its ticks tell it, never with an edge's time; nothing here is ever read by a decision about a request.
 * Called by the edge (report, observe), the admin surface (seen, totals) and the control plane (tick).
 */
import { DurableObject } from "cloudflare:workers";
import type { FleetComparison } from "../contracts/fleet.ts";
import type { MirrorReport } from "../contracts/mirror.ts";
import type { FailedMeterStub } from "../adapters/failed-meters.ts";
import type { FleetMeterStub } from "../adapters/fleet-meters.ts";
import type { FailedAsk, KeptFailure } from "../contracts/failed-request.ts";
import { createFailedTable, readFailed, recordFailed } from "./meter-failed.ts";
import { createFleetTables, readFleet, recordFleet } from "./meter-fleet.ts";
import { createMirrorTable, listMirrored, recordMirrored } from "./meter-mirrors.ts";
import { systemClock } from "../adapters/clock.ts";
import type {
  HurtAccount,
  HurtAsk,
  MeterTick,
  MeterTotals,
  ObservationAnswer,
  ObservationReport,
} from "../contracts/observation.ts";
import { TELEMETRY_SCHEMA, type EdgeReport, type SeenIsolate } from "../contracts/telemetry.ts";
import type { AccountLately, TrafficLately } from "../contracts/traffic-port.ts";
import type { AccountSlug, EpochMs } from "../contracts/units.ts";
import type { EdgePulse } from "../contracts/alarms.ts";
import type { MeterStub } from "../adapters/meters.ts";
import type { PulseMeterStub } from "../adapters/pulse-meters.ts";
import { createDb, type Db } from "./db.ts";
import { readHurt } from "./metering/hurt.ts";
import { readAccountLately, readLately } from "./metering/lately.ts";
import { createTables } from "./metering/schema.ts";
import { takeReport } from "./metering/take.ts";
import { takeTick } from "./metering/tick.ts";
import { readTotals } from "./metering/totals.ts";
import { createPulseTables, readEdgeTotals, readPulse, recordPulse } from "./meter-pulse.ts";
import { createOpenTable, readUse, recordOpen } from "./meter-open.ts";
import type { UseMeterStub, VersionUse } from "../adapters/use-meters.ts";
import { readInt, readText } from "./row.ts";

/** Isolates that have said nothing for this long are forgotten. */
const FORGET_MS = 10 * 60 * 1000;
/** Requests are summed over this long, for shares of traffic. */
const WINDOW_MS = 2 * 60 * 1000;

const TABLE = `CREATE TABLE IF NOT EXISTS isolates (
  isolate TEXT PRIMARY KEY, sequence INTEGER NOT NULL, generation INTEGER NOT NULL, break_glass INTEGER NOT NULL,
  requests INTEGER NOT NULL, since INTEGER NOT NULL, reported_at INTEGER NOT NULL
) WITHOUT ROWID`;

type Stubs = MeterStub & UseMeterStub & PulseMeterStub & FleetMeterStub & FailedMeterStub;

export class Meter extends DurableObject implements Stubs {
  readonly #db: Db;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#db = createDb(ctx.storage);
    createMirrorTable(this.#db);
    this.#db.run(TABLE);
    createTables(this.#db);
    createOpenTable(this.#db);
    createPulseTables(this.#db);
    createFleetTables(this.#db);
    createFailedTable(this.#db);
  }

  /** Takes one report of an edge. */
  async report(report: EdgeReport): Promise<void> {
    if (report.schema !== TELEMETRY_SCHEMA) return;
    const now = systemClock.nowMs();
    recordOpen(this.#db, report, now);
    recordReport(this.#db, report, now);
  }

  /** Takes one report of what was counted; throws, and so tells the edge, when it makes no sense. */
  async observe(report: ObservationReport): Promise<void> {
    takeReport(this.#db, report, systemClock.nowMs());
  }

  /** What was ever counted here. */
  async totals(): Promise<MeterTotals> {
    return { ...readTotals(this.#db), edges: readEdgeTotals(this.#db) };
  }

  /** Moves the clock on and answers. */
  async tick(tick: MeterTick): Promise<readonly ObservationAnswer[]> {
    return takeTick(this.#db, tick);
  }

  /** Accounts that failed on some versions, worst first. */
  async hurt(ask: HurtAsk): Promise<readonly HurtAccount[]> {
    return readHurt(this.#db, ask);
  }

  /** Versions by their requests of the last minutes. */
  async lately(): Promise<TrafficLately> {
    return readLately(this.#db, readPulse(this.#db, systemClock.nowMs()));
  }

  /** One account now and before; empty when it is in another meter. */
  async accountLately(account: AccountSlug): Promise<readonly AccountLately[]> {
    return readAccountLately(this.#db, account);
  }

  /** Isolates that reported at or after `sinceMs`, newest first. */
  async seen(sinceMs: EpochMs): Promise<readonly SeenIsolate[]> {
    return listSeen(this.#db, sinceMs);
  }

  /** Connections that are open, and when versions were last asked. */
  async use(sinceMs: EpochMs): Promise<VersionUse> {
    return readUse(this.#db, sinceMs);
  }

  /** What isolates say about themselves. */
  async pulse(): Promise<EdgePulse> {
    return readPulse(this.#db, systemClock.nowMs());
  }

  /** Measurements of mirrored requests, as far as edges have reported them here. */
  async mirrored(runs: readonly string[]): Promise<readonly MirrorReport[]> {
    return listMirrored(this.#db, runs);
  }

  /** Failed requests, as far as edges have named them here. */
  async failed(ask: FailedAsk): Promise<readonly KeptFailure[]> {
    return readFailed(this.#db, ask, systemClock.nowMs());
  }

  /** One comparison with today's fleet, as far as edges have reported it here. */
  async fleet(run: string): Promise<FleetComparison> {
    return readFleet(this.#db, run);
  }
}

/** Upserts one isolate. Requests add up within a window, so that a busy isolate weighs what it serves. */
export function recordReport(db: Db, report: EdgeReport, now: EpochMs): void {
  if (isNew(db, report)) {
    recordMirrored(db, report.mirrored ?? [], now);
    recordFleet(db, report.fleet ?? [], now);
    recordFailed(db, report.failed ?? [], now);
    recordPulse(db, report, now);
  }
  // Nobody was answered: it says what is open or has ended, and goes by older maps than it would answer by.
  if (report.requests === 0) return;
  db.run(
    `INSERT INTO isolates (isolate, sequence, generation, break_glass, requests, since, reported_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
     ON CONFLICT (isolate) DO UPDATE SET sequence = ?2, generation = ?3, break_glass = ?4, reported_at = ?6,
       requests = CASE WHEN since < ?7 THEN ?5 ELSE requests + ?5 END,
       since = CASE WHEN since < ?7 THEN ?6 ELSE since END
     WHERE ?2 > sequence`,
    report.isolate,
    report.sequence,
    report.generation,
    report.breakGlass ? 1 : 0,
    report.requests,
    now,
    now - WINDOW_MS,
  );
  db.run("DELETE FROM isolates WHERE reported_at < ?", now - FORGET_MS);
}

/** Sums must not take the same report twice. */
function isNew(db: Db, { isolate, sequence }: EdgeReport): boolean {
  const last = db.rows("SELECT sequence FROM isolates WHERE isolate = ?", isolate)[0];
  return last === undefined || readInt(last, "sequence") < sequence;
}

export function listSeen(db: Db, since: EpochMs): readonly SeenIsolate[] {
  return db
    .rows(
      "SELECT isolate, generation, break_glass, requests, reported_at FROM isolates WHERE reported_at >= ? ORDER BY reported_at DESC, isolate",
      since,
    )
    .map((row) => ({
      isolate: readText(row, "isolate"),
      generation: readInt(row, "generation"),
      breakGlass: readInt(row, "break_glass") === 1,
      requests: readInt(row, "requests"),
      reportedAt: readInt(row, "reported_at"),
    }));
}
