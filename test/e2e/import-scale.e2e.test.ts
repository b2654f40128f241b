/**
 * A large import through the command line into a running instance with 20 versions, one account in twenty with a domain of
 * its own, and what one changed account costs afterwards. Nothing is timed; every wait is for a condition.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Instance } from "../../scripts/local/instance.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import {
  MAX_BREAK_GLASS_BYTES,
  MAX_INDEX_BYTES,
  MAX_ROOT_BYTES,
  MAX_SHARD_BYTES,
} from "../../src/contracts/limits.ts";
import { spawnCli, type CliRun } from "../support/cli.ts";
import { inForm } from "../support/form.ts";
import { startTestInstance } from "../support/local-instance.ts";

const ACCOUNTS = inForm({ short: 100_000, long: 1_000_000 });
const VERSIONS = 20;
const DOMAIN_EVERY = 20;
/** For import and publish together, on a machine that has other work. */
const TIMEOUT_MS = inForm({ short: 300_000, long: 1_800_000 });
/** Of each key in KV, by the part of its name before the slash. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  root: MAX_ROOT_BYTES,
  index: MAX_INDEX_BYTES,
  shard: MAX_SHARD_BYTES,
  "break-glass": MAX_BREAK_GLASS_BYTES,
};
const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"];

let instance: Instance;
let folder: string;

function firebreak(...argv: string[]): Promise<CliRun> {
  const env = { FIREBREAK_URL: `http://localhost:${instance.ports[0]}`, FIREBREAK_TOKEN: "dev" };
  return spawnCli(argv, { env });
}

const domainOf = (number: number): string => `shop-${number}.example.net`;

function line(number: number): string {
  const timeZone = ZONES[number % ZONES.length];
  const own = number % DOMAIN_EVERY === 0 ? { domains: [{ host: domainOf(number), product: "kiln" }] } : {};
  return JSON.stringify({ account: `t${number}`, timeZone, cohort: "general", ...own });
}

async function accept(...argv: string[]): Promise<string> {
  const { code, out, err } = await firebreak(...argv);
  if (code !== 0) throw new Error(`firebreak ${argv.join(" ")}: exit ${code}\n${err}`);
  return out;
}

/** Waits until nothing is left to publish: each look is a request, so this is no busy loop. */
async function untilPublished(accounts: number): Promise<void> {
  for (let looks = 0; looks < 400; looks++) {
    const status = JSON.parse(await accept("status", "--json"));
    if (status.published.waiting === 0 && status.published.state === "idle" && status.accounts === accounts)
      return;
  }
  throw new Error("the import was never published");
}

async function dumpMaps(): Promise<ReadonlyMap<string, string>> {
  const out = await accept("maps", "dump", "--out", "-");
  return new Map(
    out
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text))
      .map(({ key, value }: { key: string; value: string }) => [key, value]),
  );
}

describe(`an import of ${ACCOUNTS} accounts`, { timeout: TIMEOUT_MS }, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "firebreak-import-"));
    instance = await startTestInstance({ bare: true, nodes: 1 });
    await accept("product", "put", "kiln", "--domain", "kiln.localhost");
    for (let minor = 0; minor < VERSIONS; minor += 1)
      await instance.admin.must({
        method: "PUT",
        path: `products/kiln/versions/1.${minor}.0`,
        body: { origin: `http://127.0.0.1:${9 + minor}` },
      });
  });

  afterAll(async () => {
    await instance.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes every good line, names the bad ones, and shows how far it is", async ({ expect }) => {
    const lines = Array.from({ length: ACCOUNTS }, (_, number) => line(number));
    lines.splice(500, 0, "{ not json");
    lines.splice(70_000, 0, JSON.stringify({ account: "mars", timeZone: "Mars/Olympus", cohort: "general" }));
    const file = join(folder, "accounts.ndjson");
    await writeFile(file, lines.join("\n"));

    const { code, out } = await firebreak("accounts", "import", file, "--json");
    const events: readonly { readonly event: string; readonly [field: string]: unknown }[] = out
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text));
    const of = (event: string): readonly unknown[] => events.filter((one) => one.event === event);

    expect(code).toBe(1);
    expect(of("rejected")).toMatchObject([
      { line: 501, account: null },
      { line: 70_001, account: "mars" },
    ]);
    expect(of("progress").length).toBeGreaterThan(ACCOUNTS / 2000 - 1);
    expect(of("done")).toMatchObject([{ summary: { lines: ACCOUNTS + 2, added: ACCOUNTS, rejected: 2 } }]);
    await untilPublished(ACCOUNTS);
  });

  it("publishes one shard, one index and one root for one changed account", async ({ expect }) => {
    const before = await dumpMaps();
    await accept("accounts", "put", "t4711", "--time-zone", "Asia/Tokyo", "--cohort", "early");
    await untilPublished(ACCOUNTS);
    const after = await dumpMaps();

    const written = [...after].filter(([key, value]) => before.get(key) !== value).map(([key]) => key);
    const kinds = written.map((key) => (key.startsWith("root/") ? "copy of root" : key.replace(/\/.*/, "")));
    expect(kinds.toSorted()).toEqual(["copy of root", "index", "root", "shard"]);
    expect(after.size).toBe(before.size);
    for (const [key, value] of after)
      expect(Buffer.byteLength(value), key).toBeLessThanOrEqual(MOST_BYTES[key.replace(/\/.*/, "")] ?? 0);
  });

  it("answers every account by what was imported, to the last", async ({ expect }) => {
    // The node looks for new maps twice a minute; this empties its memory instead of waiting.
    await spreadAt(instance, async () => {
      const { generation } = JSON.parse(await accept("explain", "t0.kiln.localhost", "--json"));
      return generation === JSON.parse(await accept("status", "--json")).published.generation;
    });
    for (const number of [0, 4711, ACCOUNTS - 1]) {
      const explained = JSON.parse(await accept("explain", `t${number}.kiln.localhost`, "--json"));
      expect(explained).toMatchObject({
        class: "account",
        account: `t${number}`,
        version: "1.0.0",
        reason: "home",
      });
    }
    const own = JSON.parse(await accept("explain", domainOf(ACCOUNTS - DOMAIN_EVERY), "--json"));
    expect(own).toMatchObject({ account: `t${ACCOUNTS - DOMAIN_EVERY}`, version: "1.0.0" });
  });
});
