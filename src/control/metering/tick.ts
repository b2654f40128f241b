/**
 * What a meter does when the control plane ticks: takes over its clock, remembers which generations will be asked about,
 * tidies up, and answers. The clock is the greatest ever heard; an older tick is answered all the same.
 */
import type { MeterTick, ObservationAnswer } from "../../contracts/observation.ts";
import { runEach, type Db } from "../db.ts";
import { answerAsk } from "./answer.ts";
import { tidy } from "./fold.ts";
import { BLOCK_MINUTES, floorTo, minuteOf, readNumber, writeNumber } from "./schema.ts";

/** What came before the first tick ever counts as of that tick. */
function adoptUnstamped(db: Db, minute: number): void {
  for (const table of ["cells", "latency", "intake"]) {
    db.run(`UPDATE ${table} SET minute = ? WHERE minute = 0`, minute);
  }
  db.run("UPDATE blocks SET block = ? WHERE block = 0", floorTo(minute, BLOCK_MINUTES));
  db.run("UPDATE series SET seen = ? WHERE seen = 0", minute);
}

export function takeTick(db: Db, { clockMs, marks, asks }: MeterTick): readonly ObservationAnswer[] {
  return db.transaction(() => {
    const before = readNumber(db, "clock");
    if (clockMs > before) writeNumber(db, "clock", clockMs);
    if (before === 0) adoptUnstamped(db, minuteOf(clockMs));
    db.run("DELETE FROM marks");
    runEach(db, { sql: "INSERT INTO marks (generation) SELECT DISTINCT value FROM json_each(?1)" }, marks);
    tidy(db);
    return asks.map((ask) => answerAsk(db, ask));
  });
}
