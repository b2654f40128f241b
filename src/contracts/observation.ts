/**
 * What edges count about versions and accounts, how the meters take it, and what the control plane asks of them.
 * Counts only: no request is described, no time of an edge is in here; meters stamp what arrives with the control plane's
 * clock. Every sum is additive over isolates and meters, so that an answer is the sum of the meters' answers.
 * What is missing is not known, never zero. Read by edge adapters, meters, control and the gates. Design §5.2.
 */
import type { AccountTally, BlockTally, LatencyWindow, SideMoments } from "./gate.ts";
import { COVERED_CLASSES } from "./preflight.ts";
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "./units.ts";

/** Worker and meter may run different releases during a deploy; a report of another schema is refused, and so dropped. */
export const OBSERVATION_SCHEMA = 1;

/**
 * Class of a request that was for a version.
 * `known`: a known account, on the version that the maps gave it: the only class that gates look at.
 * `unknown`: default traffic. `none`, `ip`: only where something else than the router sends them to a version, because the
 * router answers or refuses these itself; so their coverage comes from probes.
 * `asset`: a file below a version's asset prefix, whoever asked. `override`: a tester's token chose the version; kept
 * apart, because a tested account is not a moved one.
 */
export const OBSERVED_CLASSES = [...COVERED_CLASSES, "asset", "override"] as const;
export type ObservedClass = (typeof OBSERVED_CLASSES)[number];

/** Sums over requests. */
export interface Tally {
  /** Requests whose end is known: answered, whatever the status, or not answered by the origin's fault. */
  readonly requests: number;
  /** Answered with 500–599; counted in `requests` too. */
  readonly errors: number;
  /** Not answered: no connection, or no headers in time; counted in `requests` too. A body that breaks later is not. */
  readonly failures: number;
  /** The client left before there was an answer. Not in `requests`: this says nothing against the version. */
  readonly gone: number;
}

/**
 * Upper bounds, inclusive, of the time to the response's headers in milliseconds; requests that took longer are in one
 * more bucket. Time runs from the first attempt to reach the origin; an upload counts in it. From 200 ms to 8 s, where
 * gates compare, three buckets to the octave: what takes twice as long is three buckets on, and shows as twice as long
 * wherever in a bucket it lies. With steps of 1.67 a p95 that went from 300 to 600 ms showed as 490 to 690.
 */
export const LATENCY_BOUNDS_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1200, 1600, 2000,
  2400, 3200, 4000, 4800, 6400, 8000, 10_000, 15_000, 20_000, 30_000, 50_000, 70_000, 100_000,
] as const;
export const LATENCY_BUCKETS = LATENCY_BOUNDS_MS.length + 1;

/** An answer from here on is an error of who gave it. */
export const FIRST_ERROR_STATUS = 500;

/** Requests per bucket, `LATENCY_BUCKETS` of them, not cumulative. Answered requests only: a time-out has no latency. */
export type LatencyHistogram = readonly number[];

/** Numbers per account in `SeriesReport.counts`: `requests`, and how many of them failed (`errors` plus `failures`). */
export const COUNTS_PER_ACCOUNT = 2;

/** What one isolate counted for one product, version, class and generation, of the accounts that one meter is for. */
export interface SeriesReport {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly class: ObservedClass;
  /** Of the maps that decided these requests. */
  readonly generation: Generation;
  /** All requests, those of accounts that are not listed too: sums stay exact when accounts are sampled. */
  readonly total: Tally;
  readonly latency: LatencyHistogram;
  /** Accounts kept by themselves; all of them, or a sample chosen by their hash. */
  readonly accounts: readonly AccountSlug[];
  /** `COUNTS_PER_ACCOUNT` numbers for each of `accounts`, in their order. */
  readonly counts: readonly number[];
}

/**
 * A report that its isolate takes for lost, or a number that stands for requests it had no room to count. When it did
 * arrive after all the meter knows better; when it arrives later it is refused. So each request is counted once or lost
 * once, whatever the network does.
 */
export interface LostReport {
  readonly sequence: number;
  /** `requests` and `gone` that were in it. */
  readonly requests: number;
}

/** One flush of one isolate to one meter. Taking the same one twice counts it once. */
export interface ObservationReport {
  readonly schema: typeof OBSERVATION_SCHEMA;
  readonly isolate: string;
  /** Grows with every flush of the isolate; one that a meter gets nothing of is no gap. */
  readonly sequence: number;
  readonly series: readonly SeriesReport[];
  /** Earlier reports to this meter that failed, since the last one that was taken. */
  readonly lost: readonly LostReport[];
}

/** Everything a meter ever took of one series; grows only. For monitoring. */
export interface SeriesTotal {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly class: ObservedClass;
  readonly total: Tally;
  readonly latency: LatencyHistogram;
}

/** What a meter knows to be missing, and what it took, since it exists. */
export interface MeterIntake {
  readonly reports: number;
  /** `requests` and `gone` of all reports taken. */
  readonly requests: number;
  readonly droppedReports: number;
  readonly droppedRequests: number;
  /** The same within the last hour of the control plane's clock. */
  readonly droppedRequestsLastHour: number;
}

/** What isolates said about themselves since the meter exists: requests by how they ended, faults of maps by kind. */
export interface EdgeTotals {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

export interface MeterTotals {
  readonly intake: MeterIntake;
  readonly series: readonly SeriesTotal[];
  /** Left out by releases that do not count it. */
  readonly edges?: EdgeTotals;
}

/**
 * One question of a tick: how a target does beside the versions its accounts come from, in the same time.
 * Only requests decided by maps of `minGeneration` or later count, so counting begins on each edge when it knows the move.
 */
export interface ObservationAsk {
  /** Names the answer; unique within a tick. */
  readonly key: string;
  readonly product: ProductName;
  /** The version that accounts are moved to, and those that replacements make of it. */
  readonly target: readonly VersionName[];
  /** Versions that the not yet moved accounts are on. */
  readonly from: readonly VersionName[];
  /** Control plane's clock, rounded down to a minute (to an hour when that lies more than two hours back). */
  readonly sinceMs: EpochMs;
  readonly minGeneration: Generation;
  /** Null leaves out what needs every account to be read: moments and family come back empty. */
  readonly accounts: AccountsAsk | null;
}

/**
 * What every meter must make its moments with, so that their sums mean something; from the answers of an earlier tick,
 * null where there was none, and then a meter judges by its own share of the accounts. See `core/gates/moments`.
 */
export interface AccountsAsk {
  readonly movedCap: number | null;
  readonly notMovedCap: number | null;
  /** Share of failures in the past of moved and of not moved accounts. */
  readonly movedPastShare: number | null;
  readonly notMovedPastShare: number | null;
}

export interface ClassCount {
  readonly tally: Tally;
  readonly latency: LatencyHistogram;
}
export type ByClass = Readonly<Record<ObservedClass, ClassCount>>;

/** How well was measured, since `sinceMs`. Lost reports are of all products: nobody knows what was in them. */
export interface AnswerMeasurement {
  /** Minute of the newest report that had something of this product; null: none. */
  readonly newestMs: EpochMs | null;
  readonly reports: number;
  readonly lostReports: number;
  readonly lostRequests: number;
  /** `requests` and `gone` of all products that were taken: what the lost ones are a share of. Older answers lack it. */
  readonly takenRequests?: number;
  /** Requests of this product, and those of them that older maps than `minGeneration` decided. */
  readonly requests: number;
  readonly staleRequests: number;
}

/** Requests before the asked time, within the time that is kept (14 days). */
export interface PastCount {
  readonly requests: number;
  readonly failures: number;
}

/**
 * Moved accounts are those with requests of class `known` on the target, not moved ones those with such on `from`; an
 * account that was moved in between is on both sides, with what it did on each. Own pasts are of all versions but
 * these. Accounts of a sample stand for all: `ByClass` has the requests of everybody.
 */
export interface ObservationAnswer {
  readonly key: string;
  readonly target: ByClass;
  readonly from: ByClass;
  /** Class `known`, of the last two hours at most, oldest first, starts on a grid of five minutes. */
  readonly windows: readonly LatencyWindow[];
  readonly moved: SideMoments;
  readonly notMoved: SideMoments;
  /** Of the accounts on each side. */
  readonly movedPast: PastCount;
  readonly notMovedPast: PastCount;
  readonly family: FamilyAnswer;
  readonly measurement: AnswerMeasurement;
}

/** Moved accounts one by one, in blocks of five minutes; see `AccountFamily` in contracts/gate. */
export interface FamilyAnswer {
  readonly size: number;
  /** Those that look worst against their own past, worst first, at most `MAX_SUSPECTS` of each meter. */
  readonly suspects: readonly AccountTally[];
  readonly past: BlockTally;
}

/** Most suspicious accounts that one meter names in an answer. */
export const MAX_SUSPECTS = 50;

/** Blocks that an account's requests are counted in. */
export const BLOCK_MS = 5 * 60 * 1000;

/** How long the counts of single accounts are kept. */
export const PAST_MS = 14 * 24 * 60 * 60 * 1000;

/** Which accounts failed on some versions since a time? */
export interface HurtAsk {
  readonly product: ProductName;
  readonly versions: readonly VersionName[];
  readonly sinceMs: EpochMs;
  readonly limit: number;
}

export interface HurtAccount {
  readonly account: AccountSlug;
  readonly requests: number;
  readonly failures: number;
  /** As if nothing but failures had come for so long. */
  readonly minutes: number;
}

/** What a tick of the control plane hands to each meter. */
export interface MeterTick {
  /** The control plane's one clock; a meter keeps the greatest. */
  readonly clockMs: EpochMs;
  /** Generations that somebody will ask about: a roll-up keeps them apart, and nothing between them. Ascending. */
  readonly marks: readonly Generation[];
  readonly asks: readonly ObservationAsk[];
}

/** The sum over the meters that answered. */
export interface Gathered {
  /** Control plane's clock of the tick. */
  readonly atMs: EpochMs;
  /** Meters that did not answer in time: the sums are then too small, which is a failed measurement, not a verdict. */
  readonly missingMeters: number;
  /** By the key of the ask; empty when no meter answered. */
  readonly answers: Readonly<Record<string, ObservationAnswer>>;
}
