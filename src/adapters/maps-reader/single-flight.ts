/**
 * One load at a time, shared by all requests that want it, that no request can poison.
 * The request that starts it hands it to `waitUntil`, else its going away would cancel the work and leave everybody
 * else waiting for ever. It has a deadline; one that is older than that is forgotten even if it never settles. Waiters
 * bring a timer of their own (`waitAtMost`). Used for root and shards. Loads never reject.
 */
import type { Clock } from "../clock.ts";
import { LOAD_DEADLINE_MS } from "./timing.ts";
import type { ReaderRequest } from "./types.ts";

/** Handed to the work: once it is not `live`, whatever it still finds must not be adopted. */
export interface Ticket {
  live: boolean;
}

export interface SharedLoad<T> {
  readonly startedAtMs: number;
  readonly done: Promise<T>;
}

export interface SingleFlight<T> {
  /** The load under way, or null. */
  running(nowMs: number): SharedLoad<T> | null;
  /** Starts a load; the caller has seen that none is running. `late` is the outcome past the deadline. */
  start(request: ReaderRequest, work: (ticket: Ticket) => Promise<T>, late: () => T): SharedLoad<T>;
}

interface Flight<T> extends SharedLoad<T> {
  readonly ticket: Ticket;
}

/** Makes a single flight for one thing to load. */
export function createSingleFlight<T>(clock: Clock): SingleFlight<T> {
  let current: Flight<T> | null = null;

  function running(nowMs: number): SharedLoad<T> | null {
    // In both directions: a clock that was put back must not keep a dead load for an hour.
    if (current !== null && Math.abs(nowMs - current.startedAtMs) >= LOAD_DEADLINE_MS) {
      current.ticket.live = false;
      current = null;
    }
    return current;
  }

  function start(request: ReaderRequest, work: (ticket: Ticket) => Promise<T>, late: () => T): SharedLoad<T> {
    const ticket: Ticket = { live: true };
    const finish = async (): Promise<T> => {
      // Work that throws all the same (a bug) ends like work that is late: nobody who waits may fail with it.
      const worked = work(ticket).then(
        (value) => ({ value }),
        () => undefined,
      );
      const outcome = await Promise.race([worked, clock.sleep(LOAD_DEADLINE_MS)]);
      ticket.live = false;
      if (current === load) current = null;
      return outcome === undefined ? late() : outcome.value;
    };
    const load: Flight<T> = { startedAtMs: request.nowMs, done: finish(), ticket };
    current = load;
    request.waitUntil(load.done);
    return load;
  }

  return { running, start };
}

/** The outcome of a shared load, or undefined when it takes longer than `ms`. */
export function waitAtMost<T>(clock: Clock, done: Promise<T>, ms: number): Promise<T | undefined> {
  return Promise.race([done, clock.sleep(ms).then(() => undefined)]);
}
