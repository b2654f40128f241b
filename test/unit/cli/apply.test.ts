/**
 * `apply -f DIR` and `export DIR/` against real control planes: what is exported and applied to an empty instance is
 * exported again byte for byte, and applying twice changes nothing the second time. Wrong files change nothing at all.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { CliRun } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld } from "../../support/control-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";
import { memoryTerminal, runCli } from "../../support/cli.ts";
import { createPaint } from "../../../scripts/cli/directory/colour.ts";

const TIMEOUT_MS = 60_000;
const ACCOUNTS = 3000;
const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata"];
const origin = (name: string): string => `https://${name}.origins.example.net`;

const FLEET = { mode: "compare", origin: origin("fleet"), versionHeader: "X-Version" };

/** Several of everything. */
const FILES: Readonly<Record<string, unknown>> = {
  "products/kiln.json": {
    domains: ["kiln.example.com"],
    timeouts: [{ prefix: "/export/", seconds: 300 }],
    stable: "2.8.0",
    default: "2.7.0",
  },
  "products/fogbugz.json": { domains: ["fogbugz.example.com"], stable: "8.7.0" },
  "products/weblog.json": { domains: ["weblog.example.com"], fleet: FLEET },
  "versions/weblog/1.json": { origin: origin("weblog-1"), state: "live" },
  "versions/kiln/2.6.0.json": { origin: origin("kiln-2-6-0"), state: "retired", notes: "over" },
  "versions/kiln/2.7.0.json": { origin: origin("kiln-2-7-0"), state: "live" },
  "versions/kiln/2.7.5.json": { origin: origin("kiln-2-7-5"), state: "draining" },
  "versions/kiln/2.8.0.json": { origin: origin("kiln-2-8-0"), state: "live", assets: ["/assets/2.8.0/"] },
  "versions/kiln/2.9.0.json": {
    origin: origin("kiln-2-9-0"),
    state: "candidate",
    reversible: true,
    upgradesFrom: ["2.8.0"],
    requires: { fogbugz: ["8.8.0", "8.7.0"] },
    migration: {
      kind: "perAccount",
      prepare: `${origin("hooks")}/move`,
      verify: `${origin("hooks")}/move`,
      undo: `${origin("hooks")}/move`,
    },
  },
  "versions/kiln/2.9.1.json": {
    origin: origin("kiln-2-9-1"),
    state: "candidate",
    bad: { reason: "loses attachments" },
  },
  "versions/fogbugz/8.7.0.json": { origin: origin("fogbugz-8-7-0"), state: "live" },
  "versions/fogbugz/8.8.0.json": { origin: origin("fogbugz-8-8-0"), state: "candidate", mixed: "ok" },
  "windows/nights.json": {
    windows: [
      {
        days: ["fri", "sat"],
        from: "22:00",
        to: "04:00",
        zone: "account",
      },
    ],
  },
  "windows/patch.json": {
    windows: [{ nth: [{ week: 2, weekday: "tue" }], from: "01:00", to: "05:00", zone: "America/New_York" }],
  },
  "freezes/xmas.json": {
    from: "2026-12-20T00:00",
    to: "2027-01-04T00:00",
    zone: "account",
    scope: { products: ["kiln"] },
    reason: "quiet days",
  },
  "rollouts/autumn.json": {
    id: "autumn",
    targets: { kiln: "2.9.0", fogbugz: "8.8.0" },
    waves: [
      { name: "staff", cohorts: ["internal"], percent: 100 },
      { name: "rest", cohorts: ["*"], percent: 100, window: "nights", approve: "before" },
    ],
  },
};

function accountText(n: number): string {
  return JSON.stringify({
    account: `account-${n}`,
    timeZone: ZONES[n % 3],
    cohort: n % 10 === 0 ? "internal" : "general",
    labels: { tier: n % 2 === 0 ? "gold" : "free" },
    ...(n % 100 === 0 ? { domains: [{ host: `bugs.customer-${n}.example.org`, product: "kiln" }] } : {}),
    products: n % 4 === 0 ? ["kiln"] : ["kiln", "fogbugz"],
    ...(n % 5 === 0 ? { homes: { kiln: n % 2 === 0 ? "2.7.0" : "2.7.5" } } : {}),
  });
}

async function writeFiles(root: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, value] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), typeof value === "string" ? value : JSON.stringify(value));
  }
}

async function readFiles(root: string): Promise<Record<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return Object.fromEntries(files.map((file, index) => [file.slice(root.length + 1), texts[index] ?? ""]));
}

const opened: RealAdmin[] = [];
let root = "";

async function openInstance(): Promise<RealAdmin> {
  const api = await startRealAdmin(createWorld({ db: createMemoryDb() }));
  opened.push(api);
  return api;
}

async function done(api: RealAdmin, line: string): Promise<CliRun> {
  const result = await api.cli(line);
  if (result.code !== 0) throw new Error(`${line}: exit ${result.code}\n${result.err}${result.out}`);
  return result;
}

/** How many entries the audit has: what changes something is in it. */
async function audited(api: RealAdmin): Promise<number> {
  const { out } = await done(api, "audit list --all --json");
  const found: { items: unknown[] } = JSON.parse(out) as { items: unknown[] };
  return found.items.length;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "firebreak-apply-"));
  const accounts = Array.from({ length: ACCOUNTS }, (_unused, n) => accountText(n));
  await writeFiles(join(root, "first"), { ...FILES, "accounts.ndjson": `${accounts.join("\n")}\n` });
});
afterAll(async () => {
  for (const api of opened) await api.stop();
  await rm(root, { recursive: true, force: true });
});

describe("apply and export of a directory", () => {
  it("are each other's way back, byte for byte", { timeout: TIMEOUT_MS }, async ({ expect }) => {
    const [one, two] = [await openInstance(), await openInstance()];
    const first = join(root, "first");
    const applied = await done(one, `apply -f ${first} --yes`);
    expect(applied.out).toContain("3,000 new");
    await done(one, `export ${root}/a/`);
    await done(two, `apply -f ${root}/a --yes`);
    await done(two, `export ${root}/b/`);
    const [a, b] = [await readFiles(join(root, "a")), await readFiles(join(root, "b"))];
    expect(Object.keys(a).toSorted()).toEqual([...Object.keys(FILES), "accounts.ndjson"].toSorted());
    expect(b).toEqual(a);
    expect(a["accounts.ndjson"]?.trim().split("\n")).toHaveLength(ACCOUNTS);
    expect(a["rollouts/autumn.json"]).toContain("2.9.0");
    expect(a["versions/kiln/2.9.1.json"]).toContain("loses attachments");

    for (const [api, folder] of [
      [one, first],
      [one, `${root}/a`],
      [two, first],
    ] as const) {
      const before = await audited(api);
      const again = await done(api, `apply -f ${folder} --yes --json`);
      expect(JSON.parse(again.out)).toMatchObject({ applied: false, steps: 0, changes: [] });
      expect(await audited(api)).toBe(before);
    }

    const changed = join(root, "changed");
    await cp(join(root, "a"), changed, { recursive: true });
    await writeFiles(changed, {
      "windows/nights.json": { windows: [{ from: "23:00", to: "03:00", zone: "account" }] },
      "versions/kiln/2.8.0.json": { origin: origin("kiln-2-8-0-b"), state: "live" },
      "accounts.ndjson": (a["accounts.ndjson"] ?? "").replace('"cohort":"general"', '"cohort":"early"'),
    });
    const before = await audited(one);
    const shown = await one.cli(`apply -f ${changed}`);
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/~ version\/kiln\/2\.8\.0 \([\d,]+ accounts\)/);
    expect(shown.out).toContain("Nothing was done. The same with --yes does it.");
    expect((await done(one, `apply -f ${changed} --dry-run`)).out).toContain("1 changed");
    expect(await audited(one)).toBe(before);
    await done(one, `apply -f ${changed} --yes`);
    const then = await audited(one);
    expect(then).toBeGreaterThan(before);
    expect((await done(one, `apply -f ${changed} --yes`)).out).toContain("Nothing to change");
    expect(await audited(one)).toBe(then);
  });

  it("leaves the default and homes of a live product alone, and says so", async ({ expect }) => {
    const api = await openInstance();
    const folder = join(root, "moves");
    const files = {
      "products/kiln.json": { domains: ["kiln.example.com"], default: "1", stable: "1" },
      "versions/kiln/1.json": { origin: origin("kiln-1"), state: "live" },
      "versions/kiln/2.json": { origin: origin("kiln-2"), state: "live" },
      "accounts.csv": "account,timeZone,cohort\nacme,UTC,general\n",
    };
    await writeFiles(folder, files);
    await done(api, `apply -f ${folder} --yes`);
    await rm(join(folder, "accounts.csv"));
    await writeFiles(folder, {
      "products/kiln.json": { domains: ["kiln.example.com"], default: "2", stable: "1" },
      "accounts.ndjson": '{"account":"acme","timeZone":"UTC","cohort":"general","homes":{"kiln":"2"}}\n',
    });
    const { out } = await done(api, `apply -f ${folder} --yes`);
    expect(out).toContain("default promote kiln 2");
    expect(out).toContain("Accounts change version by a rollout");
    expect(out).toContain("Nothing to change");
  });

  it("sets who answers a new product, changes today's fleet, and takes nobody from or to it", async ({
    expect,
  }) => {
    const api = await openInstance();
    const folder = join(root, "modes");
    const domains = ["kiln.example.com"];
    const through = { mode: "pass-through", origin: origin("fleet") };
    const apply = async (product: Readonly<Record<string, unknown>>): Promise<string> => {
      await writeFiles(folder, { "products/kiln.json": { domains, ...product } });
      return (await done(api, `apply -f ${folder} --yes`)).out;
    };
    const modeOf = async (): Promise<unknown> => {
      const { fleet }: { fleet: unknown } = JSON.parse((await done(api, "product show kiln --json")).out);
      return fleet;
    };
    await writeFiles(folder, { "versions/kiln/1.json": { origin: origin("kiln-1"), state: "live" } });
    expect(await apply({ fleet: through })).toContain("pass-through");
    expect(await modeOf()).toMatchObject({ ...through, versionHeader: null });
    expect(await apply({ fleet: through })).toContain("Nothing to change");
    expect(await apply({ fleet: FLEET })).toContain("compare");
    expect(await modeOf()).toMatchObject(FLEET);
    const back = await apply({});
    expect(back).toContain("Product kiln is compare, the file says active: left alone");
    expect(back).toContain("product mode kiln active --reason …");
    expect(await modeOf()).toMatchObject(FLEET);
    await done(api, "product mode kiln active --reason over --yes");
    const over = await apply({ fleet: FLEET });
    expect(over).toContain(
      `product mode kiln compare --origin ${origin("fleet")} --version-header X-Version --reason …`,
    );
    expect([over.includes("Nothing to change"), await modeOf()]).toEqual([true, null]);
    await writeFiles(folder, { "products/kiln.json": { domains, fleet: { ...through, mode: "compare" } } });
    const wrong = await api.cli(`apply -f ${folder} --yes`);
    expect([wrong.code, wrong.err]).toEqual([
      1,
      expect.stringContaining("compare needs the response header"),
    ]);
  });

  it("brings the new stable up before the old one drains", async ({ expect }) => {
    const api = await openInstance();
    const folder = join(root, "swap");
    await writeFiles(folder, {
      "products/kiln.json": { domains: ["kiln.example.com"], stable: "1" },
      "versions/kiln/1.json": { origin: origin("kiln-1"), state: "live" },
    });
    await done(api, `apply -f ${folder} --yes`);
    await writeFiles(folder, {
      "products/kiln.json": { domains: ["kiln.example.com"], stable: "2" },
      "versions/kiln/1.json": { origin: origin("kiln-1"), state: "draining" },
      "versions/kiln/2.json": { origin: origin("kiln-2"), state: "live" },
    });
    await done(api, `apply -f ${folder} --yes`);
    expect((await done(api, `apply -f ${folder} --yes`)).out).toContain("Nothing to change");
    const shown: unknown = JSON.parse((await done(api, "product show kiln --json")).out);
    expect(shown).toMatchObject({ stable: "2", default: "1" });
  });

  it("removes by name alone", async ({ expect }) => {
    const api = await openInstance();
    const folder = join(root, "prunes");
    await writeFiles(folder, {
      "windows/a.json": FILES["windows/patch.json"],
      "windows/b.json": FILES["windows/patch.json"],
    });
    await done(api, `apply -f ${folder} --yes`);
    await rm(join(folder, "windows/b.json"));
    expect((await done(api, `apply -f ${folder} --yes`)).out).toContain("left alone: window/b");
    expect((await api.cli(`apply -f ${folder} --prune window/a --yes`)).code).toBe(2);
    expect((await done(api, `apply -f ${folder} --prune window/b --yes`)).out).toContain("- window/b");
    expect((await done(api, `apply -f ${folder} --prune window/b --yes`)).out).toContain("nothing to prune");
  });
});

describe("a directory with mistakes", () => {
  it("is refused whole, each with file and line", async ({ expect }) => {
    const api = await openInstance();
    const folder = join(root, "wrong");
    await writeFiles(folder, {
      "products/kiln.json": '{\n  "domains": ["kiln.example.com"],\n  "stabel": "1"\n}',
      "windows/nights.json": '{ "windows": [\n  { "from": "25:00", "to": "04:00", "zone": "account" }\n] }',
      "freezes/xmas.json": "{ no",
      "notes.txt": "?",
    });
    const files = await api.cli(`apply -f ${folder} --yes`);
    expect(files.code).toBe(1);
    for (const text of [
      "kiln.json:1: ",
      "nights.json:2: ",
      "xmas.json:1: is not JSON",
      "notes.txt: has no place",
    ])
      expect(files.err).toContain(text);

    await rm(folder, { recursive: true });
    await writeFiles(folder, {
      "products/kiln.json": { domains: ["kiln.example.com"], stable: "1" },
      "versions/kiln/1.json": { origin: origin("kiln-1"), state: "live" },
      "rollouts/autumn.json":
        '{ "id": "autumn",\n  "targets": { "kiln": "9" },\n  "waves": [{ "name": "all", "cohorts": ["*"], "percent": 100 }] }',
      "accounts.csv": "account,timeZone,cohort\nacme,UTC,general\nacme,UTC,general\nübel,UTC,general\n",
    });
    const names = await api.cli(`apply -f ${folder} --yes`);
    expect(names.code).toBe(1);
    expect(names.err).toContain("autumn.json:2: there is no version kiln 9");
    expect(names.err).toContain("accounts.csv:3: acme is on line 2 already");
    expect(names.err).toContain("accounts.csv:4: ");
    expect(names.err).toContain("nothing was changed");
    expect(await audited(api)).toBe(0);
  });

  it("says why a new product cannot begin with a candidate as its default", async ({ expect }) => {
    const api = await openInstance();
    const folder = join(root, "candidate");
    await writeFiles(folder, {
      "products/kiln.json": { domains: ["kiln.example.com"], default: "2", stable: "1" },
      "versions/kiln/1.json": { origin: origin("kiln-1"), state: "live" },
      "versions/kiln/2.json": { origin: origin("kiln-2"), state: "candidate" },
    });
    const { code, err } = await api.cli(`apply -f ${folder} --yes`);
    expect(code).toBe(1);
    expect(err).toContain("2.json:1: kiln is new here");
    expect(err).toContain("default promote");
    expect(await audited(api)).toBe(0);
  });

  it("stops where the instance refuses, says what was done, and goes on when run again", async ({
    expect,
  }) => {
    const api = await openInstance();
    const folder = join(root, "halfway");
    const files = {
      "products/kiln.json": { domains: ["kiln.example.com"] },
      "versions/kiln/1.json": { origin: "https://kiln.elsewhere.example", state: "live" },
      "windows/nights.json": FILES["windows/patch.json"],
    };
    await writeFiles(folder, files);
    const stopped = await api.cli(`apply -f ${folder} --yes`);
    expect(stopped.code).toBe(1);
    expect(stopped.err).toMatch(/done:\n +- write product\/kiln/);
    expect(stopped.err).toMatch(/not_done:\n +- write version\/kiln\/1\n +- write window\/nights/);
    await writeFiles(folder, { "versions/kiln/1.json": { origin: origin("kiln-1"), state: "live" } });
    expect((await done(api, `apply -f ${folder} --yes`)).out).toContain("Done: 2 steps.");
    expect((await done(api, `apply -f ${folder} --yes`)).out).toContain("Nothing to change");
  });
});

describe("a folder that is not there", () => {
  it("is called a folder", async ({ expect }) => {
    const { code, err } = await runCli(["apply", "-f", "no-such-folder"]);
    expect([code, err]).toEqual([1, expect.stringContaining("There is no folder no-such-folder.")]);
  });
});

describe("the colours of a difference", () => {
  it("are for screens alone, and not with NO_COLOR", ({ expect }) => {
    const painted = (options: Parameters<typeof memoryTerminal>[0]): string =>
      createPaint(memoryTerminal(options).terminal)("+", "new");
    expect(painted({ columns: 80 })).toContain("\u001b[32m");
    expect(painted({})).toBe("new");
    expect(painted({ columns: 80, env: { NO_COLOR: "1" } })).toBe("new");
  });
});
