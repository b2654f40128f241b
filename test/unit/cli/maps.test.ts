/** The offline maps verbs, through whole command lines, on dumps built with the publisher's own codecs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { differenceText } from "../../../scripts/cli/maps-diff-words.ts";
import { rootCopyKey, ROOT_KEY, type AccountRow, type Root } from "../../../src/contracts/maps.ts";
import { decodeRoot, encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { runCli } from "../../support/cli.ts";
import {
  accounts,
  breakGlass,
  product,
  published,
  rollout,
  root,
  row,
  type PublishOptions,
} from "../../support/maps-builders.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Entries = ReadonlyMap<string, string>;
let files = 0;

async function save(entries: Entries, as: "ndjson" | "json" = "ndjson"): Promise<string> {
  const list = [...entries].map(([key, value]) => ({ key, value }));
  const file = join(folder, `dump-${++files}.${as}`);
  await writeFile(
    file,
    as === "json" ? JSON.stringify(list) : list.map((entry) => `${JSON.stringify(entry)}\n`).join(""),
  );
  return file;
}

async function dump(
  partial: Partial<Root>,
  rows: readonly AccountRow[],
  options: PublishOptions = {},
): Promise<string> {
  return save(published(partial, rows, options).entries);
}

const json = (text: string): unknown => JSON.parse(text);

describe("maps verify", () => {
  it.for(["ndjson", "json"] as const)(
    "accepts good maps as %s and says what they hold",
    async (as, { expect }) => {
      const rows = [
        ...accounts(20),
        row({ slug: "old", deleted: true }),
        row({ key: "code.acme.example", slug: "a1", product: "kiln", homes: { kiln: "2.8.0" } }),
      ];
      const file = await save(published({ generation: 7 }, rows, { shards: 4 }).entries, as);
      const { code, out, err } = await runCli(["maps", "verify", file]);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(/^generation\s+7$/m);
      expect(out).toMatch(/^accounts\s+20$/m);
      expect(out).toMatch(/^tombstones\s+1$/m);
      expect(out).toMatch(/^kiln\s+2\.8\.0\s+20$/m);
    },
  );

  it.for([
    [
      "a shard that is missing",
      (e: Map<string, string>): void => void e.delete(keyLike(e, "shard/")),
      /shard\/[0-9a-f]{32}: missing/,
    ],
    [
      "a shard that was changed",
      (e: Map<string, string>): void => void e.set(keyLike(e, "shard/"), `${e.get(keyLike(e, "shard/"))} `),
      /shard\/[0-9a-f]{32}: hash/,
    ],
    [
      "an index that is missing",
      (e: Map<string, string>): void => void e.delete(keyLike(e, "index/")),
      /index\/[0-9a-f]{32}: missing/,
    ],
    [
      "a root that was changed",
      (e: Map<string, string>): void =>
        void e.set(ROOT_KEY, (e.get(ROOT_KEY) ?? "").replace("2.8.0", "2.9.0")),
      /root: checksum/,
    ],
    [
      "a copy of the root that differs",
      (e: Map<string, string>): void => void e.set(rootCopyKey(1), "x"),
      /root\/1: generation/,
    ],
    [
      "a break-glass document with a misspelt member",
      (e: Map<string, string>): void => void e.set("break-glass", '{"reason":"r","expires":1,"insted":{}}'),
      /break-glass: .*insted/,
    ],
  ] as const)("refuses %s, names it and exits 1", async ([, spoil, sentence], { expect }) => {
    const entries = new Map(published({}, accounts(5)).entries);
    spoil(entries);
    const file = await save(entries);
    const people = await runCli(["maps", "verify", file]);
    expect(people.code).toBe(1);
    expect(people.err).toMatch(sentence);
    const program = await runCli(["maps", "verify", file, "--json"]);
    expect(json(program.out)).toMatchObject({ ok: false });
    expect(json(program.err)).toMatchObject({ type: "urn:firebreak:cli:bad-maps" });
  });

  it("finds counts that do not fit and rows that decide to nothing", async ({ expect }) => {
    const file = await dump({ accounts: 99 }, [row({ slug: "acme", homes: { kiln: "1.0.0" } })]);
    const { code, err } = await runCli(["maps", "verify", file]);
    expect(code).toBe(1);
    expect(err).toMatch(/root: shape, the root says 99 accounts, the shards hold 1/);
    expect(err).toMatch(/acme: unresolved, kiln: .*1\.0\.0/);
  });

  it.for([
    ["is not there", null, /There is no such file/],
    ["is empty", "", /it is empty/],
    ["holds something else", '{"hello":1}\n', /entry 1 is no/],
    ["is no JSON", "hello\n", /line 1 is no JSON/],
    ["is a broken array", "[{", /JSON array and is none/],
    ["has a key twice", '{"key":"a","value":"b"}\n{"key":"a","value":"b"}\n', /twice/],
  ] as const)("says so when the file %s", async ([, content, sentence], { expect }) => {
    const file = join(folder, `bad-${++files}`);
    if (content !== null) await writeFile(file, content);
    const { code, err } = await runCli(["maps", "verify", file]);
    expect(code).toBe(1);
    expect(err).toMatch(sentence);
  });
});

function keyLike(entries: Entries, prefix: string): string {
  return [...entries.keys()].find((key) => key.startsWith(prefix)) ?? "";
}

describe("maps diff", () => {
  it("finds nothing between maps that differ in generation alone, and exits 0", async ({ expect }) => {
    const rows = accounts(50);
    const [a, b] = [await dump({ generation: 1 }, rows), await dump({ generation: 2 }, rows, { shards: 4 })];
    const { code, out } = await runCli(["maps", "diff", a, b, "--exit-code"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^generation\s+1\s+2$/m);
    expect(out).toContain("No account gets anything else.");
  });

  it("lists whose version would differ: by rollout, pin, deletion, hold and default", async ({ expect }) => {
    const same = [row({ slug: "stays" }), row({ slug: "also", group: 1 })];
    const a = await dump({}, [
      ...same,
      row({ slug: "moved", group: 0 }),
      row({ slug: "pinned" }),
      row({ slug: "gone" }),
      row({ slug: "held" }),
    ]);
    const b = await dump({ rollouts: [rollout({ moved: [10_000, 0] })] }, [
      ...same,
      row({ slug: "moved", group: 0 }),
      row({ slug: "pinned", pins: { fogbugz: "2.7.0" } }),
      row({ slug: "held", hold: { mode: "page", message: null, until: null } }),
      row({ slug: "newcomer", homes: { kiln: "2.9.0" } }),
      row({ key: "code.acme.example", slug: "stays", product: "kiln", homes: { kiln: "2.8.0" } }),
    ]);
    const { code, out } = await runCli(["maps", "diff", a, b, "--json", "--exit-code"]);
    expect(code).toBe(1);
    const result = json(out) as {
      moves: { key: string; product: string; from: string; to: string }[];
      differ: boolean;
    };
    expect(result.differ).toBe(true);
    const moves = result.moves
      .map(({ key, product: of, from, to }) => `${key} ${of} ${from} → ${to}`)
      .toSorted();
    expect(moves).toEqual([
      "code.acme.example kiln not served → 2.8.0",
      "gone fogbugz 2.8.0 → unknown (2.8.0)",
      "gone kiln 2.8.0 → unknown (2.8.0)",
      "held fogbugz 2.8.0 → held",
      "held kiln 2.8.0 → held",
      "moved kiln 2.8.0 → 2.9.0",
      "newcomer kiln unknown (2.8.0) → 2.9.0",
      "pinned fogbugz 2.8.0 → 2.7.0",
    ]);
  });

  it("counts moves by version for people, lists the first and says how many more", async ({ expect }) => {
    const a = await dump({}, accounts(30));
    const b = await dump(
      {},
      accounts(30, (slug) => row({ slug, homes: { kiln: "2.9.0", fogbugz: "2.8.0" } })),
    );
    const { out, code } = await runCli(["maps", "diff", a, b, "--limit", "3"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^kiln\s+2\.8\.0\s+2\.9\.0\s+30\s+0$/m);
    expect(out).toContain("… and 27 more");
  });

  it("shows what differs in the root, and counts it as a difference", async ({ expect }) => {
    const a = await dump({}, []);
    const kiln = product("kiln", { default: "2.9.0", hold: { mode: "readOnly", message: "m", until: null } });
    const b = await dump({ halt: true, products: { kiln, fogbugz: product("fogbugz") } }, []);
    const { out, code } = await runCli(["maps", "diff", a, b, "--exit-code"]);
    expect(code).toBe(1);
    expect(out).toMatch(/^kiln\.default\s+2\.8\.0\s+2\.9\.0$/m);
    expect(out).toMatch(/^kiln\.hold\s+null\s+\{/m);
    expect(out).toMatch(/^halt\s+false\s+true$/m);
  });

  it("shortens what is too long for a table, and keeps all of it in --json", ({ expect }) => {
    const moved = Array.from({ length: 150 }, (_unused, n) => n);
    const before = { id: "autumn", moved };
    const after = { id: "autumn", moved: moved.map((n) => (n < 37 ? n + 1000 : n)) };
    expect(differenceText(before, after)).toBe("moved 150 entries, 37 differ");
    expect(differenceText(before, undefined)).toBe("id autumn, moved 150 entries, 150 differ");
    expect(differenceText(undefined, after)).toBe("–");
    expect(differenceText({ a: 1 }, { a: 2 })).toBe('{"a":1}');
    expect(differenceText("x".repeat(500), "y")).toHaveLength(60);
  });

  it("counts a break-glass document only until it expires", async ({ expect }) => {
    const { entries } = published({}, accounts(3));
    const document = { ...breakGlass({ accounts: { a1: { kiln: "2.7.0" } } }), expires: 1_800_000_000_000 };
    const a = await save(entries);
    const b = await save(new Map([...entries, ["break-glass", JSON.stringify(document)]]));
    const during = await runCli(["maps", "diff", a, b, "--json"], { nowMs: 1_799_999_999_999 });
    expect(json(during.out)).toMatchObject({ moves: [{ key: "a1", from: "2.8.0", to: "2.7.0" }] });
    const after = await runCli(["maps", "diff", a, b, "--json"], { nowMs: 1_800_000_000_000 });
    expect(json(after.out)).toMatchObject({ moves: [], differ: false });
  });

  it("knows an urgent row before the one in its shard", async ({ expect }) => {
    const a = await dump({}, [row({ slug: "acme" })]);
    const b = await dump({ urgent: [row({ slug: "acme", quarantine: { kiln: "2.7.0" } })] }, [
      row({ slug: "acme" }),
    ]);
    const { out } = await runCli(["maps", "diff", a, b, "--json"]);
    expect(json(out)).toMatchObject({
      moves: [{ key: "acme", product: "kiln", from: "2.8.0", to: "2.7.0" }],
    });
  });
});

describe("maps load", () => {
  it("writes objects and root apart, raises the generation and prints the commands in order", async ({
    expect,
  }) => {
    const made = published({ generation: 5 }, accounts(40), { shards: 4 });
    const source = await save(new Map([...made.entries, ["shard/unnamed", "x"], ["break-glass", "{}"]]));
    const out = join(folder, "load");
    const run = await runCli(["maps", "load", source, "--generation", "9", "--out-dir", out, "--json"]);
    expect([run.code, run.err]).toEqual([0, ""]);
    const { files: written, commands } = json(run.out) as {
      files: { objects: string[]; root: string };
      commands: string[];
    };
    const [objectsFile = ""] = written.objects;
    const where = '--binding MAPS --preview false --remote --env=""';
    expect(commands).toEqual([
      `npx wrangler kv bulk put ${objectsFile} ${where}`,
      "sleep 60",
      `npx wrangler kv bulk put ${written.root} ${where}`,
    ]);

    const objects = json(await readFile(objectsFile, "utf8")) as { key: string; value: string }[];
    const rootEntries = json(await readFile(written.root, "utf8")) as { key: string; value: string }[];
    expect(rootEntries.map(({ key }) => key)).toEqual(["root"]);
    expect(decodeRoot(rootEntries[0]?.value ?? "")).toEqual({
      ok: true,
      value: { ...made.root, generation: 9 },
    });
    expect(objects.map(({ key }) => key).toSorted()).toEqual(
      [...made.entries.keys()]
        .filter((key) => /^(?:shard|index)\//.test(key))
        .concat("root/9")
        .toSorted(),
    );
    const check = await save(new Map([...objects, ...rootEntries].map(({ key, value }) => [key, value])));
    expect((await runCli(["maps", "verify", check])).code).toBe(0);
  });

  it("keeps the bytes of the root when no generation is given", async ({ expect }) => {
    const made = published({ generation: 5 }, accounts(3));
    const run = await runCli(["maps", "load", await save(made.entries), "--json"]);
    const { files: written } = json(run.out) as { files: { root: string } };
    expect(json(await readFile(written.root, "utf8"))).toEqual([{ key: "root", value: made.rootText }]);
  });

  it("refuses a generation that edges would refuse, with exit code 2", async ({ expect }) => {
    const file = await dump({ generation: 5 }, accounts(3));
    const { code, err } = await runCli(["maps", "load", file, "--generation", "5"]);
    expect(code).toBe(2);
    expect(err).toContain("above the dump's own, 5");
  });

  it("refuses maps that an edge would refuse", async ({ expect }) => {
    const entries = new Map(published({}, accounts(3)).entries);
    entries.set(ROOT_KEY, encodeRoot(root({ products: {} })));
    const { code, err } = await runCli(["maps", "load", await save(entries)]);
    expect(code).toBe(1);
    expect(err).toContain("no-products");
  });

  it("writes nothing in a dry run", async ({ expect }) => {
    const out = join(folder, "dry");
    const run = await runCli(["maps", "load", await dump({}, accounts(3)), "--out-dir", out, "--dry-run"]);
    expect(run.code).toBe(0);
    expect(run.out).toContain("Dry run: nothing was written.");
    await expect(readFile(join(out, "anything"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
