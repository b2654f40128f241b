/**
 * Counts an isolate's requests by product, version, class, generation and account until the next flush takes them, split
 * by the meter that each account's counts go to. On the path of every request: a few look-ups and additions, nothing that
 * can throw or wait. Bounded: beyond a number of accounts only those of a sample are kept by themselves, chosen by their
 * hash and so the same on all isolates; sums stay exact. Owned by telemetry.ts. Posture: open, and what is not counted is
 * counted as not counted. Design §5.2.
 */
import {
  FIRST_ERROR_STATUS,
  LATENCY_BUCKETS,
  type ObservedClass,
  type SeriesReport,
} from "../contracts/observation.ts";
import type { AccountSlug, Generation, ProductName, VersionName } from "../contracts/units.ts";
import { latencyBucket } from "../core/observation/latency.ts";
import { accountHash, isSampled, MAX_LEVEL } from "../core/observation/account-hash.ts";

/** Accounts kept by themselves between two flushes, all series together: about 400 KB in memory and on the wire. */
export const MAX_ACCOUNTS = 4096;
/** Products × versions × classes × generations between two flushes. */
export const MAX_SERIES = 256;

/** One request that was for a version, when its end is known. */
export interface ObservedRequest {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly class: ObservedClass;
  /** Class `known` alone has one. */
  readonly account: AccountSlug | null;
  readonly generation: Generation;
  readonly end: "answered" | "failed" | "gone";
  /** Of the answer; 0 without one. */
  readonly status: number;
  readonly latencyMs: number;
}

/** What goes to one meter. */
export interface MeterPart {
  readonly meter: number;
  readonly series: readonly SeriesReport[];
  /** `requests` and `gone` in it. */
  readonly requests: number;
}

export interface TakenCounts {
  readonly parts: readonly MeterPart[];
  /** Requests that there was no room to count. */
  readonly uncounted: number;
}

export interface RequestCounts {
  add(request: ObservedRequest): void;
  /** Everything since the last call. */
  take(): TakenCounts;
}

interface AccountCount {
  readonly hash: number;
  requests: number;
  failed: number;
}

/** What of one series goes to one meter. */
interface Share {
  requests: number;
  errors: number;
  failures: number;
  gone: number;
  readonly latency: Uint32Array;
}

interface Series {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly class: ObservedClass;
  readonly generation: Generation;
  readonly shares: (Share | undefined)[];
  readonly accounts: Map<AccountSlug, AccountCount>;
}

export interface RequestCountsOptions {
  /** Number of meters that accounts are spread over. */
  readonly meters: number;
  /** Meter of what has no account. */
  readonly home: number;
  readonly maxAccounts?: number;
}

/** For a deployment without meters, where nobody would ever ask. */
export const NO_COUNTS: RequestCounts = {
  add: () => undefined,
  take: () => ({ parts: [], uncounted: 0 }),
};

/** What is counted between two flushes. */
interface Window {
  readonly byVersion: Map<VersionName, Series[]>;
  series: number;
  accounts: number;
  uncounted: number;
}

/** What stays over a flush. */
interface Counting {
  readonly meters: number;
  readonly home: number;
  readonly maxAccounts: number;
  /** Of the sample; 0 keeps everybody. */
  level: number;
  window: Window;
}

/** Creates the counts of one isolate. */
export function createRequestCounts(options: RequestCountsOptions): RequestCounts {
  const counting: Counting = { maxAccounts: MAX_ACCOUNTS, ...options, level: 0, window: openWindow() };
  return {
    add(request) {
      const found = findSeries(counting.window, request);
      if (found === null) counting.window.uncounted++;
      else count(counting, found, request);
    },
    take() {
      const { window, meters, maxAccounts } = counting;
      // The sample grows again when there is room, so that one busy minute does not blind a quiet day.
      if (counting.level > 0 && window.accounts < maxAccounts / 4) counting.level--;
      counting.window = openWindow();
      return { parts: partsOf([...window.byVersion.values()].flat(), meters), uncounted: window.uncounted };
    },
  };
}

function openWindow(): Window {
  return { byVersion: new Map(), series: 0, accounts: 0, uncounted: 0 };
}

/** @returns null when there are too many. A version has few series, so they are looked through. */
function findSeries(window: Window, request: ObservedRequest): Series | null {
  const { product, version, generation } = request;
  let list = window.byVersion.get(version);
  if (list !== undefined) {
    for (const one of list) {
      if (one.generation === generation && one.class === request.class && one.product === product) return one;
    }
  }
  if (window.series >= MAX_SERIES) return null;
  window.series++;
  if (list === undefined) window.byVersion.set(version, (list = []));
  const accounts = new Map<AccountSlug, AccountCount>();
  const made = { product, version, class: request.class, generation, shares: [], accounts };
  list.push(made);
  return made;
}

function count(counting: Counting, series: Series, request: ObservedRequest): void {
  const { end, account } = request;
  const isError = end === "answered" && request.status >= FIRST_ERROR_STATUS;
  const meter =
    account === null
      ? counting.home
      : // A client that left says nothing about the version, and is no request of the account.
        end === "gone"
        ? accountHash(account) % counting.meters
        : countAccount(counting, series, { account, isFailed: isError || end === "failed" });
  const share = (series.shares[meter] ??= emptyShare());
  if (end === "gone") {
    share.gone++;
    return;
  }
  share.requests++;
  if (end === "failed") {
    share.failures++;
    return;
  }
  if (isError) share.errors++;
  const bucket = latencyBucket(request.latencyMs);
  share.latency[bucket] = (share.latency[bucket] ?? 0) + 1;
}

/** @returns the meter that the account's request counts for. */
function countAccount(
  counting: Counting,
  series: Series,
  { account, isFailed }: { account: AccountSlug; isFailed: boolean },
): number {
  const { window, meters, maxAccounts } = counting;
  let known = series.accounts.get(account);
  if (known === undefined) {
    const hash = accountHash(account);
    if (!isSampled(hash, counting.level)) return hash % meters;
    known = { hash, requests: 0, failed: 0 };
    series.accounts.set(account, known);
    window.accounts++;
    if (window.accounts > maxAccounts) thinOut(counting);
  }
  known.requests++;
  if (isFailed) known.failed++;
  return known.hash % meters;
}

/** Halves the sample until it fits; what was counted of the others stays in the sums. */
function thinOut(counting: Counting): void {
  const { window, maxAccounts } = counting;
  while (window.accounts > maxAccounts && counting.level < MAX_LEVEL) {
    counting.level++;
    for (const list of window.byVersion.values()) {
      for (const series of list) window.accounts -= drop(series, counting.level);
    }
  }
}

function emptyShare(): Share {
  return { requests: 0, errors: 0, failures: 0, gone: 0, latency: new Uint32Array(LATENCY_BUCKETS) };
}

/** @returns how many were dropped. */
function drop({ accounts }: Series, level: number): number {
  const before = accounts.size;
  for (const [account, { hash }] of accounts) if (!isSampled(hash, level)) accounts.delete(account);
  return before - accounts.size;
}

interface OpenPart {
  readonly series: SeriesReport[];
  requests: number;
}

function partsOf(all: readonly Series[], meters: number): readonly MeterPart[] {
  const parts: (OpenPart | undefined)[] = [];
  for (const one of all) {
    const lists = accountsByMeter(one, meters);
    for (const [meter, share] of one.shares.entries()) {
      if (share === undefined) continue;
      const part = (parts[meter] ??= { series: [], requests: 0 });
      part.series.push(toReport(one, share, lists[meter]));
      part.requests += share.requests + share.gone;
    }
  }
  return parts.flatMap((part, meter) => (part === undefined ? [] : [{ meter, ...part }]));
}

interface AccountLists {
  readonly accounts: AccountSlug[];
  readonly counts: number[];
}

function accountsByMeter({ accounts }: Series, meters: number): readonly AccountLists[] {
  const lists: AccountLists[] = Array.from({ length: meters }, () => ({ accounts: [], counts: [] }));
  for (const [account, { hash, requests, failed }] of accounts) {
    const list = lists[hash % meters];
    list?.accounts.push(account);
    list?.counts.push(requests, failed);
  }
  return lists;
}

function toReport(one: Series, share: Share, lists: AccountLists | undefined): SeriesReport {
  const { product, version, generation } = one;
  const { requests, errors, failures, gone, latency } = share;
  return {
    product,
    version,
    class: one.class,
    generation,
    total: { requests, errors, failures, gone },
    latency: [...latency],
    accounts: lists?.accounts ?? [],
    counts: lists?.counts ?? [],
  };
}
