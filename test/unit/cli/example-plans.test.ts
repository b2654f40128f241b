/**
 * Every plan that README.md and the help of a verb show, against the real plan check: each is accepted as it is pasted,
 * in a world that has the versions and cohorts it names and the windows that the README's own runbook makes.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { parseJsonc } from "../../../scripts/cli/jsonc.ts";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import { runCli } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld, settle } from "../../support/control-world.ts";
import { healthy } from "../../support/rollout-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

const README = readFileSync(join(import.meta.dirname, "../../../README.md"), "utf8");
const VERSIONS = { kiln: ["2.8.0", "2.9.0", "2.9.1"], fogbugz: ["8.7.0", "8.8.0"] } as const;
const TIMEOUT_MS = 60_000;

/** What stands between the brace before each `"waves"` and the brace that closes it. */
function plansIn(text: string): string[] {
  return [...text.matchAll(/"waves"/g)].map(({ index }) => {
    const start = text.lastIndexOf("{", text.lastIndexOf('"id"', index));
    let depth = 0;
    for (let at = start; at < text.length; at += 1) {
      if (text[at] === "{") depth += 1;
      if (text[at] === "}") depth -= 1;
      if (depth === 0) return text.slice(start, at + 1);
    }
    throw new Error(`the plan is not closed: ${text.slice(start, start + 60)}`);
  });
}

async function shownPlans(): Promise<ReadonlyMap<string, string>> {
  const texts: [string, string][] = [["README.md", README]];
  for (const verb of ["create", "plan"]) {
    texts.push([`rollout ${verb} --help`, (await runCli(["rollout", verb, "--help"])).out]);
  }
  return new Map(
    texts.flatMap(([from, text]) =>
      plansIn(text).map((plan, n): [string, string] => [`${from} ${n + 1}`, plan]),
    ),
  );
}

let api: RealAdmin;
let folder = "";

async function done(line: string): Promise<void> {
  const { code, out, err } = await api.cli(line);
  if (code !== 0) throw new Error(`${line}: exit ${code}\n${err}${out}`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-plans-"));
  const world = createWorld({ db: createMemoryDb(), preflight: { exchange: healthy, routerHeader: null } });
  world.clock.now = Date.parse("2026-11-26T12:00:00Z");
  api = await startRealAdmin(world);
  for (const [product, versions] of Object.entries(VERSIONS)) {
    await done(`product put ${product} --domain ${product}.example.com`);
    for (const version of versions) {
      const origin = `https://${product}-${version.replaceAll(".", "-")}.origins.example.net`;
      await done(`version register ${product} ${version} --origin ${origin} --reversible true --mixed ok`);
    }
    for (const version of versions.slice(1)) {
      await done(`version state ${product} ${version} candidate --reason "built tonight"`);
    }
  }
  for (const [account, cohort] of [
    ["acme", "internal"],
    ["globex", "general"],
  ]) {
    await done(`accounts put ${account} --time-zone Europe/Paris --cohort ${cohort}`);
  }
  for (const [, made = ""] of README.matchAll(/`(window put [a-z-]+ --[^`]*)`/g)) await done(made);
  await settle(world);
}, TIMEOUT_MS);
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("the plans that are shown", { timeout: TIMEOUT_MS }, () => {
  it("are accepted as they stand", async ({ expect }) => {
    const plans = await shownPlans();
    expect(plans.size).toBeGreaterThanOrEqual(4);
    for (const [where, text] of plans) {
      expect(RolloutInputSchema.safeParse(parseJsonc(text)).error?.issues, where).toBeUndefined();
      const file = join(folder, "plan.jsonc");
      await writeFile(file, text);
      const { code, out, err } = await api.cli(`rollout plan ${file}`);
      expect([code, err], `${where}: ${out}`).toEqual([0, ""]);
    }
  });
});
