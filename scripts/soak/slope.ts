/**
 * How fast something grows, from samples that depend on each other: neighbours in time are put into batches, a line is
 * laid through the means of the batches, and the interval is Student's, so that a sawtooth that goes with the work is not
 * taken for a trend, nor a trend for noise. Batch means: Law and Kelton, Simulation Modeling and Analysis, ch. 9. Pure.
 */
import type { Sample } from "../local/memory.ts";

/** Per hour, with the interval that holds the true slope in 95 of 100 runs. */
export interface Slope {
  readonly perHour: number;
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

const HOUR_MS = 3_600_000;
const MOST_BATCHES = 12;
const FEWEST_BATCHES = 4;
const PER_BATCH = 3;
/** Student's t at 0.975, for 2 to 10 degrees of freedom: a line takes two of the batches' own. */
const T_975 = [4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228] as const;

/** @returns null while there are fewer samples than an interval needs. */
export function slopeOf(samples: readonly Sample[]): Slope | null {
  const count = Math.min(MOST_BATCHES, Math.floor(samples.length / PER_BATCH));
  if (count < FEWEST_BATCHES) return null;
  const batches = Array.from({ length: count }, (_, batch) => {
    const from = Math.floor((batch * samples.length) / count);
    const until = Math.floor(((batch + 1) * samples.length) / count);
    return meanOf(samples.slice(from, until));
  });
  const middle = meanOf(batches);
  const spread = sum(batches, ({ atMs }) => (atMs - middle.atMs) ** 2);
  const perMs = sum(batches, ({ atMs, value }) => (atMs - middle.atMs) * (value - middle.value)) / spread;
  const rest = sum(batches, ({ atMs, value }) => (value - middle.value - perMs * (atMs - middle.atMs)) ** 2);
  const error = Math.sqrt(rest / (count - 2) / spread);
  const margin = (T_975[count - FEWEST_BATCHES] ?? 0) * error * HOUR_MS;
  const perHour = perMs * HOUR_MS;
  return { perHour, low: perHour - margin, high: perHour + margin, samples: samples.length };
}

/** Whether even the lower end of the interval is growth. */
export function isGrowth({ low }: Slope): boolean {
  return low > 0;
}

function meanOf(samples: readonly Sample[]): Sample {
  return {
    atMs: sum(samples, ({ atMs }) => atMs) / samples.length,
    value: sum(samples, ({ value }) => value) / samples.length,
  };
}

function sum(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}
