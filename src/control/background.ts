/**
 * Work that goes on behind calls and that nobody waits for, but tests and a stop. Keeps nothing of what has ended: an
 * object may live for months, and does some of it every second.
 */
export interface Background {
  /** Takes work that is under way; that it fails is its own affair. */
  add(...works: readonly Promise<unknown>[]): void;
  /** Resolves when all that was taken has ended, also what was taken meanwhile. */
  idle(): Promise<void>;
}

export function createBackground(): Background {
  const running = new Set<Promise<void>>();
  return {
    add(...works) {
      for (const work of works) {
        const forget = (): void => void running.delete(ended);
        const ended: Promise<void> = work.then(forget, forget);
        running.add(ended);
      }
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
