/**
 * A clock that stands still until a test moves it. `advance` runs every timer in its order and lets all promises settle
 * in between, so that ten simulated minutes are milliseconds and every run is the same. Owns no behaviour under test.
 */
import type { Clock } from "../../src/adapters/clock.ts";

export interface TestClock extends Clock {
  /** Moves time on by `ms`, running what falls due on the way. */
  advance(ms: number): Promise<void>;
  /** Lets promises that are ready settle, without moving time. */
  settle(): Promise<void>;
  /** Shows an earlier time from now on; timers that are set still take as long as they were told. */
  putBack(ms: number): void;
  /** What `random()` gives from now on. */
  setRandom(value: number): void;
}

interface Timer {
  atMs: number;
  readonly wake: () => void;
}

/** A clock that shows `startMs`; `random()` is 0.5 until told otherwise. */
export function createTestClock(startMs = 1_795_000_000_000): TestClock {
  let nowMs = startMs;
  let random = 0.5;
  const timers: Timer[] = [];

  // setImmediate runs after all promise jobs, so whatever can go on has gone on.
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  function nextBefore(limitMs: number): Timer | undefined {
    const due = timers.filter((timer) => timer.atMs <= limitMs);
    return due.toSorted((a, b) => a.atMs - b.atMs)[0];
  }

  return {
    nowMs: () => nowMs,
    random: () => random,
    sleep: (ms) => new Promise((wake) => timers.push({ atMs: nowMs + ms, wake })),
    settle,
    setRandom(value) {
      random = value;
    },
    putBack(ms) {
      nowMs -= ms;
      for (const timer of timers) timer.atMs -= ms;
    },
    async advance(ms) {
      const limitMs = nowMs + ms;
      await settle();
      for (let timer = nextBefore(limitMs); timer !== undefined; timer = nextBefore(limitMs)) {
        timers.splice(timers.indexOf(timer), 1);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.wake();
        await settle();
      }
      nowMs = limitMs;
    },
  };
}
