/**
 * Meters in memory: the objects' own tables and answers on SQLite, behind the adapter that edges and control use. Any
 * call can be made to fail before or after it took effect, as a network does.
 */
import { createMeters, METERS, type Meters, type MeterStub } from "../../src/adapters/meters.ts";
import type { MeterIntake, ObservationReport } from "../../src/contracts/observation.ts";
import { readHurt } from "../../src/control/metering/hurt.ts";
import { readAccountLately, readLately } from "../../src/control/metering/lately.ts";
import { createTables } from "../../src/control/metering/schema.ts";
import { takeReport } from "../../src/control/metering/take.ts";
import { takeTick } from "../../src/control/metering/tick.ts";
import { readTotals } from "../../src/control/metering/totals.ts";
import type { Db } from "../../src/control/db.ts";
import { createMemoryDb } from "./control-db.ts";

/** What becomes of one call: it arrives, is lost on the way there, or its answer is lost on the way back. */
export type Fate = "arrives" | "lost" | "answer-lost" | "hangs" | "late";

export interface MemoryMeters {
  readonly meters: Meters;
  readonly dbs: readonly Db[];
  /** Asked for each call. */
  fate: (meter: number, call: "observe" | "tick") => Fate;
  /** Delivers what was late, long after its sender gave up. */
  deliverLate(): void;
  /** Over all meters. */
  intake(): MeterIntake;
}

const NOBODY = { known: 0, unknown: 0 };

/** @param wallMs clock of the objects, for how long numbers of reports are remembered. */
export function createMemoryMeters(wallMs: () => number = () => 0): MemoryMeters {
  const dbs = Array.from({ length: METERS }, () => {
    const db = createMemoryDb();
    createTables(db);
    return db;
  });
  const late: (() => void)[] = [];
  const stubOf = (name: string): MeterStub => {
    const number = Number(name.split("-")[1]);
    const db = dbs[number];
    if (db === undefined) throw new Error(`no ${name}`);
    const call = async <T>(kind: "observe" | "tick", body: () => T): Promise<T> => {
      switch (memory.fate(number, kind)) {
        case "arrives":
          return body();
        case "lost":
          throw new Error("lost");
        case "answer-lost":
          body();
          throw new Error("answer lost");
        case "hangs":
          return new Promise(() => undefined);
        case "late":
          late.push(() => void body());
          throw new Error("late");
      }
    };
    return {
      report: async () => undefined,
      seen: async () => [],
      observe: (report: ObservationReport) =>
        call("observe", () => takeReport(db, structuredClone(report), wallMs())),
      totals: async () => readTotals(db),
      hurt: async (ask) => readHurt(db, ask),
      lately: async () => readLately(db, { lately: NOBODY, yesterday: NOBODY }),
      accountLately: async (account) => readAccountLately(db, account),
      tick: (tick) => call("tick", () => takeTick(db, tick)),
    };
  };
  const memory: MemoryMeters = {
    dbs,
    fate: () => "arrives",
    meters: createMeters({ meter: stubOf, nowMs: wallMs, tickDeadlineMs: 20 }),
    deliverLate() {
      for (const deliver of late.splice(0)) deliver();
    },
    intake() {
      const all = dbs.map((db) => readTotals(db).intake);
      const sum = (name: keyof MeterIntake): number => all.reduce((total, intake) => total + intake[name], 0);
      return {
        reports: sum("reports"),
        requests: sum("requests"),
        droppedReports: sum("droppedReports"),
        droppedRequests: sum("droppedRequests"),
        droppedRequestsLastHour: sum("droppedRequestsLastHour"),
      };
    },
  };
  return memory;
}
