/**
 * What a hook's response means: `{ "answer": "done" }`, `{ "answer": "later", "afterSeconds": 20 }` or
 * `{ "answer": "failed", "why": "…" }` with a status of 2xx. Everything else is silence, because nobody knows what ran:
 * other statuses, bodies that are cut off or too large, answers of other words. It never throws. Pure; called by control.
 */
import type { HookAnswer } from "../../../contracts/move-data.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { isRecord, parseJson } from "../../maps/shape.ts";

/** Longer bodies are not read. */
export const MAX_ANSWER_CHARS = 4096;
const MAX_WHY_CHARS = 256;
/** Whoever asks for a longer time is asked again after this one; the batch has ended by then. */
const MAX_AFTER_SECONDS = 4 * 60 * 60;
/** Control and format characters, which would let a hook write into lists and logs. */
const UNSAFE = /[\p{Cc}\p{Cf}]/gu;

function silent(why: string): HookAnswer {
  return { kind: "silent", why };
}

function later(after: unknown, nowMs: EpochMs): HookAnswer {
  if (typeof after !== "number" || !(after >= 0)) return silent("said later, and not when");
  return { kind: "later", atMs: nowMs + Math.round(Math.min(after, MAX_AFTER_SECONDS) * 1000) };
}

/** @param text the body, at most `MAX_ANSWER_CHARS` of it; null when it could not be read. */
export function parseHookAnswer(status: number, text: string | null, nowMs: EpochMs): HookAnswer {
  if (status < 200 || status > 299) return silent(`answered with status ${status}`);
  if (text === null || text.length > MAX_ANSWER_CHARS) return silent("answered with more than can be read");
  const value = parseJson(text);
  if (!isRecord(value)) return silent("answered with something that is no JSON object");
  switch (value["answer"]) {
    case "done":
      return { kind: "done" };
    case "later":
      return later(value["afterSeconds"], nowMs);
    case "failed": {
      const why = typeof value["why"] === "string" ? value["why"].replace(UNSAFE, " ") : "no reason given";
      return { kind: "failed", why: why.slice(0, MAX_WHY_CHARS) };
    }
    default:
      return silent("answered with words that are not known");
  }
}
