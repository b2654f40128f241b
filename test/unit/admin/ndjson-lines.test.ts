/** Cutting bytes into lines: the same lines whatever the chunks, bounded, and nothing lost to a bad line. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { BodyCutOff, createLineSplitter, readLines, type Line } from "../../../src/admin/ndjson-lines.ts";

const MAX = 64;

function split(bytes: Uint8Array, sizes: readonly number[]): Line[] {
  const splitter = createLineSplitter(MAX);
  const lines: Line[] = [];
  let at = 0;
  for (const size of sizes) {
    lines.push(...splitter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  lines.push(...splitter.push(bytes.subarray(at)), ...splitter.end());
  return lines;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (lines: readonly Line[]): (string | null)[] => lines.map(({ text }) => text);

describe("createLineSplitter", () => {
  it.for([
    ["a\nb\n", ["a", "b"]],
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["\ufeffa\nb", ["a", "b"]],
    ["a\n\ufeffb", ["a", "\ufeffb"]],
    ["\n\n  \na\n", ["a"]],
    ["", []],
    ["\ufeff", []],
    ["é\n€\n𝄞", ["é", "€", "𝄞"]],
    ["a\rb\n", ["a\rb"]],
  ] as const)("cuts %j", ([text, expected], { expect }) => {
    expect(texts(split(encode(text), []))).toEqual(expected);
  });

  it("numbers lines as an editor does, blank ones included", ({ expect }) => {
    expect(split(encode("\n\na\n\nb"), []).map(({ line }) => line)).toEqual([3, 5]);
  });

  it("gives the same lines whatever the chunks", ({ expect }) => {
    const line = fc.string({ unit: fc.constantFrom("a", "é", "€", "𝄞", "\r", " ", "\ufeff"), maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.array(fc.nat(20), { maxLength: 40 }),
        (lines, sizes) => {
          const bytes = encode(lines.join("\n"));
          expect(split(bytes, sizes)).toEqual(split(bytes, []));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("reports a line that is too long by its number and goes on, in any chunks", ({ expect }) => {
    const bytes = encode(`a\n${"x".repeat(MAX + 1)}\nb\n${"y".repeat(MAX)}\n${"é".repeat(MAX / 2 + 1)}\nc`);
    for (const sizes of [[], [1, 1, 1], Array.from({ length: 300 }, () => 1), [70, 10]]) {
      const lines = split(bytes, sizes);
      expect(texts(lines)).toEqual(["a", null, "b", "y".repeat(MAX), null, "c"]);
      expect(lines.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(lines[1]?.fault).toBe("is longer than 64 bytes");
    }
  });

  it("reports a line that is no UTF-8 by its number and keeps its neighbours", ({ expect }) => {
    const bytes = new Uint8Array([...encode("a\n"), 0xc3, 0x28, ...encode("\nb\n"), 0xff, ...encode("\né")]);
    for (const sizes of [[], Array.from({ length: bytes.length }, () => 1)]) {
      const lines = split(bytes, sizes);
      expect(texts(lines)).toEqual(["a", null, "b", null, "é"]);
      expect(lines.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
    }
  });
});

describe("readLines", () => {
  const gather = async (body: ReadableStream<Uint8Array> | null): Promise<Line[]> => {
    const lines: Line[] = [];
    for await (const group of readLines(body, MAX)) lines.push(...group);
    return lines;
  };

  it("reads nothing from no body", async ({ expect }) => {
    expect(await gather(null)).toEqual([]);
  });

  it("works through a chunk of any size in pieces", async ({ expect }) => {
    const groups: number[] = [];
    const body = new Blob(["0123456789\n".repeat(50_000)]).stream() as ReadableStream<Uint8Array>;
    for await (const group of readLines(body, MAX)) groups.push(group.length);
    expect(groups.reduce((sum, count) => sum + count, 0)).toBe(50_000);
    expect(Math.max(...groups)).toBeLessThan(7000);
  });

  it("says when the stream broke off", async ({ expect }) => {
    let sent = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent) controller.error(new Error("reset"));
        else controller.enqueue(encode("a\n"));
        sent = true;
      },
    });
    await expect(gather(body)).rejects.toBeInstanceOf(BodyCutOff);
  });

  it("cancels the stream when the reader leaves", async ({ expect }) => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(encode("a\n")),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const group of readLines(body, MAX)) {
      expect(group).toHaveLength(1);
      break;
    }
    expect(cancelled).toBe(true);
  });
});
