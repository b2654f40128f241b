/**
 * A rollout of two products on a real local instance, by the command line alone: from a plan file over plan and start
 * through a wave, a pause, half of the next wave and back again. At every step `explain` says what the demo servers
 * answer, and exactly the accounts have moved that the plan's thresholds name.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { z } from "zod";
import { createDemoAccounts } from "../../scripts/local/demo/accounts.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import { AccountHistorySchema } from "../../src/contracts/api/history.ts";
import { ExplainSchema } from "../../src/contracts/api/operations.ts";
import { StatusSchema } from "../../src/contracts/api/status.ts";
import { RolloutPlanSchema, type RolloutPlanAnswer } from "../../src/contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { runCli, type CliRun } from "../support/cli.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const ID = "autumn";
const PLAN = `{
  // two products, account by account
  "id": "${ID}",
  "targets": { "kiln": "2.9.1", "fogbugz": "8.8.0" },
  "waves": [
    { "name": "staff", "cohorts": ["internal"], "percent": 100, "bake": { "minutes": 30 } },
    { "name": "forty", "cohorts": ["*"], "percent": 40, "percentPerMinute": 10 },
    { "name": "rest", "cohorts": ["*"], "percent": 100, "approve": "before" },
  ],
}`;
const OLD = { kiln: "2.8.0", fogbugz: "8.7.0" } as const;
const NEW = { kiln: "2.9.1", fogbugz: "8.8.0" } as const;
const MINUTE_MS = 60_000;
const SAMPLE = 60;

const TickSchema = z.object({ now: z.number(), happened: z.array(z.string()) });

const accounts = createDemoAccounts().filter(({ products }) => products?.length === 2);
const internal = accounts.filter(({ cohort }) => cohort === "internal");
/** Some of every cohort, always the same ones. */
const sample = [
  ...internal.slice(0, SAMPLE / 3),
  ...accounts.filter((_, index) => index % Math.ceil(accounts.length / SAMPLE) === 0),
];

let instance: Instance;
let state = "";
let folder = "";
let file = "";
let plan: RolloutPlanAnswer;
/** Later than the machine's clock, so that only ticks let time pass. */
const startMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
let nowMs = startMs;

beforeAll(async () => {
  state = makeStateFolder();
  folder = mkdtempSync(join(tmpdir(), "firebreak-rollout-"));
  file = join(folder, "autumn.jsonc");
  writeFileSync(file, PLAN);
  instance = await startTestInstance({ nodes: 1, state });
});
afterAll(async () => {
  await instance?.stop();
  for (const each of [state, folder]) rmSync(each, { recursive: true, force: true });
});

function cli(...argv: string[]): Promise<CliRun> {
  const env = { FIREBREAK_URL: `http://localhost:${instance.ports[0]}`, FIREBREAK_TOKEN: "dev" };
  return runCli(argv, { env });
}

/** The JSON of a verb that must succeed. */
async function json<T>(schema: z.ZodType<T>, ...argv: string[]): Promise<T> {
  const { code, out, err } = await cli(...argv, "--json");
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${err}${out}`);
  return schema.parse(JSON.parse(out));
}

const show = (): Promise<RolloutView> => json(RolloutSchema, "rollout", "show", ID);

/** Lets minutes pass, one tick for each. */
async function pass(minutes: number): Promise<readonly string[]> {
  const happened: string[] = [];
  for (let minute = 0; minute < minutes; minute += 1) {
    nowMs += MINUTE_MS;
    const at = new Date(nowMs).toISOString();
    const report = await json(TickSchema, "tick", "--at", at, "--state", state);
    happened.push(...report.happened);
  }
  return happened;
}

/** Waits until the node has what was published. */
async function seen(): Promise<void> {
  await spreadAt(instance, async () => {
    const { published } = await json(StatusSchema, "status");
    return (await json(ExplainSchema, "explain", "acme.kiln.localhost")).generation === published.generation;
  });
}

/** Every sampled account is on the version that is said, in both products, by `explain` and by who answers. */
async function expectVersions(expect: ExpectStatic, hasMoved: (slug: string) => boolean): Promise<void> {
  await seen();
  const found: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  for (const { account } of sample) {
    for (const product of ["kiln", "fogbugz"] as const) {
      const host = `${account}.${product}.localhost`;
      const version = (hasMoved(account) ? NEW : OLD)[product];
      const { version: explained } = await json(ExplainSchema, "explain", host);
      const bytes = request("GET / HTTP/1.1", `Host: ${host}`);
      const answer = await sendRaw({ port: instance.ports[0] ?? 0, bytes });
      found[host] = [explained, answer.header("demo-version")];
      expected[host] = [version, `${product}/${version}`];
    }
  }
  expect(found).toEqual(expected);
}

/** What was true at a time, to be asked about later; then a minute passes, so that nothing else is of that time. */
const remembered: { readonly at: string; readonly hasMoved: (slug: string) => boolean }[] = [];
async function remember(hasMoved: (slug: string) => boolean): Promise<void> {
  remembered.push({ at: new Date(nowMs).toISOString(), hasMoved });
  await pass(1);
}

const isInternal = (slug: string): boolean => internal.some(({ account }) => account === slug);

/** Whom the plan names for a threshold. */
function isBelow(slug: string, threshold: number): boolean {
  return bucketOf(plan.salt ?? "", slug) < threshold;
}

describe("a rollout on a local instance", () => {
  it("is planned from a file, by problems first, then written down once", async ({ expect }) => {
    const broken = join(folder, "broken.jsonc");
    writeFileSync(broken, PLAN.replace('"2.9.1"', '"9.9.9"').replace('"internal"', '"nobody"'));
    const wrong = await cli("rollout", "plan", broken);
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/^! targets\.kiln: /m);
    expect(wrong.out).toMatch(/^[!?] waves\[0\]\.cohorts: .*nobody/m);

    expect((await cli("rollout", "plan", file)).out).toContain("Nothing is written down");
    const created = await cli("rollout", "create", file);
    expect([created.code, created.err]).toEqual([0, ""]);
    expect((await cli("rollout", "create", file)).code).toBe(1);
    expect((await cli("rollout", "create", file, "--replace")).code).toBe(0);
    expect((await show()).phase).toBe("draft");
  });

  it("says before it starts how many accounts each wave moves", async ({ expect }) => {
    plan = await json(RolloutPlanSchema, "rollout", "plan", ID, "--label", "plan");
    const [staff, forty, rest] = plan.waves;
    expect(plan.problems).toEqual([]);
    expect(plan.accounts).toBe(createDemoAccounts().length);
    expect(staff?.accounts).toBe(createDemoAccounts().filter(({ cohort }) => cohort === "internal").length);
    const share = ((staff?.accounts ?? 0) + (forty?.accounts ?? 0)) / plan.accounts;
    expect(share).toBeGreaterThanOrEqual(0.4);
    expect(share).toBeLessThan(0.41);
    expect((staff?.accounts ?? 0) + (forty?.accounts ?? 0) + (rest?.accounts ?? 0)).toBe(plan.accounts);
    expect(Object.keys(staff?.labels ?? {}).toSorted()).toEqual(["business", "free", "team"]);
  });

  it("starts what was planned and nothing else, one at a time", async ({ expect }) => {
    const other = await cli("rollout", "start", ID, "--digest", "0".repeat(64));
    expect(other.code).toBe(1);
    const started = await cli("rollout", "start", ID, "--digest", plan.digest, "--reason", "e2e");
    expect([started.code, started.err]).toEqual([0, ""]);
    expect(started.out).toContain(`0 of ${plan.accounts.toLocaleString("en-US")} accounts`);
    expect((await cli("rollout", "create", file, "--id", "second")).code).toBe(0);
    const second = await cli("rollout", "start", "second");
    expect(second.code).toBe(1);
    expect(second.err).toContain(ID);
    expect((await cli("rollout", "delete", "second")).code).toBe(0);
  });

  it("moves its first wave, both products at once, when preflight has passed", async ({ expect }) => {
    const happened = await pass(2);
    expect(happened.filter((line) => !line.startsWith(`rollout ${ID}: `))).toEqual([]);
    const view = await show();
    expect(view).toMatchObject({ phase: "baking", wave: 0, moved: plan.waves[0]?.accounts });
    expect(view.waves[0]).toMatchObject({ name: "staff", progress: 1 });
    expect((await cli("rollout", "show", ID)).out).toMatch(/^what to do +\S/m);
    await expectVersions(expect, isInternal);
    await remember(isInternal);
  });

  it("stays where it is while it is paused, however much time passes", async ({ expect }) => {
    expect((await cli("rollout", "pause", ID, "--reason", "a look")).code).toBe(0);
    await pass(40);
    expect(await show()).toMatchObject({ phase: "paused", moved: plan.waves[0]?.accounts });
    await expectVersions(expect, isInternal);
  });

  it("goes on at its pace when it is resumed, with exactly those whom the plan names", async ({ expect }) => {
    expect((await cli("rollout", "resume", ID)).code).toBe(0);
    let view = await show();
    for (let minute = 0; minute < 60 && (view.waves[1]?.moved ?? 0) === 0; minute += 1) {
      await pass(1);
      view = await show();
    }
    expect(view).toMatchObject({ phase: "shifting", wave: 1 });
    expect(view.waves[1]?.progress).toBeGreaterThan(0);
    expect(view.waves[1]?.progress).toBeLessThan(1);
    await pass(5);
    view = await show();
    expect(view.waves[1]).toMatchObject({ moved: plan.waves[1]?.accounts, progress: 1 });
    const threshold = plan.waves[1]?.threshold ?? 0;
    const inForty = (slug: string): boolean => isInternal(slug) || isBelow(slug, threshold);
    await expectVersions(expect, inForty);
    await remember(inForty);
  });

  it("asks a person before the last wave, and says how many accounts that is", async ({ expect }) => {
    expect(await show()).toMatchObject({ phase: "awaiting-approval", wave: 2 });
    const { code, err } = await cli("rollout", "approve", ID, "rest", "--dry-run");
    expect(code).toBe(0);
    expect(err).toBe(`Wave 2 "rest" moves ${plan.waves[2]?.accounts.toLocaleString("en-US")} accounts.\n`);
    expect((await cli("rollout", "approve", ID, "forty")).code).toBe(1);
    expect(await show()).toMatchObject({ phase: "awaiting-approval" });
    const waiting = sample.find(({ account }) => remembered.every(({ hasMoved }) => !hasMoved(account)));
    const ahead = ["--at", new Date(nowMs + 24 * 60 * MINUTE_MS).toISOString()];
    const told = await cli("explain", `${waiting?.account ?? ""}.kiln.localhost`, ...ahead);
    expect([told.code, told.err]).toEqual([0, ""]);
    expect(told.out).toMatch(
      /^If all goes as planned, at .* goes to kiln 2\.9\.1.*wave "rest" of rollout autumn/,
    );
    expect(told.out).toContain('Wave "rest" waits for approval');
  });

  it("goes back to a wave, then altogether, and is over", async ({ expect }) => {
    const asked = await cli("rollout", "rollback", ID, "--to-wave", "staff", "--reason", "e2e");
    expect(asked.code).toBe(1);
    expect(asked.out).toContain(`Takes ${plan.waves[1]?.accounts.toLocaleString("en-US")} accounts back`);
    const some = await cli("rollout", "rollback", ID, "--to-wave", "staff", "--reason", "e2e", "--yes");
    expect([some.code, some.out]).toEqual([0, expect.stringContaining(ID)]);
    await pass(2);
    expect((await show()).moved).toBe(plan.waves[0]?.accounts);
    await expectVersions(expect, isInternal);

    expect((await cli("rollout", "rollback", ID, "--all", "--reason", "e2e", "--yes")).code).toBe(0);
    await pass(2);
    expect(await show()).toMatchObject({ phase: "rolled-back", moved: 0 });
    await expectVersions(expect, () => false);
    await remember(() => false);
    expect((await cli("rollout", "watch", ID)).code).toBe(1);
  });

  it("tells of each of these times afterwards what was so then, and the moves that led there", async ({
    expect,
  }) => {
    for (const { at, hasMoved } of remembered) {
      for (const { account } of sample.filter((_, index) => index % 9 === 0)) {
        const then = await json(ExplainSchema, "explain", `${account}.kiln.localhost`, "--at", at);
        expect([at, account, then.version]).toEqual([at, account, hasMoved(account) ? NEW.kiln : OLD.kiln]);
      }
    }
    const [first] = internal;
    const moves = await json(
      AccountHistorySchema.pick({ items: true }),
      "accounts",
      "history",
      first?.account ?? "",
      "--product",
      "kiln",
    );
    expect(moves.items.map(({ why, rollout, to }) => [why, rollout, to])).toEqual([
      ["rolled-back", ID, OLD.kiln],
      ["rollout", ID, NEW.kiln],
      ["created", null, OLD.kiln],
    ]);
    expect((await cli("explain", "acme.kiln.localhost", "--at", "2020-01-01T00:00:00Z")).err).toContain(
      "the record begins at",
    );
  });

  it("goes forward again only with a word, and once stopped leaves everybody where they are", async ({
    expect,
  }) => {
    const again = (): Promise<RolloutView> => json(RolloutSchema, "rollout", "show", "again");
    expect((await cli("rollout", "create", file, "--id", "again")).code).toBe(0);
    expect((await cli("rollout", "start", "again", "--again", "--reason", "mended")).code).toBe(0);
    await pass(2);
    expect((await cli("rollout", "stop", "again", "--reason", "e2e")).code).toBe(0);
    // Homes must be out at the edges before it is over.
    for (let minute = 0; minute < 10 && (await again()).phase === "settling"; minute += 1) {
      await seen();
      await pass(1);
    }
    const view = await again();
    expect(view).toMatchObject({ phase: "stopped", moved: plan.waves[0]?.accounts });
    await expectVersions(expect, isInternal);

    const left = await json(
      z.object({ items: z.array(z.unknown()) }),
      "rollout",
      "left-behind",
      "again",
      "--all",
    );
    expect(left.items).toHaveLength(plan.accounts - view.moved);
    const adopted = await cli("rollout", "adopt", "others", "--from", "again");
    expect([adopted.code, adopted.err]).toEqual([0, ""]);
    const others = await json(RolloutPlanSchema, "rollout", "plan", "others");
    // Whom the first rollout took back may not go forward by accident within a day.
    const flapping = plan.waves[1]?.accounts ?? 0;
    expect(others.leftBehind).toContainEqual(
      expect.objectContaining({ reason: "flapping", accounts: flapping }),
    );
    expect([others.problems, others.accounts]).toEqual([[], plan.accounts - view.moved - flapping]);
  });
});
