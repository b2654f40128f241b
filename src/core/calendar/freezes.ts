/**
 * Which freezes hold for a subject, and until when. Any freeze forbids; freezes that touch are one.
 * Where something is not known it freezes: labels that are not known match every scope of labels, and a freeze that
 * cannot be read holds until somebody mends it. A `from` that the clock skips is the first instant after the gap, a
 * `to` shown twice is the second. Freezes bind forward moves only; whoever moves back does not ask.
 */
import {
  ACCOUNT_ZONE,
  type Freeze,
  freezeLocalSpan,
  freezeProblems,
  type FreezeScope,
} from "../../contracts/calendar.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import {
  type CalendarMemo,
  createCalendarMemo,
  type FreezeSpan,
  rememberByList,
  rememberByZone,
} from "./memo.ts";
import { resolveLocal, zoneLine } from "./zone-line.ts";

/** What is to be moved: an account, a group of accounts, or a default (no cell, no labels, no account zone). */
export interface FreezeSubject {
  /** Products that move together. */
  readonly products: readonly ProductName[];
  /** Null: not known or not all alike; every freeze with a scope of labels then holds. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly cell: string | null;
  /** Zone that `account` stands for; null where there is no account: a freeze in the account's zone cannot be read then. */
  readonly zone: string | null;
}

export interface Frozen {
  /** First instant at which no freeze holds; null when one of them cannot be read. */
  readonly untilMs: EpochMs | null;
  /** Of the freeze that holds now and, of several, ends last. */
  readonly name: string;
  readonly reason: string;
}

/** Whether a scope covers a subject: every field that is given must match. An empty list counts as not given. */
export function scopeCovers({ products, labels, cells }: FreezeScope, subject: FreezeSubject): boolean {
  if (products !== undefined && products.length > 0) {
    if (!subject.products.some((product) => products.includes(product))) return false;
  }
  if (cells !== undefined && cells.length > 0) {
    if (subject.cell === null || !cells.includes(subject.cell)) return false;
  }
  const { labels: carried } = subject;
  if (labels === undefined || carried === null) return true;
  return Object.entries(labels).every(
    ([name, value]) => Object.hasOwn(carried, name) && carried[name] === value,
  );
}

/** A freeze as instants; `zone` is what `account` stands for. */
export function freezeSpan(memo: CalendarMemo, freeze: Freeze, zone: string | null): FreezeSpan {
  const local = freezeLocalSpan(freeze);
  const named = freeze.zone === ACCOUNT_ZONE ? zone : freeze.zone;
  const line = named === null ? null : zoneLine(memo, named);
  if (local === null || line === null || freezeProblems(freeze).length > 0) {
    return { freeze, startMs: null, endMs: null };
  }
  return {
    freeze,
    startMs: resolveLocal(line, local.fromLocalMs).firstMs,
    endMs: resolveLocal(line, local.toLocalMs).lastMs,
  };
}

/** All freezes as instants in one zone, by start; those that cannot be read come first. */
function spansIn(memo: CalendarMemo, freezes: readonly Freeze[], zone: string | null): readonly FreezeSpan[] {
  const byZone = rememberByList(memo.freezeLists, freezes, () => new Map<string, readonly FreezeSpan[]>());
  return rememberByZone(byZone, zone ?? "", () =>
    freezes
      .map((freeze) => freezeSpan(memo, freeze, zone))
      .sort((a, b) => (a.startMs ?? -Infinity) - (b.startMs ?? -Infinity)),
  );
}

/** Who is asked about, against which freezes. */
export interface FreezeQuery {
  readonly freezes: readonly Freeze[];
  readonly subject: FreezeSubject;
  readonly memo?: CalendarMemo | undefined;
}

/** The freeze that holds for the subject at an instant, and when none does any more; null when none holds. */
export function frozenUntil({ freezes, subject, memo }: FreezeQuery, atMs: EpochMs): Frozen | null {
  if (freezes.length === 0) return null;
  let untilMs = atMs;
  let named: FreezeSpan | null = null;
  for (const span of spansIn(memo ?? createCalendarMemo(), freezes, subject.zone)) {
    const { freeze, startMs, endMs } = span;
    if (startMs !== null && startMs > untilMs) break;
    if (endMs !== null && endMs <= untilMs) continue;
    if (!scopeCovers(freeze.scope, subject)) continue;
    if (startMs === null || endMs === null)
      return { untilMs: null, name: freeze.name, reason: freeze.reason };
    // Those that begin later only carry the time on; the name is of one that holds already.
    if (startMs <= atMs) named = span;
    untilMs = endMs;
  }
  return named === null ? null : { untilMs, name: named.freeze.name, reason: named.freeze.reason };
}

/** When the next freeze after `atMs` begins for the subject; null when none is ahead. Not for a frozen instant. */
export function nextFreezeStart({ freezes, subject, memo }: FreezeQuery, atMs: EpochMs): EpochMs | null {
  if (freezes.length === 0) return null;
  const spans = spansIn(memo ?? createCalendarMemo(), freezes, subject.zone);
  const next = spans.find(
    ({ freeze, startMs, endMs }) =>
      startMs !== null && startMs > atMs && endMs !== startMs && scopeCovers(freeze.scope, subject),
  );
  return next?.startMs ?? null;
}
