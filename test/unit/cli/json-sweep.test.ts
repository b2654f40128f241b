/**
 * Every example of every verb's help, typed with `--json` against a real control plane: what comes on standard output is
 * one JSON document (or one a line, where the help of `--json` says so), what comes on standard error ends with a problem
 * document, and nothing else comes. Names of files in examples are put into a folder of the test's own.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { createProgram } from "../../../scripts/cli/program.ts";
import { verbsOf } from "../../../scripts/cli/usage-mistake.ts";
import { pathOfCommand } from "../../../scripts/cli/verb.ts";
import { BOOT_TOKEN } from "../../support/admin-builders.ts";
import { memoryTerminal, runCli } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld, settle, type World } from "../../support/control-world.ts";
import { healthy } from "../../support/rollout-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

/** Verbs that need what no test of the command line alone has; with `--json` they say so in JSON. */
const ELSEWHERE = new Set(["tick", "demo", "node"]);
const PLAN = {
  id: "2026-11-autumn",
  targets: { kiln: "2.9.0" },
  waves: [{ name: "rest", cohorts: ["*"], percent: 100 }],
};
const TIMEOUT_MS = 60_000;

const program = createProgram(memoryTerminal().terminal, { outcome: { exitCode: 0 }, json: false });
const COMMANDS = verbsOf(program);
const STREAMS = new Set(
  COMMANDS.filter(({ options }) =>
    options.some(({ description }) => description.includes("document a line")),
  ).map(pathOfCommand),
);
/** What leaves others nothing to do comes last. */
const LAST = ["accounts delete", "restore"];
const VERBS = COMMANDS.map(pathOfCommand).toSorted((a, b) => LAST.indexOf(a) - LAST.indexOf(b));

let world: World;
let api: RealAdmin;
/** Where `clone` puts its copy. */
let staging: RealAdmin;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-sweep-"));
  const account = { account: "acme", timeZone: "Europe/Paris", cohort: "early" };
  await writeFile(join(folder, "autumn.jsonc"), JSON.stringify(PLAN));
  await writeFile(join(folder, "accounts.ndjson"), `${JSON.stringify(account)}\n`);
  await writeFile(join(folder, "accounts.csv"), "account,timeZone,cohort\nacme,Europe/Paris,early\n");
  await writeFile(
    join(folder, "nights.json"),
    JSON.stringify([{ days: ["fri"], from: "22:00", to: "04:00", zone: "account" }]),
  );
  await writeFile(join(folder, "probes.json"), "[]");
  await writeFile(
    join(folder, "break-glass.json"),
    JSON.stringify({ reason: "test", expires: "2099-01-01T00:00:00Z" }),
  );
  world = createWorld({ db: createMemoryDb(), preflight: { exchange: healthy, routerHeader: null } });
  api = await startRealAdmin(world);
  staging = await startRealAdmin(createWorld({ db: createMemoryDb() }));
  for (const line of [
    "product put kiln --domain kiln.example.com",
    "product put fogbugz --domain fogbugz.example.com",
    ...["2.8.0", "2.9.0", "2.8.1"].map((version) => register("kiln", version)),
    'version state kiln 2.9.0 candidate --reason "test"',
    register("fogbugz", "8.8.0"),
    "accounts put acme --time-zone Europe/Paris --cohort early",
    `rollout create ${join(folder, "autumn.jsonc")}`,
  ]) {
    const { code, err } = await api.cli(line);
    if (code !== 0) throw new Error(`${line}: ${err}`);
  }
  await settle(world);
}, TIMEOUT_MS);
afterAll(async () => {
  await api.stop();
  await staging.stop();
  await rm(folder, { recursive: true, force: true });
});

function register(product: string, version: string): string {
  const origin = `https://${product}-${version.replaceAll(".", "-")}.origins.example.net`;
  return `version register ${product} ${version} --origin ${origin} --reversible true --mixed ok`;
}

/** What `clone` finds both instances and its key by. */
function cloneEnv(): Readonly<Record<string, string>> {
  return {
    FIREBREAK_URL_PRODUCTION: api.url,
    FIREBREAK_TOKEN_PRODUCTION: BOOT_TOKEN,
    FIREBREAK_URL_STAGING: staging.url,
    FIREBREAK_TOKEN_STAGING: BOOT_TOKEN,
    FIREBREAK_CLONE_KEY: "a-key-that-stays-the-same",
  };
}

/** An example as it can be typed here: its files in the folder, nothing piped on. */
function hereOf(example: string): string {
  const line = (example.split(/ [|>] /)[0] ?? example)
    .replaceAll(
      /(?<= )([\w.-]+\.(?:jsonc?|csv|ndjson|md)|config\/?|leaving)(?= |$)/g,
      (_whole, name: string) => join(folder, name),
    )
    .replaceAll(/--state \S+/g, "");
  return line.includes("--json") ? line : `${line} --json`;
}

async function examplesOf(path: string): Promise<string[]> {
  const { out } = await runCli([...path.split(" "), "--help"]);
  return [...out.matchAll(/^ {2}\$ npm run -s firebreak -- (.*)$/gm)].map(([, line]) => line ?? "");
}

/** One document over several lines, or one a line. Throws for anything else. */
function documentsOf(text: string, line: string): readonly unknown[] {
  const whole = tryParse(text);
  if (whole !== undefined) return [whole];
  const each = text.trim().split("\n").map(tryParse);
  if (each.includes(undefined)) throw new Error(`${line}: this is no JSON: ${text.slice(0, 300)}`);
  return each;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe("every verb with --json", { timeout: TIMEOUT_MS }, () => {
  it.for(VERBS)("%s", async (path, { expect }) => {
    for (const example of await examplesOf(path)) {
      const line = `${hereOf(example)}${ELSEWHERE.has(path) ? ` --state ${folder}` : ""}`;
      const { code, out, err } = await api.cli(line, { env: cloneEnv() });
      expect([0, 1], `${line}: ${err}`).toContain(code);
      const said = err === "" ? [] : documentsOf(err, line);
      const PROBLEM = { type: expect.any(String), title: expect.any(String), detail: expect.any(String) };
      if (said.length > 0) expect(said.at(-1), line).toMatchObject(PROBLEM);
      if (!STREAMS.has(path)) expect(said.length, `${line}: ${err}`).toBeLessThan(2);
      const documents = out === "" ? [] : documentsOf(out, line);
      if (!STREAMS.has(path)) expect(documents.length, line).toBeLessThan(2);
      expect(said.length + documents.length, `${line} says something`).toBeGreaterThan(0);
    }
  });
});
