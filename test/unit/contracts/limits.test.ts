/** The loss that publisher and reader both accept without being told that it is meant. */
import { describe, it } from "vitest";
import { allowedLoss } from "../../../src/contracts/limits.ts";

describe("allowedLoss", () => {
  for (const [held, allowed] of [
    [0, 0],
    [5, 0],
    [100, 10],
    [499, 49],
    [500, 50],
    [1000, 50],
    [10_000, 50],
    [10_200, 51],
    [1_000_000, 5000],
  ] as const) {
    it(`is ${allowed} of ${held}`, ({ expect }) => expect(allowedLoss(held)).toBe(allowed));
  }

  it("never covers a loss of 30 %", ({ expect }) => {
    for (let held = 1; held < 20_000; held += 7)
      expect(allowedLoss(held)).toBeLessThan(Math.max(1, held * 0.3));
  });
});
