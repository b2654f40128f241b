/**
 * The local run's cron: ticks the first node at every full minute, as the platform would. One tick at a time; a minute
 * that passes while one runs is not made up for, since ticks may be missed by contract.
 */

const MINUTE_MS = 60_000;

export interface MinuteClock {
  stop(): void;
}

/** Starts ticking; `onError` is told of ticks that failed, and the next minute is tried all the same. */
export function startMinuteClock(
  tick: (at: number) => Promise<unknown>,
  onError: (error: unknown) => void,
): MinuteClock {
  let running = false;
  let timer: ReturnType<typeof setTimeout>;
  const next = (): void => {
    timer = setTimeout(fire, MINUTE_MS - (Date.now() % MINUTE_MS));
  };
  const fire = (): void => {
    next();
    if (running) return;
    running = true;
    const minute = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    tick(minute)
      .catch(onError)
      .finally(() => {
        running = false;
      });
  };
  next();
  return { stop: () => clearTimeout(timer) };
}
