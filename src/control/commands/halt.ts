/** Halt: the switch over everything automatic. Serving goes on unchanged; the root and `status` show it. */
import type { Halt } from "../../contracts/api/operations.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { toInstant } from "../clock.ts";
import { markRoot } from "../store/changes.ts";
import { readHalt, writeHalt } from "../store/halt.ts";
import type { Change, Work } from "./work.ts";

/** Switches halt on or off; saying again what is so already is recorded too, for its reason. */
export function setHalt(work: Work, { input }: CommandInputs["halt.set"]): Result<Change<Halt>, Refusal> {
  const before = readHalt(work.db);
  const after: Halt = { on: input.on, reason: input.reason, by: work.actor.name, at: toInstant(work.nowMs) };
  writeHalt(work.db, after);
  if (before.on !== after.on) markRoot(work.db, work);
  return ok({
    output: after,
    told: { target: "halt", reason: input.reason, detail: { before: before.on, after: after.on } },
  });
}
