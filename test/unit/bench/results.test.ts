/** The document of the benchmark: the keys of design §9 as numbers, and beside each what it was compared to. */
import { describe, it } from "vitest";
import { createResults, isReached, missedBy } from "../../../scripts/bench/results.ts";
import { renderRow } from "../../../scripts/bench/render.ts";
import { ROWS } from "../../../scripts/bench/rows.ts";
import type { Key, Row } from "../../../scripts/bench/row.ts";
import { runRow } from "../../../scripts/bench/runner.ts";

/** What `npm run -s bench -- --json` promises. */
const KEYS = [
  "routerRatio",
  "decisionRatio",
  "controlRatio",
  "routerCpuRatio",
  "decision.hotNs",
  "decision.coldNs",
  "decision.growth",
  "kvOpsPerIsolateMinute",
  "kvReadsUnknownFlood",
  "memoryMb1m",
  "shift400k.kvWrites",
  "shift400k.ms",
  "import1mSeconds",
  "publish1mSeconds",
  "tickMs",
  "coldStartKvReads",
  "bundleGzKb",
  "startupMs",
];

const machine = {
  processor: "p",
  cores: 2,
  memoryGb: 8,
  system: "linux",
  node: "v24",
  workerd: "1",
  load: 0,
};

/** Rounds of 100, 200, 300 against 200, 200, 200. */
function rowOf(limit: Key["limit"]): Row {
  let asked = 0;
  const fast = { name: "fast", round: async () => ({ rate: asked++ * 100 }) };
  const bare = { name: "bare", round: async () => ({ rate: 200 }) };
  return {
    name: "row",
    about: "about",
    reach: "reach",
    gives: ["one.ratio"],
    rounds: 3,
    prepare: async () => ({
      sides: [fast, bare],
      stop: async () => undefined,
      conclude: (measured) => {
        const spread = measured.ratio("rate", "fast", "bare");
        const key = { key: "one.ratio", value: spread.median, limit, spread, comparedTo: "bare" };
        return { reached: isReached(key), said: [], figures: {}, keys: [key] };
      },
    }),
  };
}

const run = (limit: Key["limit"]) => runRow(rowOf(limit), { rounds: null, say: () => undefined });

describe("createResults", () => {
  it("gives the median of the rounds' ratios under its key, and beside it what it was compared to", async ({
    expect,
  }) => {
    const results = createResults([await run({ least: 1.25 })], { at: "now", machine });
    expect(results["one"]).toEqual({ ratio: 1 });
    expect(results.about.beside["one.ratio"]).toEqual({
      comparedTo: "bare",
      limit: { least: 1.25 },
      reached: false,
      missedBy: 0.2,
      spread: { median: 1, lowest: 0.5, highest: 1.5 },
      rounds: 3,
    });
  });

  it("gives every key that is promised, once, and no other", ({ expect }) => {
    expect(ROWS.flatMap(({ gives }) => gives).toSorted()).toEqual(KEYS.toSorted());
  });
});

describe("renderRow", () => {
  it("says by how much a number misses", async ({ expect }) => {
    expect(renderRow(await run({ least: 1.25 }))).toContain(
      "one.ratio = 1, at least 1.25, MISSED by 20 %; compared to bare",
    );
    expect(renderRow(await run({ most: 1 }))).toContain("one.ratio = 1, at most 1; compared to bare");
  });
});

describe("missedBy", () => {
  it.for([
    [{ value: 3, limit: { most: 2 } }, false, 0.5],
    [{ value: 2, limit: { most: 2 } }, true, 0],
    [{ value: 1, limit: { least: 2 } }, false, 0.5],
    [{ value: 1, limit: null }, null, 0],
  ] as const)("is a share of the limit: %j", ([key, reached, share], { expect }) => {
    expect(isReached(key)).toBe(reached);
    expect(missedBy(key)).toBe(share);
  });
});
