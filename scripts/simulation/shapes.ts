/** What the command and its threads say to each other. Plain data; the threads run test/simulation/worker.ts. */

/** What became of one seed. */
export interface SeedOutcome {
  readonly seed: number;
  /** The state that the history began with. */
  readonly beginning: string;
  /** The first promise that was broken; null: all were kept. */
  readonly broken: { readonly invariant: string; readonly detail: string } | null;
  readonly counts: Readonly<Record<string, number>>;
  /** Line by line; null: it was not asked for. */
  readonly story: readonly string[] | null;
}

/** Seeds to live, one after the other. */
export interface Block {
  readonly from: number;
  readonly count: number;
  readonly isTold: boolean;
}

/** What became of a block. `story` is that of a block of one. */
export interface BlockDone extends Block {
  readonly counts: Readonly<Record<string, number>>;
  readonly broken: readonly SeedOutcome[];
  readonly story: readonly string[] | null;
}
