/**
 * Comparing digests of tokens takes as long wherever they differ: 100,000 tries, in two classes drawn at random, held against
 * each other by Welch's t. What the machine does meanwhile falls on both classes alike, the slowest twentieth is cut off
 * alike, and one quiet run of three decides, so that the test fails for a leak and not for a busy machine: of no leak three
 * runs in a row look like one once in a million. The last test shows that the procedure finds a comparison that does leak.
 */
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "vitest";
import { equalBytes } from "../../../src/admin/authenticate.ts";
import { compareTimes } from "../../support/welch.ts";

const TRIES = 100_000;
/** Comparisons of one try: one alone is below what the clock can tell. */
const REPEATS = 10;
const P_MIN = 0.01;
const RUNS = 3;

type Compare = (a: Uint8Array, b: Uint8Array) => boolean;

const SECRET = new Uint8Array(createHash("sha256").update("a-token-0001").digest());

/** The digest with one byte changed. */
function differingAt(at: number): Uint8Array {
  const digest = Uint8Array.from(SECRET);
  digest[at] = (digest[at] ?? 0) ^ 0xff;
  return digest;
}

/**
 * Nanoseconds of each try, by class: differs in the first byte, differs in the last one. Both are compared in the same
 * place of memory and written down in the same one, so that nothing but the bytes tells them apart.
 */
function measure(compare: Compare): readonly [number[], number[]] {
  const last = SECRET.length - 1;
  const guess = Uint8Array.from(SECRET);
  const classes = randomBytes(TRIES).map((byte) => byte & 1);
  const taken = new Float64Array(TRIES);
  let equal = 0;
  for (const [n, which] of classes.entries()) {
    // No branch, which the processor would foretell, and no copy from two places, which lie differently in its caches.
    guess[0] = (SECRET[0] ?? 0) ^ (1 - which);
    guess[last] = (SECRET[last] ?? 0) ^ which;
    const from = process.hrtime.bigint();
    for (let repeat = 0; repeat < REPEATS; repeat += 1) if (compare(SECRET, guess)) equal += 1;
    taken[n] = Number(process.hrtime.bigint() - from);
  }
  if (equal > 0) throw new Error("digests that differ were found equal");
  const of = (which: 0 | 1): number[] => Array.from(taken.filter((_, n) => classes[n] === which));
  return [of(0), of(1)];
}

/** p of each run, up to the first that shows no difference. */
function runsOf(compare: Compare): readonly number[] {
  measure(compare); // warm
  const found: number[] = [];
  for (let run = 1; run <= RUNS; run += 1) {
    const { p } = compareTimes(...measure(compare));
    found.push(p);
    if (p > P_MIN) break;
  }
  return found;
}

describe("comparing tokens", () => {
  it("tells nothing by its time in 100,000 tries", { timeout: 120_000 }, ({ expect }) => {
    expect(Math.max(...runsOf(equalBytes))).toBeGreaterThan(P_MIN);
  });

  it("would be found out if it stopped at the first difference", { timeout: 120_000 }, ({ expect }) => {
    const leaky: Compare = (a, b) => a.every((byte, at) => byte === b[at]);
    expect(Math.max(...runsOf(leaky))).toBeLessThan(P_MIN);
  });

  it("finds digests equal that are, and no others", ({ expect }) => {
    expect(equalBytes(SECRET, Uint8Array.from(SECRET))).toBe(true);
    for (const at of SECRET.keys()) expect(equalBytes(SECRET, differingAt(at))).toBe(false);
    expect(equalBytes(SECRET, SECRET.subarray(1))).toBe(false);
  });
});
