/**
 * Whether two classes of times differ: Welch's t over both without the slowest twentieth, which is what the machine did
 * meanwhile and falls on both alike. Pure. Used by the studies of what a wrong token's time tells.
 */

/** Of all tries together, the fastest that are kept. */
const KEPT = 0.95;

export interface Comparison {
  /** Mean of the first class less that of the second, in the unit of the times. */
  readonly difference: number;
  /** Standard error of the difference. */
  readonly error: number;
  /** Two-sided; with thousands of tries Student's distribution is the normal one. */
  readonly p: number;
}

/** Compares classes of thousands of times each, taken in an order drawn at random. */
export function compareTimes(first: readonly number[], second: readonly number[]): Comparison {
  const pooled = [...first, ...second].toSorted((a, b) => a - b);
  const cut = pooled[Math.floor(pooled.length * KEPT)] ?? Infinity;
  const a = momentsOf(first.filter((value) => value <= cut));
  const b = momentsOf(second.filter((value) => value <= cut));
  const difference = a.mean - b.mean;
  const error = Math.sqrt(a.error + b.error);
  return { difference, error, p: erfc(Math.abs(difference) / error / Math.SQRT2) };
}

function momentsOf(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: squares / (values.length - 1) / values.length };
}

/** Abramowitz and Stegun 7.1.26, exact to 1.5e-7. */
function erfc(x: number): number {
  const t = 1 / (1 + 0.3275911 * x);
  const terms = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  return terms.reduce((sum, term) => (sum + term) * t, 0) * Math.exp(-x * x);
}
