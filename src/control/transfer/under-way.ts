/**
 * What an export has under way comes back paused. Since the export was made it may have ended, been rolled back or been
 * given up, and what it saw then says nothing of today: a person looks before anybody moves on. A rollback goes on by
 * itself, because it protects. Called within the transaction of the swap, when everything else is in its place.
 */
import type { EpochMs } from "../../contracts/units.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { command } from "../../core/rollout/command.ts";
import { commandReplacement } from "../../core/rollout/replacement-command.ts";
import type { Db } from "../db.ts";
import { takeReplacement } from "../replacements/drive.ts";
import { takeAdvanced } from "../rollouts/drive.ts";
import { loadFacts } from "../rollouts/facts.ts";
import { readCounter } from "../store/meta.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";

const WHY =
  "a restore brought it back, with accounts where the export has them; look at what happened to it since, then resume it, stop it or roll it back";

/** Pauses rollouts and replacements that could move somebody; each says so in the audit, in its own name. */
export function pauseUnderWay(db: Db, { by, nowMs }: { readonly by: string; readonly nowMs: EpochMs }): void {
  const drive = { db, seq: readCounter(db, "seq"), nowMs, memo: createCalendarMemo() };
  const facts = loadFacts(db);
  for (const record of loadActiveRollouts(db)) {
    if (record.state.rollback !== null) continue;
    const paused = command(record.state, { kind: "pause", reason: WHY }, { nowMs, by, facts, frozen: [] });
    if (paused.ok) takeAdvanced(drive, record, paused.value);
  }
  for (const record of loadActiveReplacements(db)) {
    if (record.state.rollback !== null) continue;
    const pause = { kind: "pause", reason: WHY, confirmed: false } as const;
    const paused = commandReplacement(record.state, pause, { nowMs, facts });
    if (paused.ok) takeReplacement(drive, record, paused.value);
  }
}
