/**
 * Freezes: times in which nothing in their scope moves forward. They bind rollouts from the next tick on, running ones
 * too; protective moves always pass. One that is over may be deleted at any time, and counts until then.
 */
import type { StoredFreeze } from "../../contracts/api/calendar.ts";
import { MAX_FREEZES } from "../../contracts/calendar.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { deleteFreeze, loadFreeze, loadFreezes, saveFreeze, type FreezeRecord } from "../store/freezes.ts";
import { previewAt, refuseFreeze, viewFreeze } from "../view/calendar.ts";
import type { Change, Work } from "./work.ts";

/** Creates a freeze or replaces it. */
export function putFreeze(
  work: Work,
  { name, input }: CommandInputs["freeze.put"],
): Result<Change<StoredFreeze>, Refusal> {
  const { db, actor, nowMs } = work;
  const before = loadFreeze(db, name);
  const stale = checkRevision(work.ifMatch, before?.revision ?? 0);
  if (stale !== null) return stale;
  if (before === null && loadFreezes(db).length >= MAX_FREEZES) {
    return refuse(
      "conflict",
      `there are ${MAX_FREEZES} freezes already, and every move is held against all of them: delete some that are over`,
    );
  }
  const after: FreezeRecord = {
    ...input,
    name,
    by: actor.name,
    at: nowMs,
    revision: (before?.revision ?? work.seq) + 1,
  };
  const preview = previewAt(db, nowMs);
  const wrong = refuseFreeze(after, preview);
  if (wrong !== null) return wrong;
  saveFreeze(db, after);
  return ok({
    output: viewFreeze(after, preview),
    told: {
      target: `freeze/${name}`,
      reason: input.reason,
      detail: { before: shown(before), after: shown(after) },
    },
  });
}

/** Deletes a freeze: what it held back may move again. */
export function dropFreeze(
  work: Work,
  { name, reason }: CommandInputs["freeze.delete"],
): Result<Change<StoredFreeze>, Refusal> {
  const { db, nowMs } = work;
  const before = loadFreeze(db, name);
  if (before === null) return notFound(`freeze ${name}`);
  const stale = checkRevision(work.ifMatch, before.revision);
  if (stale !== null) return stale;
  deleteFreeze(db, name);
  return ok({
    output: viewFreeze(before, previewAt(db, nowMs)),
    told: { target: `freeze/${name}`, reason, detail: { before: shown(before) } },
  });
}

function shown(freeze: FreezeRecord | null): unknown {
  if (freeze === null) return null;
  const { from, to, zone, scope } = freeze;
  return { from, to, zone, scope };
}
