/**
 * Random directories: applied to an empty instance, exported, applied to another empty one and exported again they are the
 * same bytes, and applying any of them again changes nothing. Whole command lines over real control planes.
 */
import fc from "fast-check";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "vitest";
import { createMemoryDb } from "../support/control-db.ts";
import { createWorld } from "../support/control-world.ts";
import { startRealAdmin, type RealAdmin } from "../support/real-admin.ts";

const RUNS = 5;
const TIMEOUT_MS = 120_000;
const PRODUCTS = ["fogbugz", "kiln"] as const;
const STATES = ["registered", "candidate", "live", "draining", "retired"] as const;
const BARE = "left out";

type Version = Readonly<Record<string, unknown>> & { readonly state: (typeof STATES)[number] };

const text = fc.constantFrom("", "plain", "Größe „x“", 'quote " and \\', "two\nlines");
const reason = fc.constantFrom("loses attachments", "slow – 8 s", 'says "no"');

/** What may be left out is left out at times. */
function some<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | typeof BARE> {
  return fc.oneof(fc.constant<typeof BARE>(BARE), arbitrary);
}

function without(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== BARE));
}

function versionArb(product: string, name: string): fc.Arbitrary<Version> {
  const hook = `https://hooks.origins.example.net/${product}`;
  return fc.record({
    origin: fc.constant(`https://${product}-${name}.origins.example.net`),
    state: fc.constantFrom(...STATES),
    reversible: some(fc.constantFrom(true, false, "2027-01-01T00:00:00Z")),
    mixed: some(fc.constantFrom("ok", "never")),
    migration: some(
      fc.constantFrom({ kind: "none" }, { kind: "perAccount", prepare: hook, verify: hook, undo: hook }),
    ),
    upgradesFrom: some(fc.constantFrom(null, ["1"], ["2", "1"])),
    requires: some(fc.constantFrom({}, { fogbugz: ["1"] }, { kiln: ["2", "1"], fogbugz: ["1"] })),
    assets: some(fc.constantFrom([], [`/assets/${name}/`], [`/b-${name}/`, `/a-${name}/`])),
    events: some(fc.constantFrom(null, hook)),
    notes: some(text),
    bad: some(fc.record({ reason })),
  });
}

/** Version 1 is live, so that there is something to be stable and default; what those are cannot be bad. */
function productFiles(product: string): fc.Arbitrary<Record<string, unknown>> {
  const versions = fc.tuple(...["1", "2", "3", "4"].map((name) => versionArb(product, name)));
  const mode = some(fc.constantFrom("pass-through", "compare"));
  return fc.tuple(versions, fc.nat(), fc.nat(), fc.boolean(), mode).map(([all, a, b, slow, fleet]) => {
    const states = all.map(({ state }, index) => (index === 0 ? "live" : state));
    const named = (wanted: readonly string[], pick: number): string => {
      const those = states.flatMap((state, index) => (wanted.includes(state) ? [`${index + 1}`] : []));
      return those[pick % those.length] ?? "1";
    };
    const stable = named(["live"], a);
    const first = named(["live", "draining"], b);
    const files = all.map((version, index) => {
      const name = `${index + 1}`;
      const good = name === stable || name === first;
      const value = { ...version, state: states[index], bad: good ? BARE : version["bad"] };
      return [`versions/${product}/${name}.json`, without(value)] as const;
    });
    const timeouts = slow ? [{ prefix: "/slow/", seconds: 300 }] : [];
    const ours = { mode: fleet, origin: "https://fleet.origins.example.net", versionHeader: "X-Version" };
    const value = without({
      domains: [`${product}.example.com`],
      timeouts,
      stable,
      default: first,
      fleet: fleet === BARE ? BARE : ours,
    });
    return { ...Object.fromEntries(files), [`products/${product}.json`]: value };
  });
}

const calendar = fc
  .record({
    "windows/nights.json": some(
      fc.constantFrom(
        { windows: [{ days: ["sat", "fri"], from: "22:00", to: "04:00", zone: "account" }] },
        { windows: [{ nth: [{ week: "last", weekday: "sat" }], from: "01:00", to: "05:00", zone: "UTC" }] },
      ),
    ),
    "freezes/xmas.json": some(
      fc.record({
        from: fc.constant("2026-12-20T00:00"),
        to: fc.constant("2027-01-04T00:00"),
        zone: fc.constantFrom("account", "Europe/Paris"),
        scope: fc.constantFrom({}, { products: ["kiln"] }, { labels: { tier: "gold", area: "eu" } }),
        reason,
      }),
    ),
  })
  .map(without);

const account = fc.record({
  timeZone: fc.constantFrom("UTC", "Asia/Kolkata"),
  cohort: fc.constantFrom("internal", "general"),
  labels: some(fc.constantFrom({}, { tier: "gold", area: "eu" })),
  products: some(fc.subarray([...PRODUCTS], { minLength: 1 })),
  homes: some(fc.constant({ kiln: "1" })),
});
const accounts = fc.array(account, { maxLength: 8 }).map((all) => {
  const lines = all.map(({ homes, ...rest }, n) => {
    const has = rest.products === BARE || rest.products.includes("kiln");
    return JSON.stringify({ account: `a-${n}`, ...without({ ...rest, homes: has ? homes : BARE }) });
  });
  return { "accounts.ndjson": lines.map((line) => `${line}\n`).join("") };
});

const directory = fc
  .tuple(...PRODUCTS.map(productFiles), calendar, accounts)
  .map((parts): Readonly<Record<string, unknown>> => Object.assign({}, ...parts));

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

async function done(api: RealAdmin, line: string): Promise<string> {
  const { code, out, err } = await api.cli(line);
  if (code !== 0) throw new Error(`${line}: exit ${code}\n${err}${out}`);
  return out;
}

describe("a random directory", () => {
  it("comes back byte for byte, and applies once", { timeout: TIMEOUT_MS }, async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(directory, async (files) => {
        const root = await mkdtemp(join(tmpdir(), "firebreak-apply-prop-"));
        const one = await startRealAdmin(createWorld({ db: createMemoryDb() }));
        const two = await startRealAdmin(createWorld({ db: createMemoryDb() }));
        try {
          await writeFiles(join(root, "first"), files);
          await done(one, `apply -f ${root}/first --yes`);
          await done(one, `export ${root}/a/`);
          await done(two, `apply -f ${root}/a --yes`);
          await done(two, `export ${root}/b/`);
          expect(await readFiles(join(root, "b"))).toEqual(await readFiles(join(root, "a")));
          for (const line of ["first", "a"].map((name) => `apply -f ${root}/${name} --yes`))
            for (const api of [one, two]) expect(await done(api, line)).toContain("Nothing to change");
        } finally {
          await one.stop();
          await two.stop();
          await rm(root, { recursive: true });
        }
      }),
      { numRuns: RUNS },
    );
  });
});
