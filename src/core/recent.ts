/**
 * What was asked for lately, by a text: a bounded Map from which the rest falls away. Two halves: when the young one is
 * full it becomes the old one and the old one is dropped, so a hit costs one look-up and nothing is reordered.
 * Used for rows of accounts, decided hosts and signatures, each of which owns when it is emptied.
 */

export interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  clear(): void;
}

/** An empty one that keeps the last `half` keys at least, and twice as many at most. */
export function createRecent<T>(half: number): Recent<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();

  function set(key: string, value: T): void {
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }

  return {
    get(key) {
      const found = young.get(key);
      if (found !== undefined) return found;
      const older = old.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
    clear() {
      young = new Map();
      old = new Map();
    },
  };
}
