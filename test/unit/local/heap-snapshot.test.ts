/** What a heap snapshot comes to, by one made by hand and by those of real processes. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, it } from "vitest";
import { readHeld } from "../../../scripts/local/heap-snapshot.ts";

const MB = 1024 * 1024;

/** Of a process that holds one value and little else. */
async function snapshotOf(value: string): Promise<string> {
  const script = `globalThis.kept = ${value}; require("node:v8").getHeapSnapshot().pipe(process.stdout)`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { maxBuffer: 256 * MB });
  return stdout;
}

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

  it("sees what is kept grow in a real one, and code hardly", async ({ expect }) => {
    const before = readHeld(await snapshotOf("null"));
    const after = readHeld(
      await snapshotOf("Array.from({ length: 200_000 }, (_, at) => ({ at, half: at / 2 }))"),
    );
    expect(before.code).toBeGreaterThan(0);
    expect(after.data - before.data).toBeGreaterThan(3);
    expect(Math.abs(after.code - before.code)).toBeLessThan(1);
  });

  it.for([[[]], [["type", "name", "id"]]])(
    "is refused when its nodes have no size: %j",
    ([fields], { expect }) => {
      const meta = { node_fields: fields, node_types: [["object"]] };
      const without = { snapshot: { meta }, nodes: [0, 0, 1], strings: ["Map"] };
      expect(() => readHeld(JSON.stringify(without))).toThrow("a heap snapshot whose nodes have no");
    },
  );
});
