/**
 * Seeded chance for simulations: fast, the same on every machine, never for secrets. Owns its own state; one per world.
 * Generator: sfc32 (C. Doty-Humphrey, PractRand), 128 bits of state. Draws: alias table (A. Walker, M. Vose) for who
 * sends a request, Knuth's product for small Poisson counts, a rounded normal above 60.
 */

const TWO_32 = 4_294_967_296;
const WARM_UP = 15;
const SMALL_MEAN = 60;

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Standard normal (G. Box, M. Muller). */
  normal(): number;
  /** exp(N(0, σ²)) scaled to mean 1. */
  logNormal(sigma: number): number;
  poisson(mean: number): number;
}

/** A generator whose draws depend on the seed alone. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, 0x9e37_79b9 | 0, 0x243f_6a88 | 0, 1];
  const uniform = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / TWO_32;
  };
  for (let round = 0; round < WARM_UP; round += 1) uniform();
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const poisson = (mean: number): number => {
    if (mean > SMALL_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    const limit = Math.exp(-mean);
    let product = uniform();
    let count = 0;
    while (product > limit) {
      product *= uniform();
      count += 1;
    }
    return count;
  };
  return { uniform, normal, logNormal: (sigma) => Math.exp(sigma * normal() - (sigma * sigma) / 2), poisson };
}

/** Draws an index by weight in constant time. */
export function createPicker(weights: Float64Array): (random: Random) => number {
  const size = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const chance = Float64Array.from(weights, (weight) => (weight * size) / total);
  const alias = new Int32Array(size);
  const small: number[] = [];
  const large: number[] = [];
  for (let index = 0; index < size; index += 1) ((chance[index] ?? 0) < 1 ? small : large).push(index);
  while (small.length > 0 && large.length > 0) {
    const less = small.pop() ?? 0;
    const more = large.pop() ?? 0;
    alias[less] = more;
    chance[more] = (chance[more] ?? 0) + (chance[less] ?? 0) - 1;
    ((chance[more] ?? 0) < 1 ? small : large).push(more);
  }
  for (const left of [...small, ...large]) chance[left] = 1;
  return (random) => {
    const index = Math.floor(random.uniform() * size);
    return random.uniform() < (chance[index] ?? 1) ? index : (alias[index] ?? index);
  };
}

const DAY_MINUTES = 1440;
const SWING = 0.8;
const PEAK_MINUTE = 14 * 60;

/** Traffic at a minute of the day over its mean: a fifth at two in the night, 1.8 at two in the afternoon. */
export function dayProfile(minute: number): number {
  return 1 + SWING * Math.cos((2 * Math.PI * (minute - PEAK_MINUTE)) / DAY_MINUTES);
}
