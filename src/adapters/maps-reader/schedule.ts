/**
 * When the maps are read again, and how long a request waits for that. Pure bookkeeping over times that it is given.
 * With maps from KV: every 30 s ± 20 %, failures included, so an outage never raises the load. Without: after 1 s,
 * doubling to 30 s, each with jitter. Waiting is for cold starts and isolates that were idle, never for an outage that
 * is known already: then everybody would wait in every period for nothing.
 */
import type { Clock } from "../clock.ts";
import {
  COLD_WAIT_MS,
  IDLE_MS,
  IDLE_WAIT_MS,
  LOAD_DEADLINE_MS,
  REFRESH_MS,
  RETRY_FIRST_MS,
  RETRY_MOST_MS,
  spread,
} from "./timing.ts";

/** What the isolate serves while it reads. */
export type Serving = "nothing" | "cache" | "kv";

export interface Schedule {
  isDue(nowMs: number): boolean;
  /** Whether somebody who needs newer maps may begin a read before one is due: once a second while reads fail. */
  mayHurry(nowMs: number): boolean;
  nextMs(): number;
  /** A read starts. */
  begin(nowMs: number, serving: Serving): void;
  /** KV said in it what is held: that counts at once, however long a generation to hold is read for. */
  confirm(nowMs: number): void;
  /** It ended. `confirmed`: KV said what is held; `fromKv`: what is held came from KV, now or earlier. */
  end(nowMs: number, outcome: { readonly confirmed: boolean; readonly fromKv: boolean }): void;
  /** How long a request of this time waits for the read under way; not at all once a cold start has something to serve. */
  patienceMs(nowMs: number, serving: Serving): number;
  /** The first read of an isolate that had been idle is under way, for less than a cold start would wait. */
  isWaking(nowMs: number): boolean;
  /** Since the last read that KV confirmed was begun. */
  ageMs(nowMs: number): number;
}

/** Makes the schedule of one isolate; the first read is due at once. */
export function createSchedule(clock: Clock): Schedule {
  let nextMs = 0;
  let beganMs = -Infinity;
  let confirmedMs = -Infinity;
  let confirmedReadMs = -Infinity;
  let beganWith: Serving = "nothing";
  let waitUntilMs = 0;
  let isIdleRead = false;
  let failures = 0;

  function waitFor(nowMs: number, serving: Serving): number {
    if (serving === "nothing") return failures === 0 ? COLD_WAIT_MS : IDLE_WAIT_MS;
    return wasIdle(nowMs) ? IDLE_WAIT_MS : 0;
  }

  function wasIdle(nowMs: number): boolean {
    return Math.abs(nowMs - confirmedMs) > IDLE_MS && Math.abs(nowMs - beganMs) > IDLE_MS;
  }

  return {
    // A clock that was put back must not keep the next read away for as long as it was put back.
    isDue: (nowMs) => nowMs >= nextMs || nowMs < beganMs - LOAD_DEADLINE_MS,
    mayHurry: (nowMs) => failures === 0 || Math.abs(nowMs - beganMs) >= RETRY_FIRST_MS,
    nextMs: () => nextMs,
    begin(nowMs, serving) {
      waitUntilMs = nowMs + waitFor(nowMs, serving);
      isIdleRead = serving === "kv" && wasIdle(nowMs);
      beganMs = nowMs;
      beganWith = serving;
      // Without maps from KV this holds only if the read never ends, because whoever started it went away.
      nextMs = nowMs + (serving === "kv" ? spread(REFRESH_MS, clock.random()) : LOAD_DEADLINE_MS);
    },
    confirm(nowMs) {
      confirmedMs = nowMs;
      confirmedReadMs = beganMs;
      isIdleRead = false;
    },
    end(nowMs, { confirmed, fromKv }) {
      waitUntilMs = 0;
      isIdleRead = false;
      failures = confirmed ? 0 : failures + 1;
      if (confirmed) {
        nextMs = beganMs + spread(REFRESH_MS, clock.random());
      } else if (!fromKv) {
        nextMs =
          nowMs + spread(Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (failures - 1)), clock.random());
      }
    },
    patienceMs: (nowMs, serving) =>
      beganWith === "nothing" && serving !== "nothing" ? 0 : waitUntilMs - nowMs,
    isWaking: (nowMs) => isIdleRead && nowMs - beganMs < COLD_WAIT_MS,
    ageMs: (nowMs) => Math.max(0, nowMs - confirmedReadMs),
  };
}
