/** Shards and the index: what is written is found again, and whatever is not whole is refused. */
import { describe, it } from "vitest";
import { decodeIndex, encodeIndex } from "../../../src/core/maps/index-codec.ts";
import { keyHash, shardOf } from "../../../src/core/maps/key-hash.ts";
import { encodeShard, openShard, type Shard } from "../../../src/core/maps/shard-codec.ts";
import { contentHash } from "../../../src/core/sha256.ts";
import { accounts, row } from "../../support/maps-builders.ts";

const ROWS = [
  row({ slug: "acme", group: 12, cell: "eu1", homes: { kiln: "2.8.0" } }),
  row({ slug: "acme-2" }),
  row({ slug: "a" }),
  row({ slug: "gone", deleted: true }),
  row({ slug: "constructor" }),
  row({ key: "shop.acme.example", slug: "acme", product: "kiln", group: 0 }),
  row({ slug: "pinned", pins: { kiln: "2.7.0" }, quarantine: { fogbugz: "2.7.0" } }),
  row({ slug: "held", hold: { mode: "page", message: 'údržba\n\t"now" 🔥', until: 9 } }),
];
const ONE = { shard: 0, shards: 1 };

function open(text: string): Shard {
  const opened = openShard(text, contentHash(text));
  if (!opened.ok) throw new Error(opened.error.detail);
  return opened.value;
}

const faultOf = (text: string, hash = contentHash(text)): string => {
  const opened = openShard(text, hash);
  return opened.ok ? "accepted" : opened.error.fault;
};

describe("encodeShard", () => {
  it("is ASCII lines sorted by key, the same bytes whatever the order of rows and members", ({ expect }) => {
    const text = encodeShard({ ...ONE, rows: ROWS });
    expect(text).toMatch(/^[\n\t -~]*$/);
    const keys = text
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split("\t")[0] ?? "");
    expect(keys).toEqual([...keys].toSorted());
    const other = ROWS.toReversed().map((one) => ({
      ...one,
      homes: Object.fromEntries(Object.entries(one.homes).toReversed()),
    }));
    expect(encodeShard({ ...ONE, rows: other })).toBe(text);
  });

  it("takes about 20 bytes for an ordinary row", ({ expect }) => {
    const rows = accounts(1000, (slug, number) => row({ slug: `account-${slug}`, group: number % 40 }));
    expect(encodeShard({ ...ONE, rows }).length).toBeLessThan(20_000);
  });

  it("throws for a key that is there twice, in another shard, or no key", ({ expect }) => {
    expect(() => encodeShard({ ...ONE, rows: [row(), row()] })).toThrow("twice");
    expect(() => encodeShard({ shard: 1 - shardOf("acme", 2), shards: 2, rows: [row()] })).toThrow(
      "does not belong",
    );
    expect(() => encodeShard({ ...ONE, rows: [row({ key: "a\tb", slug: "a" })] })).toThrow("neither");
  });
});

describe("openShard", () => {
  it("finds every row as it was written and nothing else", ({ expect }) => {
    const shard = open(encodeShard({ ...ONE, rows: ROWS }));
    for (const one of ROWS) expect(shard.find(one.key)).toEqual(one);
    for (const key of ["", "b", "acm", "acme-", "acme\t0", "zzz", "shop.acme.exampl", "acme\n", "~"])
      expect(shard.find(key)).toBeNull();
  });

  it("lists rows in order and counts the live ones", ({ expect }) => {
    const shard = open(encodeShard({ ...ONE, rows: ROWS }));
    expect([...shard.list()]).toEqual(ROWS.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
    expect(shard).toMatchObject({ rows: 8, accounts: 6, domains: 1, tombstones: 1 });
  });

  it("opens a shard without rows", ({ expect }) => {
    const shard = open(encodeShard({ ...ONE, rows: [] }));
    expect([shard.rows, shard.find("acme"), [...shard.list()]]).toEqual([0, null, []]);
  });

  it("finds rows whose hashes share all the bits that a small table looks at", ({ expect }) => {
    const rows = accounts(4000)
      .filter(({ slug }) => (keyHash(slug) & 0x3f) === 7)
      .slice(0, 40);
    expect(rows).toHaveLength(40);
    const shard = open(encodeShard({ ...ONE, rows }));
    for (const one of rows) expect(shard.find(one.key)).toEqual(one);
    expect(shard.find("nobody")).toBeNull();
  });

  it("finds rows in a text longer than two bytes can say", ({ expect }) => {
    const rows = accounts(4500, (slug, number) => row({ slug: `account-of-${slug}`, group: number % 40 }));
    const text = encodeShard({ ...ONE, rows });
    expect(text.length).toBeGreaterThan(0x1_0000);
    const shard = open(text);
    expect(rows.map(({ key }) => shard.find(key))).toEqual(rows);
    expect(shard.find("account-nobody")).toBeNull();
  });

  it("refuses other content than the name says, any truncation included", ({ expect }) => {
    const text = encodeShard({ ...ONE, rows: ROWS });
    const hash = contentHash(text);
    for (let end = 0; end < text.length; end += 7) expect(faultOf(text.slice(0, end), hash)).toBe("hash");
    expect(faultOf(text.replace("acme", "acmf"), hash)).toBe("hash");
    expect(faultOf("x".repeat(26 * 1024 * 1024), hash)).toBe("too-large");
  });

  it("refuses lines that would hide or change rows although the name is right", ({ expect }) => {
    const text = encodeShard({
      ...ONE,
      rows: [row({ slug: "a" }), row({ slug: "b", pins: { kiln: "2.7.0" } })],
    });
    const bad = [
      text.slice(0, -1),
      text.replace("a\t0\n", ""),
      text.replace('"rows":2', '"rows":1'),
      text.replace('"rows":2', '"rows":0'),
      text.replace('"rows":2', '"rows":9007199254740991'),
      text.replace("a\t0", "b\t0"),
      text.replace("a\t0", "c\t0"),
      text.replace("a\t0", "A\t0"),
      text.replace("a\t0", "a\t1"),
      text.replace("a\t0", "a\t"),
      text.replace("a\t0", "a\t0\t-1"),
      text.replace("a\t0", "a\t0\t\t0"),
      text.replace("a\t0", "ä\t0"),
      text.replace('{"pins"', '{pins"'),
      text.replace('"2.7.0"}}', "7}}"),
      text.replace('"shards":1', '"shards":3'),
      text.replace('"shards":1', '"shards":2').replace('"shard":0', `"shard":${1 - shardOf("a", 2)}`),
    ];
    for (const one of bad) expect([one, faultOf(one)]).toEqual([one, "shape"]);
    expect(faultOf(text.replace('"schema":1', '"schema":2'))).toBe("schema");
    expect(faultOf(text.replace("{", ""))).toBe("not-json");
  });
});

describe("decodeIndex", () => {
  const hashes = ["0".repeat(32), "f".repeat(32)];
  const text = encodeIndex(hashes);
  const faultFor = (changed: string, hash = contentHash(changed)): string => {
    const decoded = decodeIndex(changed, hash);
    return decoded.ok ? "accepted" : decoded.error.fault;
  };

  it("reads what was written", ({ expect }) => {
    expect(decodeIndex(text, contentHash(text))).toEqual({ ok: true, value: hashes });
  });

  it("refuses what is not whole", ({ expect }) => {
    expect(faultFor(text, "0".repeat(32))).toBe("hash");
    expect(faultFor(encodeIndex([...hashes, hashes[0] ?? ""]))).toBe("shape");
    expect(faultFor(text.slice(0, -1))).toBe("shape");
    expect(faultFor(text.replace("ffff", "fffg"))).toBe("shape");
    expect(faultFor(text.replace('"schema":1', '"schema":9'))).toBe("schema");
    expect(faultFor("nonsense")).toBe("not-json");
    expect(faultFor(" ".repeat(2 * 1024 * 1024))).toBe("too-large");
  });
});
