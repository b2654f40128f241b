/**
 * Adoption on a real local instance, the whole way: today's map is taken over, today's fleet answers everything, its answers
 * are compared with the decisions (edge, meter, command line), the one account that differs is put right, and the product
 * becomes active. Nobody gets another version at any step.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { Instance } from "../../scripts/local/instance.ts";
import { FleetComparisonSchema, type FleetComparisonView } from "../../src/contracts/api/fleet.ts";
import { startOrigin, type FakeOrigin } from "../support/fake-origin.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, type Operator } from "../support/local-operator.ts";

/** What today's fleet has: its map says 2.9.0 of one account that it serves with 2.8.0. */
const TODAY: Readonly<Record<string, string>> = {
  "adopt-a": "2.8.0",
  "adopt-b": "2.9.0",
  "adopt-c": "2.8.0",
};
const MAP = "adopt-a.kiln.localhost be_280\nadopt-b be_290\nadopt-c.kiln.localhost be_290\n";
const HOSTS = [...Object.keys(TODAY), "nobody-at-all"].map((account) => `${account}.kiln.localhost`);
const POLLS = 60;
const POLL_MS = 500;

let instance: Instance;
let operator: Operator;
let fleet: FakeOrigin;
let state = "";
let folder = "";

/** The fleet knows accounts by the name that was asked for. */
function versionOfToday(host: string): string {
  return TODAY[host.split(".")[0] ?? ""] ?? "2.8.0";
}

beforeAll(async () => {
  state = makeStateFolder();
  folder = mkdtempSync(join(tmpdir(), "firebreak-adoption-"));
  writeFileSync(join(folder, "hosts.map"), MAP);
  fleet = await startOrigin((request, response) => {
    const version = versionOfToday(String(request.headers["x-forwarded-host"]));
    response.setHeader("X-Version", version);
    response.setHeader("demo-version", `fleet/${version}`);
    response.end("today's fleet");
  });
  instance = await startTestInstance({ nodes: 1, state });
  operator = createOperator(instance, { state, folder });
});
afterAll(async () => {
  operator?.stop();
  await instance?.stop();
  await fleet?.stop();
  for (const each of [state, folder]) rmSync(each, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<string> {
  const { code, out, err } = await operator.cli(...argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${err}${out}`);
  return out;
}

/** Asks until the meters have heard of it. */
async function compared(done: (view: FleetComparisonView) => boolean): Promise<FleetComparisonView> {
  for (let poll = 0; poll < POLLS; poll++) {
    await operator.answers(HOSTS);
    await operator.cli("node", "1", "flush", "--state", state);
    const { out } = await operator.cli("product", "compare", "kiln", "--json");
    const view = FleetComparisonSchema.parse(JSON.parse(out));
    if (done(view)) return view;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("the meters heard nothing");
}

describe("adoption", () => {
  it("sends everything to today's fleet, and other products where they go", async ({ expect }) => {
    await run("product", "mode", "kiln", "pass-through", "--origin", fleet.url, "--reason", "adoption");
    await run("version", "state", "kiln", "2.9.0", "live", "--reason", "the fleet has it");
    const file = join(folder, "hosts.map");
    const backends = ["--product", "kiln", "--backend", "be_280=2.8.0", "--backend", "be_290=2.9.0"];
    await run("accounts", "import", file, "--from", "haproxy-map", ...backends);
    await operator.seen();
    const answers = await operator.answers([...HOSTS, "nobody-at-all.fogbugz.localhost"]);
    for (const host of HOSTS) expect(answers.get(host), host).toBe(`fleet/${versionOfToday(host)}`);
    expect(answers.get("nobody-at-all.fogbugz.localhost")).toMatch(/^fogbugz\//);
    expect(await run("compare", file, ...backends)).toMatch(/^differ\s+0$/m);
  });

  it("finds the account whose map was wrong, and waits with becoming active", async ({ expect }) => {
    await run("product", "mode", "kiln", "compare", "--version-header", "X-Version", "--reason", "a week");
    await operator.seen();
    const view = await compared(({ agree, differ }) => agree > 0 && differ > 0);
    expect(view.accounts).toMatchObject([{ account: "adopt-c", theirs: "2.8.0", ours: "2.9.0" }]);
    const refused = await operator.cli("product", "mode", "kiln", "active", "--reason", "done");
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("1 account would get another")]);
    const explained = await run("explain", "adopt-c.kiln.localhost");
    expect(explained).toMatch(/today's fleet at .* in compare/);
  });

  it("becomes active when nobody differs, and nobody gets another version", async ({ expect }) => {
    await run("accounts", "pin", "adopt-c", "kiln", "2.8.0", "--reason", "as today");
    await operator.seen();
    await compared(({ differing, settled }) => differing === 0 && settled === 1);
    await run("product", "mode", "kiln", "active", "--reason", "nobody differs");
    await operator.seen();
    const answers = await operator.answers(HOSTS);
    for (const host of HOSTS) expect(answers.get(host), host).toBe(`kiln/${versionOfToday(host)}`);
  });
});
