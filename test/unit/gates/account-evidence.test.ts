/** Evidence against single accounts, against a table made by quadrature: `test/vectors/gate-vectors.py`. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import {
  isConvicted,
  logEvidence,
  logThreshold,
  rankOf,
  suspicionOf,
  usualOf,
} from "../../../src/core/gates/account-evidence.ts";
import { logBeta, logGamma } from "../../../src/core/gates/log-beta.ts";
import { blocks, failing } from "../../support/gate-builders.ts";

interface Case {
  readonly blocks: number;
  readonly shareSum: number;
  readonly a: number;
  readonly b: number;
  readonly logEvidence: number;
}
const text = readFileSync(`${import.meta.dirname}/../../vectors/gate-evidence.json`, "utf8");
const CASES = JSON.parse(text) as readonly Case[];
const FAMILY = { size: 1000, past: blocks(500_000, 5000), alpha: 0.05, shift: 0 };

describe("logGamma", () => {
  it("agrees with factorials", ({ expect }) => {
    let factorial = 1;
    for (let n = 1; n <= 20; n += 1) {
      expect(logGamma(n)).toBeCloseTo(Math.log(factorial), 10);
      factorial *= n;
    }
    expect(logBeta(2, 3)).toBeCloseTo(Math.log(1 / 12), 12);
  });
});

describe("logEvidence", () => {
  for (const row of CASES) {
    const { blocks: count, shareSum, a, b } = row;
    it(`gives the value of the table: ${shareSum} of ${count} blocks, beta(${a}, ${b})`, ({ expect }) => {
      const now = { blocks: count, shareSum, requests: 0, failures: 0 };
      expect(logEvidence(now, { share: 0, a, b })).toBeCloseTo(row.logEvidence, 6);
    });
  }
});

describe("usualOf", () => {
  it("gives the worked example", ({ expect }) => {
    const usual = usualOf(blocks(300, 1.5), blocks(100_000, 1000), 0);
    expect(usual.share).toBe(0.02);
    expect(usual.a).toBeCloseTo(1.9375, 9);
    expect(usual.b).toBeCloseTo(94.94, 2);
  });

  it("expects of an account what happens to the others as well", ({ expect }) => {
    expect(usualOf(blocks(300, 3), blocks(100_000, 1000), 0.1).share).toBeCloseTo(0.11, 3);
    expect(usualOf(blocks(300, 3), blocks(100_000, 1000), -0.5).share).toBe(0.02);
  });

  it("never expects more than everything", ({ expect }) => {
    expect(usualOf(blocks(300, 290), blocks(100_000, 1000), 0.5)).toMatchObject({ share: 1, b: 1 });
  });
});

describe("rankOf", () => {
  it("ranks by evidence of being worse, and not of being better", ({ expect }) => {
    const { past } = FAMILY;
    const rank = (share: number): number => rankOf(failing("acme", share), past);
    expect(rank(1)).toBeGreaterThan(rank(0.5));
    expect(rank(0.5)).toBeGreaterThan(rank(0.1));
    const recovered = { now: blocks(200, 0.1), past: blocks(500, 250) };
    expect(logEvidence(recovered.now, usualOf(recovered.past, past, 0))).toBeGreaterThan(0);
    expect(rankOf(recovered, past)).toBe(-Infinity);
  });
});

describe("suspicionOf", () => {
  it("convicts an account that fails altogether, in a small family sooner than in a large one", ({
    expect,
  }) => {
    const blocksUntil = (size: number): number => {
      for (let count = 1; count < 100; count += 1) {
        const suspect = suspicionOf(failing("acme", 1, count), { ...FAMILY, size });
        if (suspect !== null && isConvicted(suspect)) return count;
      }
      return Infinity;
    };
    expect(blocksUntil(20)).toBe(3);
    expect(blocksUntil(24_000)).toBe(5);
  });

  it("leaves alone who always failed, and who fails no more than before", ({ expect }) => {
    const now = blocks(50, 15);
    expect(suspicionOf({ account: "acme", now, past: blocks(500, 140) }, FAMILY)).toBeNull();
    expect(suspicionOf({ account: "acme", now: blocks(50, 0.5), past: blocks(500, 5) }, FAMILY)).toBeNull();
  });

  it("leaves alone who has no past to be worse than", ({ expect }) => {
    expect(suspicionOf({ account: "acme", now: blocks(50, 50), past: blocks(11, 0) }, FAMILY)).toBeNull();
  });

  it("leaves alone who sent too little", ({ expect }) => {
    const past = blocks(500, 5);
    expect(suspicionOf({ account: "acme", now: blocks(2, 2, 100), past }, FAMILY)).toBeNull();
    expect(suspicionOf({ account: "acme", now: blocks(4, 4, 1), past }, FAMILY)).toBeNull();
    expect(suspicionOf({ account: "acme", now: blocks(20, 4, 1), past }, FAMILY)).toBeNull();
  });

  it("takes a burst of ten minutes for what it is, however many requests failed", ({ expect }) => {
    const past = blocks(500, 5);
    const burst = suspicionOf({ account: "acme", now: blocks(6, 2, 10_000), past }, FAMILY);
    expect(burst).not.toBeNull();
    expect(burst !== null && isConvicted(burst)).toBe(false);
  });

  it("asks for more evidence the more accounts might have it by chance", ({ expect }) => {
    expect(logThreshold(24_000, 0.05)).toBeCloseTo(13.08, 2);
    expect(logThreshold(0, 0.05)).toBeCloseTo(Math.log(20), 9);
  });
});
