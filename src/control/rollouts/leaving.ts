/**
 * Why an ended rollout leaves an account behind, and in words what else there is to say: until when its window is closed,
 * what it stays on. What was said at the start is kept; here is what came of the others. Reads calendar and placements;
 * writes nothing. Called for the passage at a rollout's end, account by account.
 */
import type { FrozenGroup, LeftBehindReason } from "../../contracts/rollout.ts";
import type { AccountSlug, EpochMs } from "../../contracts/units.ts";
import { createCalendarMemo } from "../../core/calendar/memo.ts";
import { showInstant } from "../../core/calendar/preview.ts";
import { own } from "../../core/record.ts";
import { targetOf } from "../../core/rollout/groups.ts";
import { opennessOf } from "../../core/rollout/openness.ts";
import { toInstant } from "../clock.ts";
import type { Db } from "../db.ts";
import { readText } from "../row.ts";
import type { AccountRecord } from "../store/accounts.ts";
import { loadFreezes } from "../store/freezes.ts";
import type { HomeBook } from "../store/home-sets.ts";
import type { Placements } from "../store/placements.ts";
import type { LeftAccount } from "../store/left-behind.ts";
import type { RolloutRecord } from "../store/rollouts.ts";
import { loadWindowFacts } from "./facts.ts";

interface Known {
  readonly frozen: readonly FrozenGroup[];
  readonly placements: Placements;
  readonly homes: HomeBook;
}

/** Where an account stands in the rollout: its group's index (-1: none) and its bucket. */
export interface Standing {
  readonly index: number;
  readonly bucket: number;
}

/** Makes the question for one ended rollout. Its answer is null for whom it has moved, and for whom it never was about. */
export function createLeaving(
  db: Db,
  record: RolloutRecord,
  known: Known,
): (account: AccountRecord, standing: Standing) => LeftAccount | null {
  const { state } = record;
  const startedMs = state.startedMs ?? Infinity;
  const endedMs = record.endedAt ?? state.clockMs;
  const why = notReachedDetail(db, record, known.frozen);
  return (account, { index, bucket }) => {
    const { slug, deletedAt, createdAt } = account;
    const says = (reason: LeftBehindReason, detail: string | null = null): LeftAccount => ({
      account: slug,
      reason,
      detail,
    });
    if (createdAt > endedMs || (deletedAt !== null && deletedAt < startedMs)) return null;
    const gone = deletedAt !== null && deletedAt <= endedMs;
    if (index < 0) {
      if (gone) return null;
      if (createdAt >= startedMs) return says("created-later");
      const out = takenOut(record, known, { account, says });
      return out !== null && cameBack(db, slug, startedMs)
        ? says("created-later", "it was deleted at the start, and undeleted since")
        : out;
    }
    if (bucket < (state.groups.moved[index] ?? 0))
      return gone ? null : heldElsewhere(record, known, { slug, says });
    if (bucket < (state.groups.peak[index] ?? 0)) {
      const held = heldWhere(known, slug, (product, version) => own(state.plan.targets, product) === version);
      if (held !== null) return says(held.reason, held.detail);
      const atMs = state.groups.barredMs[index] ?? null;
      return says("rolled-back", atMs === null ? null : `at ${toInstant(atMs)}`);
    }
    if (gone) return says("deleted", `at ${toInstant(deletedAt)}`);
    return (state.groups.fromWave[index] ?? 0) > 0 ? says("late") : says("not-reached", why(index, bucket));
  };
}

/** A tombstone when the rollout started: the first that was done to it since is that it was brought back. */
function cameBack(db: Db, slug: AccountSlug, startedMs: EpochMs): boolean {
  const first = db.rows(
    `SELECT action FROM audit WHERE target = ? AND at > ? AND action IN ('account.delete', 'account.undelete')
     ORDER BY seq LIMIT 1`,
    `account/${slug}`,
    startedMs,
  )[0];
  return first !== undefined && readText(first, "action") === "account.undelete";
}

type Says = (reason: LeftBehindReason, detail?: string | null) => LeftAccount;

/** Moved as far as the rollout is concerned; but a pin or a quarantine has kept it on another version. */
function heldElsewhere(
  { state }: RolloutRecord,
  known: Known,
  { slug, says }: { readonly slug: string; readonly says: Says },
): LeftAccount | null {
  const held = heldWhere(
    known,
    slug,
    (product, version) => (own(state.plan.targets, product) ?? version) !== version,
  );
  return held === null ? null : says(held.reason, held.detail);
}

/** The quarantine or pin of an account that is about such a version, and in words where it stays. */
function heldWhere(
  { placements }: Known,
  slug: string,
  isMeant: (product: string, version: string) => boolean,
): { readonly reason: LeftBehindReason; readonly detail: string } | null {
  for (const [reason, held] of [
    ["quarantined", placements.quarantines],
    ["pinned", placements.pins],
  ] as const) {
    const found = held.get(slug)?.find(({ product, version }) => isMeant(product, version));
    if (found !== undefined) return { reason, detail: `${found.product} stays on ${found.version}` };
  }
  return null;
}

/** Taken out of its group on the way. One that was out from the start is listed already, and that stays. */
function takenOut(
  { state }: RolloutRecord,
  { homes }: Known,
  { account: { homesId }, says }: { readonly account: AccountRecord; readonly says: Says },
): LeftAccount | null {
  const now = homes.homesOf(homesId);
  const there = Object.entries(state.plan.targets).every(
    ([product, target]) => (own(now, product) ?? target) === target,
  );
  return there ? null : says("incompatible");
}

/** Why a group's accounts were not reached: the plan does not take them, or their window is closed until then. */
function notReachedDetail(
  db: Db,
  { state, endedAt }: RolloutRecord,
  frozen: readonly FrozenGroup[],
): (index: number, bucket: number) => string | null {
  const products = Object.keys(state.plan.targets);
  const calendar = {
    windows: loadWindowFacts(db),
    freezes: loadFreezes(db),
    products,
    labelKeys: state.labelKeys,
    memo: createCalendarMemo(),
  };
  const atMs = endedAt ?? state.clockMs;
  const known = new Map<string, string | null>();
  return (index, bucket) => {
    const group = frozen[index];
    if (group === undefined) return null;
    const wave = state.plan.waves.findIndex((_, at) => bucket < targetOf(state, index, { group, wave: at }));
    const plan = state.plan.waves[wave];
    if (plan === undefined) return "no wave of the plan takes it";
    const key = `${index} ${wave}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const answer = opennessOf(calendar, plan.window)(group, atMs);
    const nextMs = answer.allowed ? null : answer.nextAtMs;
    const next = nextMs === null ? null : showInstant(nextMs, group.zone, calendar.memo);
    const closed = next === null ? "has no window within 400 days" : opensAt(next);
    const detail = answer.allowed ? null : closed;
    known.set(key, detail);
    return detail;
  };
}

function opensAt({ local, utc }: { readonly local: string; readonly utc: string }): string {
  return `its next window opens at ${local} (${utc})`;
}
