/**
 * The publisher: brings what changed to KV, one step after the other, each resumable from the database alone. It runs in
 * alarms, never inside a command, and a failing KV only makes it try again later. One run at a time; the collector
 * shares its lock, so that an object is never deleted while it is being written again.
 *
 * Order: a root that is fixed is written; else a root that can go out is fixed; else the batch in flight goes on; else
 * dirty shards are built. So what needs no new object (halt, default, urgent accounts) never waits for a batch.
 */
import { MAX_KV_OPERATIONS } from "../../contracts/limits.ts";
import { ROOT_KEY } from "../../contracts/maps.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { decodeRoot } from "../../core/maps/root-codec.ts";
import { readIntOrNull } from "../row.ts";
import { readCounter, readMeta, writeCounter, writeMeta } from "../store/meta.ts";
import { loadPendingRoot, raiseGeneration, type PendingRoot } from "../store/roots.ts";
import { buildPiece, hasDirtyShards, PIECE_SHARDS, Unpublishable } from "./build.ts";
import {
  commitFlip,
  isFlipDue,
  isReady,
  nextRootWrite,
  OPERATIONS_A_FLIP,
  prepareFlip,
  writeFlip,
} from "./flip.ts";
import { readBatch, writeBatch } from "./phase.ts";
import type { PublisherPorts } from "./ports.ts";
import { OPERATIONS_AN_OBJECT, writeSome } from "./write.ts";

/** While an import streams, a batch would be stale before it is closed: building waits for this much quiet. */
const IMPORT_QUIET_MS = 3000;
/** But a stream that never ends must not keep everybody else's changes from going out. */
const MAX_IMPORT_WAIT_MS = 120_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** A piece closes the batch when it can; each attempt that cannot may build twice as much at once, so that one will. */
const MAX_PIECE_SHARDS = 2048;

export interface Publisher {
  /** Goes as far as it can within one invocation's operations. Never throws. */
  run(): Promise<void>;
  /** When it wants to run next; null: when something changes. */
  nextDueAt(): EpochMs | null;
  /** Runs `body` while no step of the publisher runs. */
  exclusively<T>(body: () => Promise<T>): Promise<T>;
}

/** One step: operations used, or when to come back. */
type Step = { readonly kind: "went"; readonly operations: number } | { readonly kind: "wait" };
const WAIT: Step = { kind: "wait" };

export function createPublisher(ports: PublisherPorts): Publisher {
  const { db, clock } = ports;
  let last: Promise<unknown> = Promise.resolve();
  const exclusively = <T>(body: () => Promise<T>): Promise<T> => {
    const mine = last.then(body);
    last = mine.catch(() => undefined);
    return mine;
  };
  const goOn = async (): Promise<void> => {
    let operations = 0;
    let piece = PIECE_SHARDS;
    for (;;) {
      const step = await takeStep(ports, MAX_KV_OPERATIONS - operations, piece);
      if (step.kind === "wait") return;
      operations += step.operations;
      piece = step.operations === 0 ? Math.min(piece * 2, MAX_PIECE_SHARDS) : PIECE_SHARDS;
      // Lets commands in between two pieces.
      await clock.sleep(0);
    }
  };
  return {
    exclusively,
    run: () =>
      exclusively(async () => {
        try {
          if (readCounter(db, "kv_retry_at") > clock.nowMs() + LAST_RETRY_MS)
            writeCounter(db, "kv_retry_at", 0);
          if (readCounter(db, "kv_retry_at") > clock.nowMs()) return;
          await goOn();
          noteSuccess(ports);
        } catch (error) {
          noteFailure(ports, error);
        }
      }),
    nextDueAt: () => nextDueAt(ports),
  };
}

async function takeStep(ports: PublisherPorts, operations: number, piece: number): Promise<Step> {
  const { db, clock } = ports;
  if (operations < Math.max(OPERATIONS_A_FLIP, OPERATIONS_AN_OBJECT)) return WAIT;
  if (!(await readHeldRoot(ports))) return WAIT;
  boundWaits(ports);
  let blocked: Unpublishable | null = null;
  if (nextRootWrite(db, clock.nowMs()) <= clock.nowMs()) {
    const pending = loadPendingRoot(db) ?? fixRoot(ports, (error) => (blocked = error));
    if (pending !== null) {
      await writeFlip(ports, pending);
      commitFlip(db, pending, clock.nowMs());
      return { kind: "went", operations: OPERATIONS_A_FLIP };
    }
  }
  const batch = readBatch(db);
  if (batch !== null && batch.readyAt === null)
    return { kind: "went", operations: await writeSome(ports, batch, operations) };
  if (batch === null && hasDirtyShards(db) && buildDueAt(ports) <= clock.nowMs()) {
    buildPiece(db, piece);
    return { kind: "went", operations: 0 };
  }
  if (blocked !== null) throw blocked;
  return WAIT;
}

/**
 * The next root, when one is due. One that cannot go out now (urgent accounts made it too large) may be put right by the
 * shards that are on their way, so it must not keep those from going on; what is ready and refused is final.
 */
function fixRoot(
  { db, clock }: PublisherPorts,
  onBlocked: (error: Unpublishable) => void,
): PendingRoot | null {
  const now = clock.nowMs();
  if (!isFlipDue(db, now)) return null;
  try {
    return prepareFlip(db, now);
  } catch (error) {
    if (!(error instanceof Unpublishable) || isReady(readBatch(db), now)) throw error;
    onBlocked(error);
    return null;
  }
}

/** A clock that was put back must not stretch what is waited for beyond what it is from now on: settling, a root's turn. */
function boundWaits({ db, clock, config }: PublisherPorts): void {
  const now = clock.nowMs();
  const batch = readBatch(db);
  const latest = now + config.flipDelayMs;
  if (batch !== null && batch.readyAt !== null && batch.readyAt > latest)
    writeBatch(db, { ...batch, readyAt: latest });
  if (readCounter(db, "last_root_write") > now) writeCounter(db, "last_root_write", now);
}

/**
 * Asks KV once whether somebody's maps are there already. If so, only a restore may follow them: a control plane that
 * lost its memory must not overwrite the maps that still serve everybody.
 * @returns false when nothing may be published.
 */
async function readHeldRoot({ db, store }: PublisherPorts): Promise<boolean> {
  if (readMeta(db, "published_root") !== null || loadPendingRoot(db) !== null) return true;
  if (readCounter(db, "held_root_read") === 1) return true;
  if (!hasDirtyShards(db) && readBatch(db) === null) return false;
  const text = await store.get(ROOT_KEY);
  const decoded = text === null ? null : decodeRoot(text);
  if (decoded === null || !decoded.ok) {
    // Somebody's maps that were seen here before are gone: they are to be replaced. Edges still hold them, so what the
    // new ones lack is meant, as after a restore; else every edge would refuse them for as long as it lives.
    if (readMeta(db, "held_root") !== null) writeMeta(db, "restored", "yes");
    writeCounter(db, "held_root_read", 1);
    return true;
  }
  writeMeta(db, "held_root", text);
  raiseGeneration(db, decoded.value.generation);
  if (readMeta(db, "restored") !== null) {
    writeCounter(db, "held_root_read", 1);
    return true;
  }
  throw new Unpublishable(
    `KV holds maps of generation ${decoded.value.generation} that this control plane did not publish: restore an export of the one that did, or, if they are to be replaced, delete the key "root"`,
  );
}

function buildDueAt({ db, clock }: PublisherPorts): EpochMs {
  const row = db.rows(
    "SELECT max(last_at) AS last, min(started_at) AS started FROM imports WHERE state = 'open' AND dry_run = 0 AND mode = 'import' AND last_line > 0",
  )[0];
  const applying = db.rows("SELECT max(last_at) AS last FROM imports WHERE state = 'applying'")[0];
  const latest = Math.max(readIntOrNull(row ?? {}, "last") ?? 0, readIntOrNull(applying ?? {}, "last") ?? 0);
  // A last line from the future was written before the clock was put back: there is no telling how long ago.
  const quiet = latest > clock.nowMs() ? 0 : latest + IMPORT_QUIET_MS;
  const oldest = db.rows(
    "SELECT min(at) AS at FROM outbox WHERE done_generation IS NULL AND scope <> 'root'",
  )[0];
  const started = readIntOrNull(oldest ?? {}, "at") ?? 0;
  const now = clock.nowMs();
  return quiet <= now || now - started > MAX_IMPORT_WAIT_MS ? now : Math.min(quiet, now + IMPORT_QUIET_MS);
}

function nextDueAt(ports: PublisherPorts): EpochMs | null {
  const { db, clock } = ports;
  const now = clock.nowMs();
  const retryAt = readCounter(db, "kv_retry_at");
  const due = dueWithoutFailures(ports, now);
  return due === null ? null : Math.max(due, retryAt > now + LAST_RETRY_MS ? now : retryAt);
}

function dueWithoutFailures(ports: PublisherPorts, now: EpochMs): EpochMs | null {
  const { db } = ports;
  const batch = readBatch(db);
  const rootAt = Math.max(now, nextRootWrite(db, now));
  if (loadPendingRoot(db) !== null || isFlipDue(db, now)) return rootAt;
  if (batch !== null) return Math.min(batch.readyAt ?? now, now + ports.config.flipDelayMs);
  return hasDirtyShards(db) ? Math.max(now, buildDueAt(ports)) : null;
}

function noteSuccess({ db }: PublisherPorts): void {
  if (readCounter(db, "kv_failures") === 0 && readMeta(db, "blocked") === null) return;
  for (const name of ["kv_failures", "kv_failing_since", "kv_retry_at"] as const) writeCounter(db, name, 0);
  writeMeta(db, "kv_problem", null);
  writeMeta(db, "blocked", null);
}

/** Notes why it did not work, and when to try again: sooner at first, at most a minute apart. */
function noteFailure({ db, clock }: PublisherPorts, error: unknown): void {
  const now = clock.nowMs();
  const failures = readCounter(db, "kv_failures") + 1;
  writeCounter(db, "kv_failures", failures);
  writeCounter(
    db,
    "kv_retry_at",
    now + Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10), LAST_RETRY_MS),
  );
  if (readCounter(db, "kv_failing_since") === 0) writeCounter(db, "kv_failing_since", now);
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Unpublishable) writeMeta(db, "blocked", message);
  else writeMeta(db, "kv_problem", message);
}
