/** Rows of `alarms`, typed, and the last pulse of the edges. Reads and writes rows; decides nothing. */
import { ALARM_LEVELS, ALARM_NAMES, type Alarm, type EdgePulse } from "../../contracts/alarms.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readInt, readIntOrNull, readText } from "../row.ts";
import { readMeta, writeMeta } from "./meta.ts";

/** What held at the last look. A row of a release that knew another alarm is passed over. */
export function loadAlarms(db: Db): readonly Alarm[] {
  return db.rows("SELECT * FROM alarms ORDER BY position").flatMap((row) => {
    const name = ALARM_NAMES.find((one) => one === readText(row, "name"));
    const level = ALARM_LEVELS.find((one) => one === readText(row, "level"));
    if (name === undefined || level === undefined) return [];
    return [
      {
        name,
        subject: readText(row, "subject"),
        level,
        words: readText(row, "words"),
        firstCommand: readText(row, "first_command"),
        sinceMs: readInt(row, "since"),
        raisedMs: readIntOrNull(row, "raised_at"),
      },
    ];
  });
}

/** Replaces what held by what holds. */
export function saveAlarms(db: Db, alarms: readonly Alarm[]): void {
  db.run("DELETE FROM alarms");
  for (const [position, alarm] of alarms.entries()) {
    db.run(
      "INSERT OR REPLACE INTO alarms (name, subject, level, words, first_command, since, raised_at, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      alarm.name,
      alarm.subject,
      alarm.level,
      alarm.words,
      alarm.firstCommand,
      alarm.sinceMs,
      alarm.raisedMs,
      position,
    );
  }
}

/** Keeps what the meters said; null: they could not be asked, or there are none. */
export function savePulse(db: Db, pulse: EdgePulse | null, wallMs: EpochMs): void {
  writeMeta(db, "pulse", pulse === null ? null : JSON.stringify({ wallMs, pulse }));
}

/** What the meters said at `sinceMs` or later. */
export function loadPulse(db: Db, sinceMs: EpochMs): EdgePulse | null {
  const text = readMeta(db, "pulse");
  if (text === null) return null;
  // Written by the function above.
  const kept = JSON.parse(text) as { readonly wallMs: EpochMs; readonly pulse: EdgePulse };
  return kept.wallMs < sinceMs ? null : kept.pulse;
}
