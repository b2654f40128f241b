/** What a heap snapshot comes to, by one of this very process and by one made by hand. */
import { getHeapSnapshot } from "node:v8";
import { text } from "node:stream/consumers";
import { describe, it } from "vitest";
import { readHeld } from "../../../scripts/local/heap-snapshot.ts";

const MB = 1024 * 1024;

describe("a heap snapshot", () => {
  it("tells what the program keeps from what V8 makes of it", ({ expect }) => {
    const nodes = [
      ["object", "Map", 1],
      ["string", "a text", 2],
      ["native", "system / JSArrayBufferData", 4],
      ["native", "workerd / Headers", 8],
      ["code", "system / InstructionStream", 16],
      ["object shape", "system / Map", 32],
      ["native", "system / WeakArrayList", 64],
    ] as const;
    const types = ["object", "string", "native", "code", "object shape"];
    const strings = nodes.map(([, name]) => name);
    const snapshot = {
      snapshot: {
        meta: {
          node_fields: ["type", "name", "id", "self_size"],
          node_types: [types, "string", "number", "number"],
        },
      },
      nodes: nodes.flatMap(([type, , mb], index) => [types.indexOf(type), index, index, mb * MB]),
      strings,
    };
    expect(readHeld(JSON.stringify(snapshot))).toEqual({ data: 15, code: 112 });
  });

  it("sees what is kept grow in a real one, and code hardly", { timeout: 60_000 }, async ({ expect }) => {
    const take = async (): Promise<ReturnType<typeof readHeld>> => readHeld(await text(getHeapSnapshot()));
    const before = await take();
    const kept = Array.from({ length: 200_000 }, (_, at) => ({ at, half: at / 2 }));
    const after = await take();
    expect(kept).toHaveLength(200_000);
    expect(before.code).toBeGreaterThan(0);
    expect(after.data - before.data).toBeGreaterThan(3);
    expect(Math.abs(after.code - before.code)).toBeLessThan(1);
  });

  it("is refused when it names no fields", ({ expect }) => {
    const empty = { snapshot: { meta: { node_fields: [], node_types: [[]] } }, nodes: [], strings: [] };
    expect(() => readHeld(JSON.stringify(empty))).toThrow("without its fields");
  });
});
