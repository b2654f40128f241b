/**
 * Asks the meters once a tick, before anything is decided, and keeps what they say until the next tick, so that every
 * advance of a tick sees the same. It also hands them the tick's clock: they have none of their own. Meters that do not
 * answer leave what was known as old as it is: a failed measurement is neither a failed version nor a pass, and nothing
 * here may hold up a tick. Called by tick.ts.
 */
import type { Gathered, MeterTick } from "../../contracts/observation.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { loadFacts } from "../rollouts/facts.ts";
import { writeMeta } from "../store/meta.ts";
import { loadObserved, saveObserved } from "../store/observations.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { questionsOf, type Question } from "./ask.ts";
import { noteMarks } from "./marks.ts";

/** Hands a tick to all meters and adds up what they say; null: this deployment has none. Never rejects. */
export type MeasureTraffic = (tick: MeterTick) => Promise<Gathered | null>;

/** @returns what is worth telling of it. */
export async function lookAtTraffic(
  db: Db,
  measure: MeasureTraffic,
  clockMs: EpochMs,
): Promise<readonly string[]> {
  const { questions, marks } = db.transaction(() => prepare(db));
  const gathered = await measure({ clockMs, marks, asks: questions.map(({ ask }) => ask) });
  return db.transaction(() => keep(db, questions, gathered));
}

function prepare(db: Db): { questions: readonly Question[]; marks: readonly Generation[] } {
  const facts = loadFacts(db);
  const generations = new Set<Generation>();
  const questions = loadActiveRollouts(db).flatMap((record) => {
    const marks = noteMarks(db, record);
    for (const { generation } of marks) if (generation !== null) generations.add(generation);
    return questionsOf(record, { facts, marks, before: loadObserved(db, record.id) });
  });
  return { questions, marks: [...generations].toSorted((left, right) => left - right) };
}

function keep(db: Db, questions: readonly Question[], gathered: Gathered | null): readonly string[] {
  writeMeta(db, "meters", gathered === null ? "none" : null);
  if (gathered === null) return [];
  const { missingMeters, answers, atMs } = gathered;
  if (missingMeters > 0)
    return [`${missingMeters} meters did not answer: counts are those of an earlier tick`];
  for (const { rollout, name, since, ask } of questions) {
    const answer = answers[ask.key];
    if (answer !== undefined)
      saveObserved(db, rollout, { name, product: ask.product, since, at: atMs, answer });
  }
  return [];
}
