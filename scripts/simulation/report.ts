/** What `npm run simulate` says at its end: what happened in the histories, and which promises were broken by which seeds. */
import type { Settings } from "./arguments.ts";
import type { BlockDone, SeedOutcome } from "./shapes.ts";

export interface Report {
  readonly from: number;
  /** Histories that were lived. */
  readonly seeds: number;
  readonly threads: number;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly broken: readonly SeedOutcome[];
}

/** Adds up blocks as they come. */
export class Tally {
  seeds = 0;
  readonly counts: Record<string, number> = {};
  readonly broken: SeedOutcome[] = [];
  story: readonly string[] | null = null;

  add({ count, counts, broken, story }: BlockDone): void {
    this.seeds += count;
    this.broken.push(...broken);
    this.story = story ?? this.story;
    for (const [what, times] of Object.entries(counts)) this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  report({ from, threads }: Settings, seconds: number): Report {
    const counts = Object.fromEntries(Object.entries(this.counts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const broken = this.broken.toSorted((a, b) => a.seed - b.seed);
    return { from, seeds: this.seeds, threads, seconds, counts, broken };
  }
}

const WIDTH = 12;

/** For people. */
export function renderReport({ from, seeds, threads, seconds, counts, broken }: Report): string {
  const happened = Object.entries(counts).map(
    ([what, times]) => `${times.toLocaleString("en").padStart(WIDTH)}  ${what}`,
  );
  const found = broken.map(
    ({ seed, beginning, broken: what }) =>
      `seed ${seed} (${beginning}) broke ${what?.detail ?? ""}\n  npm run simulate -- --seed ${seed}`,
  );
  const each = ((seconds * 1000 * threads) / Math.max(1, seeds)).toFixed(1);
  const last = from + seeds - 1;
  return [
    ...happened,
    "",
    ...found,
    `${seeds.toLocaleString("en")} histories (seeds ${from} to ${last}) in ${seconds.toFixed(0)} s on ${threads} threads, ${each} ms each: ${
      broken.length === 0 ? "every promise was kept" : `${broken.length} broke a promise`
    }`,
    "",
  ].join("\n");
}
