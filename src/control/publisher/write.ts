/**
 * Writes waiting objects and reads each back, a few at a time, within the operations that one invocation has. Reading
 * back proves the write, not its spread: that is what settling is for. Idempotent: objects are immutable, so one that
 * was written just before a crash is written again with the same bytes.
 */
import { indexKey, shardKey } from "../../contracts/maps.ts";
import {
  countWaitingObjects,
  loadWaitingObjects,
  markWritten,
  newestWrite,
  type WaitingObject,
} from "../store/objects.ts";
import type { Batch } from "./phase.ts";
import { writeBatch } from "./phase.ts";
import type { PublisherPorts } from "./ports.ts";

/** The platform opens six connections at a time for one invocation; one stays free for the root. */
const PARALLEL_WRITES = 5;
/** A put and a get. */
export const OPERATIONS_AN_OBJECT = 2;

/** Where in KV an object lives. */
export function objectKey({ kind, hash }: Pick<WaitingObject, "kind" | "hash">): string {
  return kind === "index" ? indexKey(hash) : shardKey(hash);
}

/**
 * Writes some waiting objects; when none is left, the batch begins to settle.
 * @param operations KV operations that may still be used.
 * @returns how many were used.
 */
export async function writeSome(ports: PublisherPorts, batch: Batch, operations: number): Promise<number> {
  const { db, clock, config } = ports;
  const count = Math.min(PARALLEL_WRITES, Math.floor(operations / OPERATIONS_AN_OBJECT));
  const objects = loadWaitingObjects(db, count);
  const outcomes = await Promise.allSettled(objects.map((object) => writeObject(ports, object)));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  if (countWaitingObjects(db) === 0) {
    const newest = newestWrite(db, batch.indexHash);
    // Never later than from now on: a clock that went back must not stretch the delay.
    const readyAt = Math.min(newest, clock.nowMs()) + config.flipDelayMs;
    writeBatch(db, { ...batch, readyAt });
  }
  return objects.length * OPERATIONS_AN_OBJECT;
}

async function writeObject({ db, store, clock }: PublisherPorts, object: WaitingObject): Promise<void> {
  const key = objectKey(object);
  await store.put(key, object.text);
  const back = await store.get(key);
  if (back !== object.text)
    throw new Error(`${key} was written but reads back ${back === null ? "as missing" : "differently"}`);
  markWritten(db, object.hash, clock.nowMs());
}
