/**
 * What a history was: how often each thing happened in it, its story in words when somebody wants to read it, and the
 * first promise that was broken. The names of the promises are the ones that `npm run simulate` prints.
 */

/** What must hold in every history, by name. */
export const INVARIANTS = {
  "legal-version": "no reader serves an account by a version that no published maps gave it",
  "recorded-move": "a known account changes version only by a recorded move",
  generation: "the generation that an isolate serves never falls",
  "one-publish": "a reader answers from root and rows of one publish",
  outbox: "what was committed is published in the end",
  pace: "a rollout goes no farther than pace, window, freeze, approval, pause and halt let it",
  completion: "the end of a rollout moves nobody",
  "never-mixed": "accounts whose versions must not mix are not served by both within a settling",
  "data-follows": "an account is served by the version that its data is for",
  health: "health is answered at once, whatever else is broken",
  unresolved: "an account that is known is never answered as an unknown one",
  "whole-maps": "whatever a root names can be read when the root is written",
  default: "the default of a product changes only when somebody asked for it",
  recovery: "every isolate serves the newest maps to everybody once KV is well",
  audit: "the audit is one unbroken chain",
  "no-throw": "nothing throws, and nothing is rejected in the background",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** A promise that was broken. */
export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

export class Tale {
  readonly counts: Record<string, number> = {};
  /** Null: nobody reads it, so nobody writes it. */
  readonly lines: string[] | null;
  private readonly nowMs: () => number;

  constructor(nowMs: () => number, isTold: boolean) {
    this.nowMs = nowMs;
    this.lines = isTold ? [] : null;
  }

  count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  /** A line of the story. */
  say(line: () => string): void {
    this.lines?.push(`${new Date(this.nowMs()).toISOString().slice(5, 23)}  ${line()}`);
  }
}
