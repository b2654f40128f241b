/**
 * Where a part of the simulated system can be swapped for a worse one, so that the checker can be held against bugs that
 * are planted. Histories run on `SOUND`, where every seam gives back what it was given.
 */
import type { MapsReader } from "../../src/adapters/maps-reader/types.ts";
import type { Control } from "../../src/control/control.ts";
import type { Db } from "../../src/control/db.ts";
import type { Settling } from "../../src/contracts/settling.ts";

export interface Seams {
  /** The database as the control plane sees it. */
  db(db: Db): Db;
  /** The control plane as cron, alarms and operators see it. */
  control(control: Control, db: Db): Control;
  /** The maps reader as an isolate's edge sees it; may make others. */
  reader(create: () => MapsReader): MapsReader;
  /** The times that the control plane goes by. */
  settling(settling: Settling): Settling;
}

export const SOUND: Seams = {
  db: (db) => db,
  control: (control) => control,
  reader: (create) => create(),
  settling: (settling) => settling,
};
