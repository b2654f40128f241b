/** The root's text: readable, deterministic, and refused with the right fault when it is anything but whole. */
import { describe, it } from "vitest";
import { decodeRoot, encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { sha256Hex } from "../../../src/core/sha256.ts";
import { product, rollout, root, row } from "../../support/maps-builders.ts";

const FULL = root({
  generation: 42,
  halt: true,
  overrideEpoch: 1_795_000_000_001,
  products: {
    kiln: product("kiln", {
      hold: { mode: "readOnly", message: "späť čoskoro", until: 1_795_000_000_000 },
      replacements: [{ from: "2.8.0", to: "2.8.1", salt: "x", below: 500 }],
      timeouts: [{ prefix: "/git/", seconds: 600 }],
    }),
  },
  rollouts: [rollout({ moved: [0, 10_000], held: [5, 10_000] })],
  urgent: [
    row({
      quarantine: { kiln: "2.7.0" },
      hold: { mode: "page", message: null, until: null },
      group: 3,
      cell: "eu1",
    }),
  ],
});

/** Rewrites the text and signs it anew, as a publisher of another mind would. */
function resigned(text: string, change: (members: Record<string, unknown>) => void): string {
  const members = JSON.parse(text) as Record<string, unknown>;
  change(members);
  const { checksum: _, ...rest } = members;
  const lines = Object.entries(rest).map(([name, value]) => `"${name}":${JSON.stringify(value)}`);
  const body = lines.join(",\n");
  return `{\n${body},\n"checksum":"${sha256Hex(`{\n${body}\n}`)}"\n}`;
}

const faultOf = (text: string): string => {
  const decoded = decodeRoot(text);
  return decoded.ok ? "accepted" : decoded.error.fault;
};

describe("encodeRoot", () => {
  it("writes one member a line, in ASCII, with the checksum last", ({ expect }) => {
    const lines = encodeRoot(FULL).split("\n");
    expect(lines[0]).toBe("{");
    expect(lines[2]).toBe('"generation":42,');
    expect(lines.at(-2)).toMatch(/^"checksum":"[0-9a-f]{64}"$/);
    expect(encodeRoot(FULL)).toMatch(/^[\n -~]*$/);
  });

  it("writes the same bytes whatever the order of members", ({ expect }) => {
    const { kiln, fogbugz } = { kiln: product("kiln"), fogbugz: product("fogbugz") };
    expect(encodeRoot(root({ products: { fogbugz, kiln } }))).toBe(
      encodeRoot(root({ products: { kiln, fogbugz } })),
    );
  });

  it("keeps a root with 2,000 groups and two products within 64 KB", ({ expect }) => {
    const moved = Array.from({ length: 2000 }, () => 10_000);
    const text = encodeRoot(root({ rollouts: [rollout({ moved, held: moved })] }));
    expect(text.length).toBeLessThan(64 * 1024);
    expect(faultOf(text)).toBe("accepted");
  });
});

describe("decodeRoot", () => {
  it("reads what was written, with or without a newline at the end", ({ expect }) => {
    expect(decodeRoot(encodeRoot(FULL))).toEqual({ ok: true, value: FULL });
    expect(decodeRoot(`${encodeRoot(FULL)}\n`)).toEqual({ ok: true, value: FULL });
  });

  it("refuses every truncation", ({ expect }) => {
    const text = encodeRoot(FULL);
    for (let end = 0; end < text.length; end++) expect(faultOf(text.slice(0, end))).toBe("not-json");
  });

  it("refuses any changed digit or letter", ({ expect }) => {
    const text = encodeRoot(FULL);
    const changed = [
      text.replace("42", "43"),
      text.replace("kiln-2-8-0", "kiln-2-8-9"),
      text.replace("true", "false"),
    ];
    expect(changed.map(faultOf)).toEqual(["checksum", "checksum", "checksum"]);
  });

  it("refuses a missing checksum, another schema, other JSON and 26 MB", ({ expect }) => {
    const text = encodeRoot(FULL);
    expect(faultOf(text.replace(/,\n"checksum":"\w+"/, ""))).toBe("checksum");
    expect(faultOf(resigned(text, (members) => (members["schema"] = 3)))).toBe("schema");
    expect(["[]", "null", "7", ""].map(faultOf)).toEqual(["not-json", "not-json", "not-json", "not-json"]);
    expect(faultOf(" ".repeat(26 * 1024 * 1024))).toBe("too-large");
  });

  it("refuses blank and wrong fields although the checksum is right", ({ expect }) => {
    const text = encodeRoot(FULL);
    const changes: ((members: Record<string, unknown>) => void)[] = [
      (members) => (members["products"] = null),
      (members) => (members["products"] = { Kiln: {} }),
      (members) => (members["products"] = { kiln: { ...product("kiln"), default: "" } }),
      (members) => (members["generation"] = 0),
      (members) => (members["accounts"] = "7"),
      (members) => (members["accounts"] = 1e300),
      (members) => (members["rollouts"] = [{ ...rollout(), moved: [0.5] }]),
      (members) => (members["urgent"] = [{ key: "acme" }]),
      (members) => (members["index"] = { hash: "zz", shards: 1, inline: null }),
      (members) => delete members["halt"],
    ];
    for (const change of changes)
      expect([String(change), faultOf(resigned(text, change))]).toEqual([String(change), "shape"]);
  });

  it("names the place of what it refuses", ({ expect }) => {
    const text = resigned(
      encodeRoot(FULL),
      (members) => (members["products"] = { kiln: { ...product("kiln"), stable: 3 } }),
    );
    expect(decodeRoot(text)).toMatchObject({
      error: { detail: expect.stringContaining("products.kiln.stable") as string },
    });
  });
});
