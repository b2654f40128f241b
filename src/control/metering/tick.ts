/**
 * What a meter does when the control plane ticks: takes over its clock, remembers which generations will be asked about,
 * tidies up, and answers. The clock is the greatest ever heard; an older tick is answered all the same.
 */
import type { MeterTick, ObservationAnswer } from "../../contracts/observation.ts";
import { runEach, type Db } from "../db.ts";
import { answerAsk } from "./answer.ts";
import { tidy } from "./fold.ts";
import { readNumber, writeNumber } from "./schema.ts";

export function takeTick(db: Db, { clockMs, marks, asks }: MeterTick): readonly ObservationAnswer[] {
  return db.transaction(() => {
    if (clockMs > readNumber(db, "clock")) writeNumber(db, "clock", clockMs);
    db.run("DELETE FROM marks");
    runEach(db, { sql: "INSERT INTO marks (generation) SELECT DISTINCT value FROM json_each(?1)" }, marks);
    tidy(db);
    return asks.map((ask) => answerAsk(db, ask));
  });
}
