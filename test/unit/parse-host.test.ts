/** The Host grammar: the table of spellings in test/vectors/hosts.json, and its limits byte by byte. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { parseHost, type ParsedHost } from "../../src/core/parse-host.ts";

interface HostVector {
  readonly why: string;
  readonly raw: string | null;
  readonly expect: ParsedHost;
}

const vectors = JSON.parse(
  readFileSync(`${import.meta.dirname}/../vectors/hosts.json`, "utf8"),
) as HostVector[];

describe("parseHost", () => {
  it.for(vectors)("parses as in the table: $why", ({ raw, expect: parsed }, { expect }) => {
    expect(parseHost(raw)).toEqual(parsed);
  });

  it("accepts no byte inside a label but letters, digits and hyphens", ({ expect }) => {
    const accepted: string[] = [];
    for (let code = 0; code <= 0xffff; code++) {
      const byte = String.fromCharCode(code);
      const parsed = parseHost(`a${byte}b`);
      if (parsed.kind === "name") accepted.push(byte);
    }
    // The dot is accepted between labels; the colon is not, since `b` is no port.
    expect(accepted.join("")).toBe("-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  });

  it("accepts exactly the ports 1 to 65535", ({ expect }) => {
    const wrong: number[] = [];
    for (let port = 0; port <= 70_000; port++) {
      const parsed = parseHost(`acme.example:${port}`);
      const isAccepted = parsed.kind === "name" && parsed.port === port;
      if (isAccepted !== (port >= 1 && port <= 65_535)) wrong.push(port);
    }
    expect(wrong).toEqual([]);
  });

  it("takes exactly the octets 0 to 255 for an address, in every place", ({ expect }) => {
    const wrong: string[] = [];
    for (let octet = 0; octet <= 1000; octet++) {
      for (const raw of [`${octet}.2.3.4`, `1.${octet}.3.4`, `1.2.${octet}.4`, `1.2.3.${octet}`]) {
        if ((parseHost(raw).kind === "ip") !== octet <= 255) wrong.push(raw);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("takes one to seven groups beside :: and exactly eight without it", ({ expect }) => {
    const groups = (count: number) => Array.from({ length: count }, () => "f").join(":");
    for (let left = 0; left <= 9; left++) {
      expect(parseHost(`[${groups(left)}]`).kind).toBe(left === 8 ? "ip" : "malformed");
      for (let right = 0; right <= 9; right++) {
        const raw = `[${groups(left)}::${groups(right)}]`;
        expect(`${raw} ${parseHost(raw).kind}`).toBe(`${raw} ${left + right <= 7 ? "ip" : "malformed"}`);
      }
    }
  });

  it("hands back the very text when nothing had to be stripped", ({ expect }) => {
    const raw = "acme.kiln.example";
    expect(parseHost(raw)).toEqual({ kind: "name", name: raw, port: null });
  });

  it("refuses a header of 128 KB after one name's worth of bytes", ({ expect }) => {
    expect(parseHost("a.".repeat(64 * 1024))).toEqual({ kind: "malformed", reason: "name-too-long" });
    expect(parseHost(`acme:${"1".repeat(128 * 1024)}`)).toEqual({ kind: "malformed", reason: "bad-port" });
    expect(parseHost(`[${"1:".repeat(64 * 1024)}]`)).toEqual({ kind: "malformed", reason: "bad-ipv6" });
  });
});
