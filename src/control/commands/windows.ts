/**
 * Named maintenance windows. Written only when they open at all; the answer shows when next. A rollout keeps its own
 * copy of nothing: it reads the name at every tick, so a window that one refers to may be changed but not deleted.
 */
import type { StoredWindow } from "../../contracts/api/calendar.ts";
import { MAX_WINDOW_NAMES } from "../../contracts/calendar.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { deleteWindow, loadWindow, loadWindows, saveWindow } from "../store/windows.ts";
import { previewAt, refuseWindow, viewWindow } from "../view/calendar.ts";
import { countWindowUses } from "./calendar-uses.ts";
import type { Change, Work } from "./work.ts";

/** Creates a window or replaces what the name stands for. */
export function putWindow(
  work: Work,
  { name, windows }: CommandInputs["window.put"],
): Result<Change<StoredWindow>, Refusal> {
  const { db, actor, nowMs } = work;
  const before = loadWindow(db, name);
  const stale = checkRevision(work.ifMatch, before?.revision ?? 0);
  if (stale !== null) return stale;
  if (before === null && loadWindows(db).length >= MAX_WINDOW_NAMES)
    return refuse("conflict", `there are ${MAX_WINDOW_NAMES} windows already: delete one that nothing uses`);
  const preview = previewAt(db, nowMs);
  if (before !== null && canonicalJson(before.windows) === canonicalJson(windows)) {
    return ok({ output: viewWindow(before, preview), told: null });
  }
  const after = { name, windows, by: actor.name, at: nowMs, revision: (before?.revision ?? work.seq) + 1 };
  const wrong = refuseWindow(after, preview);
  if (wrong !== null) return wrong;
  saveWindow(db, after);
  const detail = { before: before?.windows ?? null, after: windows };
  return ok({
    output: viewWindow(after, preview),
    told: { target: `window/${name}`, reason: null, detail },
  });
}

/** Deletes a window that nothing refers to. */
export function dropWindow(
  work: Work,
  { name, reason }: CommandInputs["window.delete"],
): Result<Change<StoredWindow>, Refusal> {
  const { db, nowMs } = work;
  const before = loadWindow(db, name);
  if (before === null) return notFound(`window ${name}`);
  const stale = checkRevision(work.ifMatch, before.revision);
  if (stale !== null) return stale;
  const uses = countWindowUses(db, name);
  if (Object.keys(uses).length > 0) {
    const list = Object.entries(uses).map(([what, count]) => `${what} (${count})`);
    return refuse("in-use", `window ${name} is still referred to by: ${list.join(", ")}`, { uses });
  }
  deleteWindow(db, name);
  return ok({
    output: viewWindow(before, previewAt(db, nowMs)),
    told: { target: `window/${name}`, reason, detail: { before: before.windows } },
  });
}
