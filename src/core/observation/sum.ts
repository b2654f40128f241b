/**
 * Adds up what the meters answer to one question. Every number is a sum over requests or accounts, and an account is in
 * one meter, so nothing is counted twice. Pure; called where the meters are asked.
 */
import type { AccountTally, BlockTally, LatencyWindow } from "../../contracts/gate.ts";
import {
  type AnswerMeasurement,
  type ByClass,
  type ClassCount,
  type FamilyAnswer,
  type LatencyHistogram,
  type ObservationAnswer,
  type ObservedClass,
  type PastCount,
  type Tally,
} from "../../contracts/observation.ts";
import { addMoments } from "../gates/moments.ts";

export const NO_TALLY: Tally = { requests: 0, errors: 0, failures: 0, gone: 0 };
export const NO_BLOCKS: BlockTally = { blocks: 0, shareSum: 0, requests: 0, failures: 0 };

/** Answers of several meters by key. A meter that left one out adds nothing to it. */
export function sumAnswers(
  answers: readonly (readonly ObservationAnswer[])[],
): Record<string, ObservationAnswer> {
  const sums: Record<string, ObservationAnswer> = {};
  for (const answer of answers.flat()) {
    const before = sums[answer.key];
    sums[answer.key] = before === undefined ? answer : addAnswers(before, answer);
  }
  return sums;
}

function addAnswers(a: ObservationAnswer, b: ObservationAnswer): ObservationAnswer {
  return {
    key: a.key,
    target: addByClass(a.target, b.target),
    from: addByClass(a.from, b.from),
    windows: addWindows(a.windows, b.windows),
    moved: addMoments(a.moved, b.moved),
    notMoved: addMoments(a.notMoved, b.notMoved),
    movedPast: addPast(a.movedPast, b.movedPast),
    notMovedPast: addPast(a.notMovedPast, b.notMovedPast),
    family: addFamilies(a.family, b.family),
    measurement: addMeasurements(a.measurement, b.measurement),
  };
}

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    failures: a.failures + b.failures,
    gone: a.gone + b.gone,
  };
}

export function addLatencies(a: LatencyHistogram, b: LatencyHistogram): LatencyHistogram {
  return a.map((count, bucket) => count + (b[bucket] ?? 0));
}

/** Something for every class. */
export function byClass(make: (name: ObservedClass) => ClassCount): ByClass {
  return {
    known: make("known"),
    unknown: make("unknown"),
    none: make("none"),
    ip: make("ip"),
    asset: make("asset"),
    override: make("override"),
  };
}

function addByClass(a: ByClass, b: ByClass): ByClass {
  return byClass((name) => ({
    tally: addTallies(a[name].tally, b[name].tally),
    latency: addLatencies(a[name].latency, b[name].latency),
  }));
}

function addWindows(a: readonly LatencyWindow[], b: readonly LatencyWindow[]): readonly LatencyWindow[] {
  const byStart = new Map<number, LatencyWindow>();
  for (const window of [...a, ...b]) {
    const before = byStart.get(window.startMs);
    byStart.set(
      window.startMs,
      before === undefined
        ? window
        : {
            startMs: window.startMs,
            // Meters may be a tick apart: the newest window is as long as the longest knows it.
            endMs: Math.max(before.endMs, window.endMs),
            moved: addLatencies(before.moved, window.moved),
            notMoved: addLatencies(before.notMoved, window.notMoved),
          },
    );
  }
  return [...byStart.values()].toSorted((left, right) => left.startMs - right.startMs);
}

function addPast(a: PastCount, b: PastCount): PastCount {
  return { requests: a.requests + b.requests, failures: a.failures + b.failures };
}

export function addBlocks(a: BlockTally, b: BlockTally): BlockTally {
  return {
    blocks: a.blocks + b.blocks,
    shareSum: a.shareSum + b.shareSum,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
  };
}

function addFamilies(a: FamilyAnswer, b: FamilyAnswer): FamilyAnswer {
  const suspects: readonly AccountTally[] = [...a.suspects, ...b.suspects];
  return { size: a.size + b.size, suspects, past: addBlocks(a.past, b.past) };
}

function addMeasurements(a: AnswerMeasurement, b: AnswerMeasurement): AnswerMeasurement {
  const newest = Math.max(a.newestMs ?? -Infinity, b.newestMs ?? -Infinity);
  return {
    newestMs: newest === -Infinity ? null : newest,
    reports: a.reports + b.reports,
    lostReports: a.lostReports + b.lostReports,
    lostRequests: a.lostRequests + b.lostRequests,
    takenRequests: takenOf(a) + takenOf(b),
    requests: a.requests + b.requests,
    staleRequests: a.staleRequests + b.staleRequests,
  };
}

/**
 * Requests that lost ones are held against. Where an answer of an older release does not say it, those of its product:
 * fewer, so that the share that was lost shows as too large rather than too small.
 */
export function takenOf({ takenRequests, requests }: AnswerMeasurement): number {
  return takenRequests ?? requests;
}
