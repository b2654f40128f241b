/** Log lines: one JSON object each, with nothing in them that could forge a line, hide one or tell a secret. */
import { describe, it } from "vitest";
import { createLogger } from "../../../src/adapters/logger.ts";
import { createRequestIds } from "../../../src/adapters/request-id.ts";

function write(fields: Record<string, unknown>): string {
  const lines: string[] = [];
  createLogger((line) => void lines.push(line)).line("event", fields);
  return lines[0] ?? "";
}

describe("createLogger", () => {
  it("writes one line of JSON", ({ expect }) => {
    const parsed: unknown = JSON.parse(write({ a: 1, b: "x", c: null, d: [true, { e: "y" }] }));
    expect(parsed).toEqual({ event: "event", a: 1, b: "x", c: null, d: [true, { e: "y" }] });
  });

  it.for([
    "\n",
    "\r",
    "\u0000",
    "\u001b[2J",
    "\u007f",
    "\u0085",
    "\u009b",
    "\u2028",
    "\u202e",
    "\u2066",
    "\u200f",
    "\ufeff",
  ])("takes out %j, in names as well", (unsafe, { expect }) => {
    const line = write({ [`na${unsafe}me`]: `be${unsafe}fore`, nested: { list: [unsafe] } });
    expect(line).not.toContain(unsafe);
    expect(line).not.toContain(JSON.stringify(unsafe).slice(1, -1));
    expect(line).toContain("fore");
  });

  it("cuts texts to 256 characters, and does not follow depth or length without end", ({ expect }) => {
    const deep: Record<string, unknown> = {};
    deep["self"] = deep;
    const fields = { long: "x".repeat(10_000), many: Array.from({ length: 1000 }, () => 1), deep };
    const parsed = JSON.parse(write(fields)) as { long: string; many: number[] };
    expect(parsed.long).toHaveLength(256);
    expect(parsed.many.length).toBeLessThanOrEqual(32);
  });

  it("blanks fields that are secrets by name, and writes errors as name and message", ({ expect }) => {
    const line = write({
      Authorization: "Bearer x",
      cookie: "a=secret",
      token: "secret",
      error: new TypeError("bad\nthing"),
    });
    expect(line).not.toContain("secret");
    expect(line).not.toContain("Bearer");
    expect(JSON.parse(line)).toMatchObject({ error: { name: "TypeError", message: "badthing" } });
  });

  it("never throws", ({ expect }) => {
    const evil = {
      get boom(): string {
        throw new Error("no");
      },
    };
    expect(() => createLogger(() => undefined).line("e", evil)).not.toThrow();
    expect(() =>
      createLogger(() => {
        throw new Error("full");
      }).line("e", {}),
    ).not.toThrow();
    expect(() => write({ big: 1n })).not.toThrow();
  });
});

describe("createRequestIds", () => {
  it("draws once and counts", ({ expect }) => {
    let draws = 0;
    const next = createRequestIds((count) => {
      draws++;
      return new Uint8Array(count).fill(10);
    });
    expect([next(), next()]).toEqual(["0a0a0a0a0a0a-1", "0a0a0a0a0a0a-2"]);
    expect(draws).toBe(1);
    expect(createRequestIds()()).toMatch(/^[0-9a-f]{12}-1$/);
  });
});
