/**
 * From when on every edge knows a change: an honest upper bound, for "your account works from …". Counts what is in
 * flight before it, the writes, the settling, KV's own spread (60 s) and the slowest refresh of a reader (36 s).
 * It does not count KV being down; `status` says that. Reads only.
 */
import { MAX_SHARDS, MIN_ROOT_INTERVAL_MS } from "../../contracts/limits.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { readInt, readIntOrNull } from "../row.ts";
import { readCounter } from "../store/meta.ts";
import { firstWithShards } from "../store/roots.ts";
import { readBatch } from "./phase.ts";

/** KV: changes are visible elsewhere in up to 60 seconds. */
const KV_SPREAD_MS = 60_000;
/** Readers refresh every 30 s ± 20 %. */
const READER_REFRESH_MS = 36_000;
const SPREAD_MS = KV_SPREAD_MS + READER_REFRESH_MS;
/** Two operations an object, five objects at a time, 250 ms each: slow for KV, not unheard of. */
const WRITE_MS_AN_OBJECT = 100;
/** An alarm that starts, a piece that is built, a retry. */
const SLACK_MS = 5000;

export interface VisibilitySource {
  readonly db: Db;
  readonly config: ControlConfig;
  readonly wallMs: EpochMs;
}

export interface Visibility {
  /** Null when every edge knows the account's latest change already. */
  ofAccount(account: { readonly slug: string; readonly seq: number }): EpochMs | null;
  /** The same for any change that goes through shards. */
  ofChange(seq: number): EpochMs | null;
}

/** Reads the publisher's state once, for a page of accounts. */
export function createVisibility({ db, config, wallMs }: VisibilitySource): Visibility {
  const known = readInt(
    db.rows(
      "SELECT coalesce(max(shard_seq), -1) AS seq FROM roots WHERE state = 'published' AND at <= ?",
      wallMs - SPREAD_MS,
    )[0] ?? {},
    "seq",
  );
  const ofChange = (seq: number): EpochMs | null => {
    if (seq <= known) return null;
    const root = firstWithShards(db, seq);
    // `finishUnchanged` raises the change number of an older root, so its time may be long past.
    if (root !== null) return root.at + SPREAD_MS <= wallMs ? null : root.at + SPREAD_MS;
    return publishBound({ db, config, wallMs }, seq) + SPREAD_MS;
  };
  return {
    ofChange,
    ofAccount: ({ slug, seq }) => {
      if (seq <= known) return null;
      const urgent = urgentBound(db, { slug, seq }, wallMs);
      return urgent === undefined ? ofChange(seq) : urgent;
    },
  };
}

/** Urgent accounts go out with a root. Undefined: it waits for its shard like everybody. */
function urgentBound(
  db: Db,
  { slug, seq }: { slug: string; seq: number },
  wallMs: EpochMs,
): EpochMs | null | undefined {
  const row = db.rows("SELECT seq, published_seq FROM urgent WHERE account = ?", slug)[0];
  if (row === undefined || readInt(row, "seq") < seq) return undefined;
  const shown = readIntOrNull(row, "published_seq");
  if (shown !== null && shown >= seq) {
    const done = db.rows(
      "SELECT max(done_at) AS at FROM outbox WHERE account = ? AND scope = 'urgent'",
      slug,
    )[0];
    const at = (readIntOrNull(done ?? {}, "at") ?? wallMs) + SPREAD_MS;
    return at <= wallMs ? null : at;
  }
  if (seq <= readCounter(db, "urgent_tried")) return undefined;
  return wallMs + MIN_ROOT_INTERVAL_MS + SLACK_MS + SPREAD_MS;
}

/** When the root with the change is written at the latest, if KV works. */
function publishBound({ db, config, wallMs }: VisibilitySource, seq: number): EpochMs {
  const batch = readBatch(db);
  const whole = (objects: number): number =>
    objects * WRITE_MS_AN_OBJECT + SLACK_MS + config.flipDelayMs + MIN_ROOT_INTERVAL_MS;
  if (batch === null) return wallMs + whole(dirtyObjects(db));
  const waiting = readInt(db.rows("SELECT count(*) AS n FROM objects WHERE text IS NOT NULL")[0] ?? {}, "n");
  const inFlight =
    batch.readyAt === null
      ? wallMs + whole(waiting)
      : Math.max(wallMs, batch.readyAt) + SLACK_MS + MIN_ROOT_INTERVAL_MS;
  return seq <= batch.seq ? inFlight : inFlight + whole(dirtyObjects(db));
}

/** Shards that will be written, and the index. */
function dirtyObjects(db: Db): number {
  const shards = Math.max(1, readCounter(db, "shard_count"));
  const row = db.rows(
    "SELECT count(DISTINCT slot / CAST(? AS INTEGER)) AS n FROM dirty_slots",
    MAX_SHARDS / shards,
  )[0];
  return readInt(row ?? {}, "n") + 1;
}
