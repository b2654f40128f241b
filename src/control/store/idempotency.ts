/**
 * Answers given under an Idempotency-Key, kept 24 hours. Only what was done is kept: a refusal changed nothing, so the
 * same request may be tried again under the same key.
 */
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readText } from "../row.ts";

export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export interface GivenAnswer {
  /** Digest of the request it was given to. */
  readonly request: string;
  /** JSON. */
  readonly answer: string;
}

export interface AnswerKey {
  readonly actor: string;
  readonly key: string;
}

export function loadAnswer(db: Db, { actor, key }: AnswerKey, now: EpochMs): GivenAnswer | null {
  const row = db.rows(
    "SELECT request, answer FROM idempotency WHERE actor = ? AND key = ? AND at > ?",
    actor,
    key,
    now - IDEMPOTENCY_MS,
  )[0];
  return row === undefined ? null : { request: readText(row, "request"), answer: readText(row, "answer") };
}

export function saveAnswer(db: Db, { actor, key }: AnswerKey, given: GivenAnswer & { at: EpochMs }): void {
  db.run(
    "INSERT OR REPLACE INTO idempotency (actor, key, request, answer, at) VALUES (?, ?, ?, ?, ?)",
    actor,
    key,
    given.request,
    given.answer,
    given.at,
  );
}

export function dropOldAnswers(db: Db, now: EpochMs): void {
  db.run("DELETE FROM idempotency WHERE at <= ?", now - IDEMPOTENCY_MS);
}
