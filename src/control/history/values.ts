/**
 * Texts that the history keeps once and names by number: rows without their keys, roots without their thresholds. A
 * million accounts share a few thousand of them. Append-only; a text once numbered keeps its number, so what names it
 * never goes stale. Called by the recorders of this folder, inside the publisher's transactions.
 */
import { contentHash } from "../../core/sha256.ts";
import type { Db } from "../db.ts";
import { readInt, readText } from "../row.ts";

export interface ValueBook {
  /** Number of the text, from 1; made when it is new. */
  idOf(text: string): number;
}

/** Remembers what it has looked up: made once for a piece of work. */
export function openValueBook(db: Db): ValueBook {
  const known = new Map<string, number>();
  return {
    idOf: (text) => {
      const before = known.get(text);
      if (before !== undefined) return before;
      const hash = contentHash(text);
      db.run(
        "INSERT INTO history_values (hash, text) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING",
        hash,
        text,
      );
      const id = readInt(db.rows("SELECT id FROM history_values WHERE hash = ?", hash)[0] ?? {}, "id");
      known.set(text, id);
      return id;
    },
  };
}

/** @throws when nothing has that number: something else was written where a number should be. */
export function loadValue(db: Db, id: number): string {
  const row = db.rows("SELECT text FROM history_values WHERE id = ?", id)[0];
  if (row === undefined) throw new Error(`the history names value ${id}, which is not there`);
  return readText(row, "text");
}
