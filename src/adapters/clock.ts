/**
 * The one place that reads the time, waits and draws random numbers. Handed to whoever needs them by the composition
 * root, so that tests bring their own. On the platform the time stands still within a request until it does I/O.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after `ms` milliseconds; never rejects. Bound to the request that calls it, as all timers are. */
  sleep(ms: number): Promise<void>;
  /** From 0 up to, not including, 1. For spreading load, never for secrets. */
  random(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: () => Math.random(),
};
