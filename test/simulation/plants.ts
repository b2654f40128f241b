/**
 * Bugs to hold the checker against, each as a part that is worse than the real one in one thing, put in at a seam.
 */
import type { MapsReader, MapsSnapshot } from "../../src/adapters/maps-reader/types.ts";
import type { Control } from "../../src/control/control.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import type { Db } from "../../src/control/db.ts";
import { writeCounter } from "../../src/control/store/meta.ts";
import type { BeginningName } from "./beginnings.ts";
import { SOUND, type Seams } from "./seams.ts";
import type { Invariant } from "./tale.ts";

export interface Plant {
  readonly name: string;
  readonly seams: Seams;
  /** The promise that it breaks; of two, the first one that shows. */
  readonly breaks: readonly Invariant[];
  /** Where it can show. */
  readonly beginning: BeginningName;
}

const MINUTE = 60_000;

/** Every few requests it forgets what it holds, and takes whatever root KV has for it. */
function forgetful(create: () => MapsReader): MapsReader {
  let reader = create();
  let asked = 0;
  return {
    current: (request) => {
      asked += 1;
      if (asked % 4 === 0) reader = create();
      return reader.current(request);
    },
    renew: (request) => reader.renew(request),
    row: (snapshot, key, request) => reader.row(snapshot, key, request),
    generation: () => reader.generation(),
    isWaking: (nowMs) => reader.isWaking(nowMs),
    ageMs: (nowMs) => reader.ageMs(nowMs),
  };
}

/** Goes on looking accounts up in the first index it had. */
function mixing(create: () => MapsReader): MapsReader {
  const reader = create();
  let first: MapsSnapshot | null = null;
  return {
    ...reader,
    row: (snapshot, key, request) => {
      if (first === null && snapshot.root !== null) first = snapshot;
      return reader.row(first ?? snapshot, key, request);
    },
  };
}

/** Loses every other outbox row of the root. */
function losing(db: Db): Db {
  let rows = 0;
  return {
    ...db,
    run: (sql, ...params) => {
      if (sql.startsWith("INSERT INTO outbox") && params.includes("root")) {
        rows += 1;
        if (rows % 2 === 1) return;
      }
      db.run(sql, ...params);
    },
  };
}

/** Takes every tick twice, and remembers neither that it came nor how far its pace has got. */
function doubling(control: Control, db: Db): Control {
  return {
    ...control,
    tick: async (scheduledMs) => {
      const report = await control.tick(scheduledMs);
      if (!report.advanced) return report;
      writeCounter(db, "clock", scheduledMs - 1);
      db.run(
        `UPDATE rollouts SET state = json_set(state, '$.groups.pacedMs', (
           SELECT json_group_array(CASE WHEN value IS NULL THEN NULL ELSE value - ? END)
           FROM json_each(state, '$.groups.pacedMs'))) WHERE active = 1`,
        MINUTE,
      );
      return control.tick(scheduledMs);
    },
  };
}

/** Overlooks two accounts when homes are written down at the end of a rollout. */
function overlooking(db: Db): Db {
  return {
    ...db,
    rows: (sql, ...params) => {
      const rows = db.rows(sql, ...params);
      return sql.includes("FROM accounts WHERE slug > ? ORDER BY slug LIMIT ?")
        ? rows.filter(({ slug }) => slug !== "account-4" && slug !== "account-5")
        : rows;
    },
  };
}

export const PLANTS: readonly Plant[] = [
  {
    name: "an older root that a reader takes",
    seams: { ...SOUND, reader: forgetful },
    breaks: ["generation"],
    beginning: "moving",
  },
  {
    name: "rows of another index than the root's",
    seams: { ...SOUND, reader: mixing },
    breaks: ["one-publish", "legal-version"],
    beginning: "ending",
  },
  {
    name: "a lost row of the outbox",
    seams: { ...SOUND, db: losing },
    breaks: ["outbox"],
    beginning: "quiet",
  },
  {
    name: "two advances for one tick",
    seams: { ...SOUND, control: doubling },
    breaks: ["pace"],
    beginning: "moving",
  },
  {
    name: "the end of a rollout that moves somebody",
    seams: { ...SOUND, db: overlooking },
    breaks: ["completion"],
    beginning: "ending",
  },
  {
    name: "publishes that are not let settle",
    seams: { ...SOUND, settling: () => ({ ...settlingFor(0), freshMs: MINUTE }) },
    breaks: ["never-mixed"],
    beginning: "mixed-never",
  },
];
