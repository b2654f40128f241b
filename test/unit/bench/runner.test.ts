/** The runner of the benchmark: in turn, medians, and nothing left running. */
import { describe, it } from "vitest";
import type { Measured, Prepared, Row } from "../../../scripts/bench/row.ts";
import { inTurn, runRow, spreadOf } from "../../../scripts/bench/runner.ts";

function rowOf(prepared: Partial<Prepared>): Row {
  const conclude = (): ReturnType<Prepared["conclude"]> => ({
    reached: true,
    said: [],
    figures: {},
    keys: [],
  });
  return {
    name: "row",
    about: "",
    reach: "",
    gives: [],
    prepare: async () => ({ sides: [], conclude, stop: async () => undefined, ...prepared }),
  };
}

const options = { rounds: 3, say: () => undefined };

describe("runRow", () => {
  it("asks the sides in turn, each first once, after a round that does not count", async ({ expect }) => {
    const asked: string[] = [];
    let number = 0;
    const sides = ["a", "b", "c"].map((name) => ({
      name,
      round: async () => {
        asked.push(name);
        number += 1;
        return { ms: number };
      },
    }));
    let measured: Measured | null = null;
    const conclude = (given: Measured): ReturnType<Prepared["conclude"]> => {
      measured = given;
      return { reached: null, said: [], figures: {}, keys: [] };
    };
    const result = await runRow(rowOf({ sides, conclude }), options);
    expect(asked.join("")).toBe("abcabcbcacab");
    expect(result.sides[0]).toEqual({ name: "a", numbers: { ms: { median: 9, lowest: 4, highest: 11 } } });
    expect(result.conclusion.reached).toBeNull();
    expect(() => (measured as Measured | null)?.of("a", "seconds")).toThrow(
      '"seconds" of "a" was not measured',
    );
  });

  it("stops what was prepared when a side cannot be measured", async ({ expect }) => {
    let stopped = false;
    const sides = [{ name: "a", round: () => Promise.reject(new Error("gone")) }];
    const stop = async (): Promise<void> => {
      stopped = true;
    };
    await expect(runRow(rowOf({ sides, stop }), options)).rejects.toThrow("gone");
    expect(stopped).toBe(true);
  });
});

describe("inTurn", () => {
  it("begins with another one each round", ({ expect }) => {
    expect([0, 1, 2, 3].map((round) => inTurn(["a", "b", "c"], round).join(""))).toEqual([
      "abc",
      "bca",
      "cab",
      "abc",
    ]);
    expect(inTurn([], 5)).toEqual([]);
  });
});

describe("spreadOf", () => {
  it.for([
    [[3], { median: 3, lowest: 3, highest: 3 }],
    [[5, 1, 100], { median: 5, lowest: 1, highest: 100 }],
    [[4, 1, 2, 3], { median: 2.5, lowest: 1, highest: 4 }],
  ] as const)("takes the middle of %j", ([values, expected], { expect }) => {
    expect(spreadOf(values)).toEqual(expected);
  });

  it("does not make a number out of nothing", ({ expect }) => {
    expect(() => spreadOf([])).toThrow("nothing was measured");
  });
});
