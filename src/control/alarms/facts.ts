/**
 * What alarms are decided from, read from the tables: small reads, most of them over what is running. Called once a tick
 * and whenever somebody asks. Reads only.
 */
import type { AlarmFacts, AlarmNotice, AlarmRollout } from "../../contracts/alarms.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { MINUTE_MS, PIN_OLD_MS, ROLLBACK_TOLD_MS } from "../../core/alarms/table.ts";
import { commandTime, toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { viewReceivers } from "../handover/event-views.ts";
import { inForce } from "../history/break-glass.ts";
import type { PublisherPorts } from "../publisher/ports.ts";
import { parseObject, readInt, readIntOrNull, readText, readTextOrNull } from "../row.ts";
import { loadAccounts } from "../store/accounts.ts";
import { loadPulse } from "../store/alarms.ts";
import { loadStuck } from "../store/data-moves.ts";
import { readHalt } from "../store/halt.ts";
import { countHomes } from "../store/home-sets.ts";
import { readCounter, readMeta } from "../store/meta.ts";
import { loadProducts } from "../store/products.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts, loadRollout, type RolloutRecord } from "../store/rollouts.ts";
import { loadPublished } from "../store/roots.ts";
import { countDeadLetters } from "../webhooks/dead.ts";
import { loadVersion, loadVersions } from "../store/versions.ts";

/** A pulse is of the last tick; an older one says nothing about now. */
const PULSE_KNOWN_MS = 3 * MINUTE_MS;
/** Names that an alarm spells out. */
const NAMED = 5;
/** Entries of a rollout's audit that are looked through. */
const TRAIL = 60;

export function loadAlarmFacts({ db, clock, config }: PublisherPorts): AlarmFacts {
  const wallMs = clock.nowMs();
  const nowMs = commandTime(db, clock);
  const cron = readCounter(db, "cron_received");
  const published = loadPublished(db);
  const halt = readHalt(db);
  const active = loadActiveRollouts(db);
  return {
    nowMs,
    wallMs,
    cronMs: cron === 0 ? null : cron,
    outbox: { oldestMs: oldestChange(db), blocked: readMeta(db, "blocked") },
    published: { generation: published?.generation ?? 0, atMs: published?.at ?? null },
    pulse: loadPulse(db, wallMs - PULSE_KNOWN_MS),
    halt: halt.on ? { by: halt.by ?? "somebody", reason: halt.reason ?? "no reason given" } : null,
    breakGlass: breakGlassAt(db, wallMs),
    rollouts: [...active.map((record) => running(record)), ...wentBack(db, nowMs)],
    notices: [...active.flatMap((record) => noticeOf(db, record)), ...noticesOfReplacements(db, nowMs)],
    stuck: stuckUndos(db),
    holds: overdueHolds(db, nowMs),
    oldPins: oldPins(db, nowMs),
    badInUse: badInUse(db),
    fallbacks: staleFallbacks(db, config.fallbackOrigins ?? {}),
    dead: [
      ...viewReceivers(db)
        .filter(({ dead, product, version }) => dead > 0 && isTold(db, product, version))
        .map(({ product, version, dead }) => ({
          receiver: `${product} ${version}`,
          count: dead,
          command: `firebreak events retry ${product} ${version} --reason …`,
        })),
      ...countDeadLetters(db).map(({ name, count }) => ({
        receiver: `webhook ${name}`,
        count,
        command: `firebreak webhook retry ${name} --reason …`,
      })),
    ],
  };
}

function oldestChange(db: Db): EpochMs | null {
  const row = db.rows("SELECT min(at) AS at FROM outbox WHERE done_generation IS NULL")[0];
  return readIntOrNull(row ?? { at: null }, "at");
}

function breakGlassAt(db: Db, wallMs: EpochMs): AlarmFacts["breakGlass"] {
  const document = inForce(db, wallMs);
  if (document === null) return null;
  const { reason, expires, holdGeneration } = document;
  return { reason, expiresMs: expires, pins: holdGeneration !== null };
}

function running({ id, state }: RolloutRecord): AlarmRollout {
  const { phase, cause, reason, sinceMs, deadlineMs, rollback } = state;
  return {
    id,
    phase,
    reason,
    sinceMs,
    deadlineMs,
    wantsApproval: cause === "approval",
    automaticRollback: rollback?.automatic === true ? `goes back by itself: ${rollback.reason}` : null,
  };
}

/** Rollouts that ended lately because they went back by themselves. */
function wentBack(db: Db, nowMs: EpochMs): readonly AlarmRollout[] {
  return db.rows("SELECT id FROM rollouts WHERE ended_at >= ?", nowMs - ROLLBACK_TOLD_MS).flatMap((row) => {
    const record = loadRollout(db, readText(row, "id"));
    if (record?.state.phase !== "rolled-back" || !wentBackItself(db, record.id)) return [];
    const { reason } = record.state;
    return [{ ...running(record), deadlineMs: null, automaticRollback: `went back by itself: ${reason}` }];
  });
}

interface Entry {
  readonly action: string;
  readonly at: EpochMs;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Newest first. */
function trailOf(db: Db, id: string): readonly Entry[] {
  return db
    .rows(
      "SELECT action, at, reason, detail FROM audit WHERE target = ? ORDER BY seq DESC LIMIT ?",
      `rollout/${id}`,
      TRAIL,
    )
    .map((row) => ({
      action: readText(row, "action"),
      at: readInt(row, "at"),
      reason: readTextOrNull(row, "reason"),
      detail: parseObject(readText(row, "detail")),
    }));
}

/** Whoever asks for a rollback is told of before its phase is; without that, nobody asked. */
function wentBackItself(db: Db, id: string): boolean {
  const trail = trailOf(db, id);
  const began = trail.findIndex(
    ({ action, detail }) => action === "rollout.phase" && detail["phase"] === "rolling-back",
  );
  if (began < 0) return false;
  const before = trail.slice(began + 1);
  const asked = before.find(({ action }) => action === "rollout.phase" || action === "rollout.rollback");
  return asked?.action !== "rollout.rollback";
}

/** What it told people since it came into its phase (several may begin at one instant): the last page, else the last ticket. */
function noticeOf(db: Db, { id, state: { sinceMs } }: RolloutRecord): readonly AlarmNotice[] {
  const trail = trailOf(db, id);
  // What is said on the way into a phase stands before it, and behind the phase before that.
  const [, before = trail.length] = trail.flatMap(({ action }, at) =>
    action === "rollout.phase" ? [at] : [],
  );
  const told = trail
    .slice(0, before)
    .filter(({ action, at }) => action === "rollout.notice" && at >= sinceMs);
  for (const level of ["page", "ticket"] as const) {
    const words = told.find(({ detail }) => detail["level"] === level)?.reason;
    if (words != null) return [{ source: `rollout/${id}`, level, words }];
  }
  return [];
}

/** Those that stopped themselves, and those that have waited for a preflight for too long. */
function noticesOfReplacements(db: Db, nowMs: EpochMs): readonly AlarmNotice[] {
  return loadActiveReplacements(db).flatMap(({ state }): readonly AlarmNotice[] => {
    const { plan, phase, reason, deadlineMs = null, pausedBy } = state;
    const name = `${plan.product} ${plan.from} → ${plan.to}`;
    const source = `replacement/${plan.product}/${plan.from}`;
    // Who paused it knows; what stopped by itself, nobody may know.
    if (phase === "paused")
      return pausedBy === "person" ? [] : [{ source, level: "page", words: `${name} is paused: ${reason}` }];
    if (deadlineMs === null || nowMs <= deadlineMs) return [];
    const since = `was to go on by ${toInstant(deadlineMs)}`;
    return [{ source, level: "ticket", words: `${name} ${since}: ${reason}` }];
  });
}

/** What was given up for a version that is told nothing any more, nobody misses. */
function isTold(db: Db, product: ProductName, version: VersionName): boolean {
  const record = loadVersion(db, product, version);
  return record !== null && record.events !== null && record.state !== "retired";
}

/** Whether the rollout has ended or not: its hook is asked until it confirms. */
function stuckUndos(db: Db): AlarmFacts["stuck"] {
  const stuck = loadStuck(db);
  const living = [...loadAccounts(db, [...stuck.keys()]).values()]
    .flatMap(({ slug, deletedAt }) => (deletedAt === null ? [slug] : []))
    .toSorted();
  return [...Map.groupBy(living, (slug) => stuck.get(slug) ?? "")].map(([rollout, accounts]) => ({
    rollout,
    accounts: accounts.slice(0, NAMED),
    count: accounts.length,
  }));
}

/**
 * What is said of deleted accounts waits for nobody: it goes with them, or counts again when they come back. Looked up row
 * by row, for the few that are told of: a tick must not read a million accounts.
 */
const IS_LIVING =
  "NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.slug = account AND deleted_at IS NOT NULL)";

function overdueHolds(db: Db, nowMs: EpochMs): AlarmFacts["holds"] {
  const accounts = db
    .rows(
      `SELECT account FROM holds WHERE unixepoch(hold ->> '$.until') < ? AND ${IS_LIVING} ORDER BY account`,
      Math.floor(nowMs / 1000),
    )
    .map((row) => readText(row, "account"));
  const products = loadProducts(db).flatMap(({ name, hold }) =>
    hold === null || hold.until === null || Date.parse(hold.until) >= nowMs
      ? []
      : [{ product: name, until: hold.until }],
  );
  return { products, accounts: accounts.slice(0, NAMED), count: accounts.length };
}

function oldPins(db: Db, nowMs: EpochMs): AlarmFacts["oldPins"] {
  const before = nowMs - PIN_OLD_MS;
  const old = `FROM pins WHERE expires IS NULL AND made_at < ? AND ${IS_LIVING}`;
  const count = db.rows(`SELECT count(*) AS n ${old}`, before)[0];
  const named = db.rows(`SELECT account ${old} ORDER BY made_at, account LIMIT ?`, before, NAMED);
  return { count: readInt(count ?? {}, "n"), accounts: named.map((row) => readText(row, "account")) };
}

/** From the counters of homes, and from the few accounts that people hold. */
function badInUse(db: Db): AlarmFacts["badInUse"] {
  return loadVersions(db).flatMap(({ product, name: version, bad }) => {
    if (bad === null) return [];
    const homes = countHomes(db, product).get(version)?.accounts ?? 0;
    const held = (["pins", "quarantines"] as const).reduce(
      (sum, table) => sum + countLiving(db, table, { product, version }),
      0,
    );
    return homes + held === 0 ? [] : [{ product, version, homes, held }];
  });
}

function countLiving(
  db: Db,
  table: "pins" | "quarantines",
  { product, version }: { readonly product: ProductName; readonly version: VersionName },
): number {
  const row = db.rows(
    `SELECT count(*) AS n FROM ${table} WHERE product = ? AND version = ? AND ${IS_LIVING}`,
    product,
    version,
  )[0];
  return readInt(row ?? {}, "n");
}

function staleFallbacks(
  db: Db,
  origins: NonNullable<PublisherPorts["config"]["fallbackOrigins"]>,
): AlarmFacts["fallbacks"] {
  return loadProducts(db).flatMap(({ name: product, default: version }) => {
    const fallback = origins[product];
    const origin = version === null ? undefined : loadVersion(db, product, version)?.origin;
    if (fallback === undefined || version === null || origin === undefined || origin === fallback) return [];
    return [{ product, fallback, default: version, origin }];
  });
}
