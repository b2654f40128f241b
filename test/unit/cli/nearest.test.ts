/** Which words are near to a mistyped one. */
import { describe, it } from "vitest";
import { editDistance, nearest } from "../../../scripts/cli/nearest.ts";

describe("editDistance", () => {
  it.for([
    ["wave", "wave", 0],
    ["wvae", "wave", 1],
    ["wav", "wave", 1],
    ["", "wave", 4],
    ["pause", "resume", 4],
  ] as const)("%s and %s are %i apart", ([a, b, apart], { expect }) => {
    expect([editDistance(a, b), editDistance(b, a)]).toEqual([apart, apart]);
  });
});

describe("nearest", () => {
  const FLAGS = ["--wave", "--where", "--percent-per-minute", "--error-rate"];

  it.for([
    ["--wav", "--wave"],
    ["--Wave", "--wave"],
    ["-wave", "--wave"],
    ["--percent", "--percent-per-minute"],
    ["--rate", "--error-rate"],
  ] as const)("takes %s for %s", ([typed, meant], { expect }) => {
    expect(nearest(typed, FLAGS)[0]).toBe(meant);
  });

  it("takes nothing for what is like nothing, or too short", ({ expect }) => {
    expect(nearest("--stepped", FLAGS)).toEqual([]);
    expect(nearest("x", FLAGS)).toEqual([]);
  });
});
