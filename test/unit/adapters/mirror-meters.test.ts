/** A measurement is the sum over all meters, or not known. */
import { describe, it } from "vitest";
import { METERS } from "../../../src/adapters/meters.ts";
import { createMirrorReader } from "../../../src/adapters/mirror-meters.ts";
import { NOTHING_COMPARED } from "../../../src/core/mirror.ts";

describe("the reader of mirrored requests", () => {
  it("adds up what every meter has heard of a measurement", async ({ expect }) => {
    const asked: string[] = [];
    const read = createMirrorReader((name) => ({
      mirrored: async ([run = ""]) => {
        asked.push(name);
        return [{ ...NOTHING_COMPARED, product: "kiln", run, same: 2, worse: 1 }];
      },
    }));
    expect(await read(["a"])).toEqual([
      { ...NOTHING_COMPARED, product: "kiln", run: "a", same: 2 * METERS, worse: METERS },
    ]);
    expect(new Set(asked).size).toBe(METERS);
  });

  it("knows nothing when a meter does not answer, or none is bound", async ({ expect }) => {
    const silent = createMirrorReader((name) => ({
      mirrored: async () => {
        if (name === "meter-2") throw new Error("overloaded");
        return [];
      },
    }));
    await expect(silent(["a"])).rejects.toThrow("overloaded");
    await expect(createMirrorReader(() => null)(["a"])).rejects.toThrow("no METER binding");
  });
});
