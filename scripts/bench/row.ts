/**
 * What a row of the benchmark is: named sides that are measured in turn, each round giving the same numbers, and what the
 * row makes of them. One file a row in `rows/`, listed in `rows.ts`; `runner.ts` does the rest. A row prepares what it
 * needs and takes it down again; it decides nothing about rounds, order, medians or printing.
 */

/** What one round measured, by the name of the number; names carry their unit: `"tick ms"`, `"rows read"`. */
export type Numbers = Readonly<Record<string, number>>;

/** One thing that is measured. */
export interface Side {
  readonly name: string;
  /** Measures once. Throws when it cannot: a benchmark that guesses proves nothing. */
  round(): Promise<Numbers>;
}

export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Every number of every side, over all rounds: `of(side)[number]`. Throws for a name that was not measured. */
export interface Measured {
  readonly sides: readonly { readonly name: string; readonly numbers: Readonly<Record<string, Spread>> }[];
  of(side: string, number: string): Spread;
  /** `side` over `to`, round by round: what ran one after the other is compared, so a machine that gets busier slows both. */
  ratio(number: string, side: string, to: string): Spread;
}

/** One number of `--json`: `decision.hotNs` is the number `hotNs` in the object `decision`. */
export interface Key {
  readonly key: string;
  readonly value: number;
  /** What it may be at most or at least; null: shown and not judged. */
  readonly limit: { readonly most: number } | { readonly least: number } | null;
  /** What it was compared to in the same run, in words with figures. */
  readonly comparedTo: string;
  /** Where the rounds lay, when the number is a median of rounds. */
  readonly spread?: Spread;
}

/** How one cost grows: pairs of accounts and cost, accounts ascending; the unit is in `what`. */
export interface Growth {
  readonly what: string;
  readonly points: readonly (readonly [accounts: number, cost: number])[];
}

/** What came of a row. */
export interface Conclusion {
  /** Whether what design §9 asks was reached; null: this row does not judge. */
  readonly reached: boolean | null;
  /** Sentences for people. */
  readonly said: readonly string[];
  /** Ratios and the like, for programs. */
  readonly figures: Numbers;
  /** The numbers of design §9 that this row gives. */
  readonly keys: readonly Key[];
  /** Costs over the number of accounts, for the plot. */
  readonly growth?: readonly Growth[];
}

export interface Prepared {
  readonly sides: readonly Side[];
  conclude(measured: Measured): Conclusion;
  /** Stops what was started. */
  stop(): Promise<void>;
}

export interface Row {
  /** As it is typed: `npm run bench -- tick`. */
  readonly name: string;
  readonly about: string;
  /** The keys of its conclusion, so that `--only` finds the row by them. */
  readonly gives: readonly string[];
  /** Rounds that count, when nobody asks for another number: long ones are few, and noisy ones many. */
  readonly rounds?: number;
  /** False: each round begins from nothing, so one that is thrown away would warm nothing. */
  readonly warmUp?: boolean;
  /** What is to be reached, in words. */
  readonly reach: string;
  /** @param say tells people what takes so long. */
  prepare(say: (text: string) => void): Promise<Prepared>;
}
