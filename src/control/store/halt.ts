/** The halt switch as it is stored. */
import type { Halt } from "../../contracts/api/operations.ts";
import type { Db } from "../db.ts";
import { parseObject, readTextOrNull } from "../row.ts";
import { readMeta, writeMeta } from "./meta.ts";

const OFF: Halt = { on: false, reason: null, by: null, at: null };

export function readHalt(db: Db): Halt {
  const text = readMeta(db, "halt");
  if (text === null) return OFF;
  const value = parseObject(text);
  return {
    on: value["on"] === true,
    reason: readTextOrNull(value, "reason"),
    by: readTextOrNull(value, "by"),
    at: readTextOrNull(value, "at"),
  };
}

export function writeHalt(db: Db, halt: Halt): void {
  writeMeta(db, "halt", JSON.stringify(halt));
}
