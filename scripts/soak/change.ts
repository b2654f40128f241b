/** What is done to the configuration of a soak, and what is meant by it. */

/** What each host gets, by the published maps; in the words of `hosts.ts`. */
export type Expected = ReadonlyMap<string, string>;

/** One thing to do. */
export interface Change {
  readonly what: string;
  readonly run: () => Promise<unknown>;
  /** What is wrong with what everybody gets then, null when it is what was meant. */
  readonly meant: (now: Expected, before: Expected) => string | null;
}

/** For what may move those who are in a rollout, as its plan says. */
export const anything: Change["meant"] = () => null;

/** For what must not change what anybody gets. */
export function nobodyMoves(is: Expected, was: Expected): string | null {
  const moved = [...is].filter(([host, what]) => was.get(host) !== what);
  return moved.length === 0
    ? null
    : moved.map(([host, what]) => `${host} went from ${was.get(host) ?? "nothing"} to ${what}`).join(", ");
}
