/**
 * What was published when, and whether an answer was right in its moment. A node may be as old as a refresh takes and no
 * older; rows may be older than the root while the new ones are being read; and what a host has once been shown by a node it
 * never goes behind, whether the node lost its memory or not. Answers are judged when the history of their time is complete,
 * so that a change under way cannot be mistaken for a fault. Pure but for what it keeps.
 */

import type { AccountRow } from "../../src/contracts/maps.ts";

/** Maps take at most 36 s to be asked for again and 5 s to be read; the rest is for a busy machine. */
export const STALE_MS = 45_000;

/** What a node answers that has lost its memory and cannot read the maps in time. */
export const UNSERVED = "503";

/** Of one node; more than requests can be under way at once, since each raised it. */
const KEPT_FLOORS = 16;

/** What every host that is asked gets by one generation of the maps. */
export interface Published {
  readonly generation: number;
  /** It cannot have been published before. */
  readonly notBeforeMs: number;
  /** By then it was. */
  readonly byMs: number;
  readonly expected: ReadonlyMap<string, string>;
  /** The row of each host, null where there is none. */
  readonly rows: ReadonlyMap<string, AccountRow | null>;
  /** What a host gets by the root of this generation and a row, which may be older while the new rows are being read. */
  readonly decide: (host: string, row: AccountRow | null) => string;
}

export interface Answer {
  readonly node: number;
  readonly host: string;
  readonly askedMs: number;
  readonly answeredMs: number;
  /** In the words of `Published.expected`. */
  readonly seen: string;
}

export interface History {
  add(published: Published): void;
  latest(): Published | null;
  /** Takes an answer for later. */
  note(answer: Answer): void;
  /** Judges everything that was answered before `completeMs`. @returns what was wrong, in words. */
  judge(completeMs: number): string[];
  judged(): number;
  /** Answers of those that were 503 because no maps could be read in time: closed, and nobody's version. */
  unserved(): number;
  /** Answers by a root and an older row, that no generation by itself gives. */
  olderRows(): number;
  /** How long maps had been replaced that somebody was still answered by, at most. */
  oldestMs(): number;
}

/** A host was shown by a node a generation at least as new as the `index`-th since `atMs`. */
interface Floor {
  readonly atMs: number;
  readonly index: number;
}

export function createHistory(): History {
  const all: Published[] = [];
  const floors = new Map<string, Floor[]>();
  let waiting: Answer[] = [];
  let judged = 0;
  let unserved = 0;
  let olderRows = 0;
  let oldestMs = 0;

  const placeOf = ({ node, host }: Answer): string => `${node} ${host}`;

  function floorOf(answer: Answer): number {
    const { askedMs } = answer;
    return floors.get(placeOf(answer))?.findLast(({ atMs }) => atMs <= askedMs)?.index ?? 0;
  }

  /** Indexes of what a node may have answered by. */
  function allowed(answer: Answer): number[] {
    const floor = floorOf(answer);
    const found: number[] = [];
    for (let index = all.length - 1; index >= floor; index -= 1) {
      const after = all[index + 1];
      if (after !== undefined && after.byMs < answer.askedMs - STALE_MS) break;
      if ((all[index]?.notBeforeMs ?? Infinity) <= answer.answeredMs) found.unshift(index);
    }
    return found;
  }

  /** Whether a root that the node may have gives this with rows that it may have had before. */
  function isOlderRow({ host, seen }: Answer, candidates: readonly number[]): boolean {
    const published = candidates.map((index) => all[index]).filter((each) => each !== undefined);
    return published.some((root, at) =>
      published.slice(0, at).some(({ rows }) => root.decide(host, rows.get(host) ?? null) === seen),
    );
  }

  function judgeOne(answer: Answer): string | null {
    const candidates = allowed(answer);
    const fits = candidates.filter((index) => all[index]?.expected.get(answer.host) === answer.seen);
    const [shown] = fits;
    if (shown === undefined && answer.seen === UNSERVED) {
      unserved += 1;
      return null;
    }
    if (shown === undefined && isOlderRow(answer, candidates)) {
      olderRows += 1;
      return null;
    }
    if (shown === undefined) {
      const versions = new Set(candidates.map((index) => all[index]?.expected.get(answer.host) ?? "nothing"));
      const generations = candidates.map((index) => all[index]?.generation ?? 0);
      return `node ${answer.node}, ${answer.host}: ${answer.seen}, where generations ${Math.min(...generations)} to ${Math.max(...generations)} allow ${[...versions].join(" or ")}`;
    }
    const replacedMs = all[(fits.at(-1) ?? shown) + 1]?.byMs ?? answer.askedMs;
    oldestMs = Math.max(oldestMs, answer.askedMs - replacedMs);
    const kept = floors.get(placeOf(answer)) ?? [];
    if (shown > (kept.at(-1)?.index ?? 0))
      floors.set(placeOf(answer), [...kept.slice(-KEPT_FLOORS), { atMs: answer.answeredMs, index: shown }]);
    return null;
  }

  return {
    add: (published) => void all.push(published),
    latest: () => all.at(-1) ?? null,
    note: (answer) => void waiting.push(answer),
    judge(completeMs) {
      const due = waiting.filter(({ answeredMs }) => answeredMs < completeMs);
      waiting = waiting.filter(({ answeredMs }) => answeredMs >= completeMs);
      judged += due.length;
      return due
        .toSorted((a, b) => a.answeredMs - b.answeredMs)
        .map(judgeOne)
        .filter((fault) => fault !== null);
    },
    judged: () => judged,
    unserved: () => unserved,
    olderRows: () => olderRows,
    oldestMs: () => oldestMs,
  };
}
