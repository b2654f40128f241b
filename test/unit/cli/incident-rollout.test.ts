/**
 * The incident's rollout, from an empty instance to the way back, by command line alone and with nothing in hand but its
 * help: every verb and flag that is typed here must stand in the help of that verb.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { runCli, shellWords, type CliRun } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createWorld, settle, type World } from "../../support/control-world.ts";
import { healthy, tick, MINUTE } from "../../support/rollout-world.ts";
import { startRealAdmin, type RealAdmin } from "../../support/real-admin.ts";

const PLAN = {
  id: "2026-11-autumn",
  targets: { kiln: "2.9.0" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "forty", cohorts: ["*"], percent: 40, window: "weekend-nights", percentPerMinute: 4 },
    { name: "rest", cohorts: ["*"], percent: 100, window: "weekend-nights", approve: "before" },
  ],
};
/** A command line after another, and an hour of ticks: more than five seconds on a busy machine. */
const TIMEOUT_MS = 60_000;
const SATURDAY_NIGHT = Date.parse("2026-11-28T22:05:00Z");

let world: World;
let api: RealAdmin;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "firebreak-incident-"));
  await writeFile(join(folder, "autumn.jsonc"), JSON.stringify(PLAN));
  const accounts = Array.from({ length: 200 }, (_unused, n) =>
    JSON.stringify({
      account: `account-${n}`,
      timeZone: "UTC",
      cohort: n % 10 === 0 ? "internal" : "general",
    }),
  );
  await writeFile(join(folder, "accounts.ndjson"), `${accounts.join("\n")}\n`);
  world = createWorld({ db: createMemoryDb(), preflight: { exchange: healthy, routerHeader: null } });
  world.clock.now = Date.parse("2026-11-28T12:00:00Z");
  api = await startRealAdmin(world);
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a line after looking that the help of its verb knows every flag of it. */
async function typed(line: string): Promise<CliRun> {
  const words = shellWords(line);
  const { out: help } = await runCli([...words, "--help"]);
  const strange = words.filter((word) => word.startsWith("--") && !help.includes(` ${word}`));
  if (strange.length > 0) throw new Error(`the help of "${line}" does not tell of ${strange.join(", ")}`);
  return api.cli(line.replaceAll("FOLDER", folder));
}

async function done(line: string): Promise<string> {
  const { code, out, err } = await typed(line);
  if (code !== 0) throw new Error(`${line}: exit ${code}\n${err}${out}`);
  return out;
}

async function phase(): Promise<unknown> {
  const shown: unknown = JSON.parse(await done("rollout show 2026-11-autumn --json"));
  return typeof shown === "object" && shown !== null && "phase" in shown ? shown.phase : null;
}

/** Lets minutes pass until the rollout is where it should be. */
async function until(wanted: string): Promise<void> {
  for (let minutes = 0; minutes < 60; minutes += 1) {
    if ((await phase()) === wanted) return;
    await tick(world, world.clock.now + MINUTE);
  }
  throw new Error(`it never comes to ${wanted}, but to ${String(await phase())}`);
}

describe("the incident's rollout, by what help says", { timeout: TIMEOUT_MS }, () => {
  it("registers a product, its versions and its accounts", async ({ expect }) => {
    await done("product put kiln --domain kiln.example.com");
    for (const version of ["2.8.0", "2.9.0"]) {
      const origin = `https://kiln-${version.replaceAll(".", "-")}.origins.example.net`;
      await done(`version register kiln ${version} --origin ${origin} --reversible true --mixed ok`);
    }
    await done('version state kiln 2.9.0 candidate --reason "built tonight"');
    await done("accounts import FOLDER/accounts.ndjson");
    await done("preflight settings kiln --presets haproxy --synthetic account-0");
    await done("window put weekend-nights --days fri,sat --from 22:00 --to 04:00");
    await settle(world);
    expect(await done("product show kiln")).toContain("2.8.0");
  });

  it("tries the version before anybody gets it", async ({ expect }) => {
    expect(await done("preflight kiln 2.9.0")).toMatch(/pass/);
  });

  it("plans, drafts and starts what was planned", async ({ expect }) => {
    expect(await done("rollout plan FOLDER/autumn.jsonc")).toContain("forty");
    await done("rollout create FOLDER/autumn.jsonc");
    const plan: unknown = JSON.parse(await done("rollout plan 2026-11-autumn --json"));
    const digest = typeof plan === "object" && plan !== null && "digest" in plan ? String(plan.digest) : "";
    const dry = await done(`rollout start 2026-11-autumn --digest ${digest} --dry-run`);
    expect(dry).toContain("Dry run: nothing was sent.");
    expect(await phase()).toBe("draft");
    await done(`rollout start 2026-11-autumn --digest ${digest}`);
    await tick(world, world.clock.now + MINUTE);
    expect(await phase()).not.toBe("draft");
  });

  it("moves the first waves in their windows, and pauses when told", async ({ expect }) => {
    await until("waiting");
    world.clock.now = SATURDAY_NIGHT;
    await until("shifting");
    await done('rollout pause 2026-11-autumn --reason "support sees slow searches"');
    expect(await phase()).toBe("paused");
  });

  it("resumes, asks before the last wave, and goes back when told twice", async ({ expect }) => {
    await done('rollout resume 2026-11-autumn --reason "searches are fast again"');
    await until("awaiting-approval");
    expect(await done("rollout show 2026-11-autumn")).toMatch(/approve 2026-11-autumn rest/);
    const nosuch = await typed(
      'rollout rollback 2026-11-autumn --where cohort=nosuch --reason "attachments fail" --yes',
    );
    expect([nosuch.code, nosuch.out]).toEqual([2, ""]);
    expect(nosuch.err).toMatch(/is of cohort "nosuch"[^]*There are: general, internal\./);
    const asked = await typed('rollout rollback 2026-11-autumn --all --reason "attachments fail"');
    expect([asked.code, asked.out]).toEqual([1, expect.stringContaining("The same with --yes does it.")]);
    await done('rollout rollback 2026-11-autumn --all --reason "attachments fail" --yes');
  });

  it("watches it to its end", async ({ expect }) => {
    const watched = await typed("rollout watch 2026-11-autumn --every 30");
    expect([watched.code, watched.err]).toEqual([1, ""]);
    expect(watched.out.trim().split("\n").at(-1)).toMatch(/is rolled-back, 0 of 200 accounts/);
  });

  it("writes the draft of its post-mortem", async ({ expect }) => {
    const draft = await done("timeline 2026-11-autumn --zone Europe/Paris");
    expect(draft).toContain("# Post-mortem draft: rollout 2026-11-autumn (kiln 2.9.0)");
    expect(draft).toContain("Rollout 2026-11-autumn moved 80 of 200 accounts to kiln 2.9.0 at most");
    expect(draft).toContain("**2026-11-autumn paused** — “support sees slow searches”");
    expect(draft).toContain("Rolled back 80 accounts; 0 stay moved");
    expect(draft).toContain("No gate watched 2026-11-autumn");
    const story: unknown = JSON.parse(await done("timeline --from 2026-11-28T22:00:00Z --json"));
    expect(story).toMatchObject({
      touched: [{ id: "2026-11-autumn", movedNow: 0 }],
      people: [{ name: "boot" }],
    });
  });
});
