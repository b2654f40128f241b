/**
 * What is kept of observations: marks (from which maps on something counts) and the last whole answers of the meters.
 * Answers are JSON that only this file's callers write, of the shape in contracts/observation.
 */
import type { ObservationAnswer } from "../../contracts/observation.ts";
import type { EpochMs, Generation, ProductName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";

/** A moment of a rollout that counting begins with. */
export interface Mark {
  readonly name: string;
  readonly at: EpochMs;
  /** First generation of the maps that say so; null while these are not out. */
  readonly generation: Generation | null;
}

export interface StoredMark extends Mark {
  /** The change that those maps must have. */
  readonly rootSeq: number;
}

export interface Observed {
  readonly name: string;
  readonly product: ProductName;
  /** Since when it counts; an answer about an earlier moment of the same name says nothing about this one. */
  readonly since: EpochMs;
  /** Clock of the tick that asked. */
  readonly at: EpochMs;
  readonly answer: ObservationAnswer;
}

export function loadMarks(db: Db, rollout: string): readonly StoredMark[] {
  return db
    .rows("SELECT name, at, root_seq, generation FROM observation_marks WHERE rollout = ?", rollout)
    .map((row) => ({
      name: readText(row, "name"),
      at: readInt(row, "at"),
      rootSeq: readInt(row, "root_seq"),
      generation: readIntOrNull(row, "generation"),
    }));
}

export function saveMark(db: Db, rollout: string, { name, at, rootSeq, generation }: StoredMark): void {
  db.run(
    `INSERT INTO observation_marks (rollout, name, at, root_seq, generation) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (rollout, name) DO UPDATE SET at = ?3, root_seq = ?4, generation = ?5`,
    rollout,
    name,
    at,
    rootSeq,
    generation,
  );
}

/** The last whole answers about a rollout. */
export function loadObserved(db: Db, rollout: string): readonly Observed[] {
  return db
    .rows("SELECT name, product, since, at, answer FROM observations WHERE rollout = ?", rollout)
    .map((row) => ({
      name: readText(row, "name"),
      product: readText(row, "product"),
      since: readInt(row, "since"),
      at: readInt(row, "at"),
      answer: JSON.parse(readText(row, "answer")) as ObservationAnswer,
    }));
}

export function saveObserved(db: Db, rollout: string, { name, product, since, at, answer }: Observed): void {
  db.run(
    `INSERT INTO observations (rollout, name, product, since, at, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (rollout, name, product) DO UPDATE SET since = ?4, at = ?5, answer = ?6`,
    rollout,
    name,
    product,
    since,
    at,
    JSON.stringify(answer),
  );
}
