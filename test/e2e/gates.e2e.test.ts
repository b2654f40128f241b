/**
 * Gates on a real local instance: requests go through the router, the node counts them and reports, the meters keep them,
 * and each tick judges. Demo versions are made ill, and what becomes of the wave and of single accounts is read back from
 * the API and from the published maps. Time passes by ticks alone, and the node reports when it is told to, so nothing here
 * depends on how fast the machine is. Each story has accounts of its own, which nothing has happened to before.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, it } from "vitest";
import type { z } from "zod";
import { parseFaults } from "../../scripts/local/demo/faults.ts";
import { waitUntilPublished } from "../../scripts/local/demo/seed.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { RolloutGatesSchema, type RolloutGatesView } from "../../src/contracts/api/gates.ts";
import { AuditPageSchema } from "../../src/contracts/api/operations.ts";
import {
  RolloutSchema,
  type RolloutInputSchema,
  type RolloutView,
} from "../../src/contracts/api/rollouts.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, versionOf, type Operator } from "../support/local-operator.ts";

type Plan = z.input<typeof RolloutInputSchema>;
type Gate = NonNullable<Plan["gate"]>;

const OLD = "2.8.0";
const NEW = "2.9.1";
const MINUTE_MS = 60_000;
/** Of each story; half of them move at once where a wave does not leak. */
const PEOPLE = 60;
const STORIES = ["single", "three", "outage", "signal", "quiet", "slow", "sick"] as const;
type Story = (typeof STORIES)[number];
/** These are judged against an hour of their own past. */
const WITH_PAST: readonly Story[] = ["single", "three", "outage", "sick"];
/** One request in 200 fails at all times: nobody is perfect. */
const USUAL = parseFaults({ errorRate: 0.005 });

const GATE: Gate = { onFail: "rollback", minAccounts: 20 };
const peopleOf = (story: Story): readonly string[] =>
  Array.from({ length: PEOPLE }, (_, index) => `${story}-${index}`);
const hostOf = (account: string): string => `${account}.kiln.localhost`;

let instance: Instance;
let operator: Operator;
let state = "";
let folder = "";
let nowMs = Date.parse("2030-11-04T09:00:00Z");
/** Maps that the node was last seen to have. */
let generation = 0;

beforeAll(async () => {
  state = makeStateFolder();
  folder = mkdtempSync(join(tmpdir(), "firebreak-gates-"));
  instance = await startTestInstance({ nodes: 1, state });
  operator = createOperator(instance, { state, folder });
  const lines = STORIES.flatMap((cohort) =>
    peopleOf(cohort).map((account) =>
      JSON.stringify({ account, timeZone: "Europe/Paris", cohort, products: ["kiln"] }),
    ),
  );
  await instance.admin.must({ method: "POST", path: "accounts/import?mode=import&id=stories", lines });
  await tick(1);
  await beIll({});
  const everybody = WITH_PAST.flatMap(peopleOf);
  // One block of five minutes for each request: an account has a past after twelve of them.
  for (let block = 0; block < 13; block += 1) await pass(5, { who: everybody, each: 1 });
}, 120_000);
afterEach(() => beIll({}));
afterAll(async () => {
  operator?.stop();
  await instance?.stop();
  for (const each of [state, folder]) rmSync(each, { recursive: true, force: true });
});

interface Ill {
  readonly old?: object;
  readonly target?: object;
}

/** Replaces the faults of both versions; what is left out fails as usual. */
async function beIll({ old, target }: Ill): Promise<void> {
  await instance.origin("kiln", OLD).setFaults(old === undefined ? USUAL : parseFaults(old));
  await instance.origin("kiln", NEW).setFaults(target === undefined ? USUAL : parseFaults(target));
}

async function tick(minutes: number): Promise<void> {
  nowMs += minutes * MINUTE_MS;
  await instance.nodes.tick(nowMs);
  await spread();
}

/** The node has what was published. It is only made to look again when there is something new. */
async function spread(): Promise<void> {
  const published = await waitUntilPublished(instance.admin);
  if (published === generation) return;
  await operator.seen();
  generation = published;
}

interface Traffic {
  readonly who: readonly string[];
  /** Requests of each of them. */
  readonly each: number;
}

/** Requests of everybody, in another order each time: a version that fails every twentieth must not hit the same ones. */
function hostsOf({ who, each }: Traffic): readonly string[] {
  return Array.from({ length: each }, (_, round) =>
    who.toSorted((a, b) => bucketOf(`${nowMs} ${round}`, a) - bucketOf(`${nowMs} ${round}`, b)).map(hostOf),
  ).flat();
}

/** Requests through the router, the node's report of them, and the tick that judges. */
async function pass(minutes: number, traffic: Traffic): Promise<void> {
  await operator.answers(hostsOf(traffic));
  await instance.nodes.act(1, { action: "flush" });
  await tick(minutes);
}

/** Lets time pass until something holds; fails after `most` ticks. @returns how many it took. */
async function until(
  { minutes, most, ...traffic }: Traffic & { readonly minutes: number; readonly most: number },
  holds: () => Promise<boolean>,
): Promise<number> {
  for (let ticks = 1; ticks <= most; ticks += 1) {
    await pass(minutes, traffic);
    if (await holds()) return ticks;
  }
  throw new Error(`not within ${most} ticks`);
}

interface Changes {
  readonly gate?: Gate;
  /** Everybody, little by little; left out: half of them at once, the others ten minutes later. */
  readonly percentPerMinute?: number;
}

async function begin(story: Story, { gate = {}, percentPerMinute }: Changes = {}): Promise<void> {
  const cohorts = [story];
  const waves: Plan["waves"] =
    percentPerMinute === undefined
      ? [
          { name: "half", cohorts, percent: 50, bake: { minutes: 10 } },
          { name: "rest", cohorts, percent: 100, bake: { minutes: 10 } },
        ]
      : [{ name: "all", cohorts, percent: 100, percentPerMinute, bake: { minutes: 10 } }];
  const body: Plan = {
    id: story,
    targets: { kiln: NEW },
    waves,
    gate: { ...GATE, ...gate },
  };
  await instance.admin.must({ method: "PUT", path: `rollouts/${story}`, body });
  await instance.admin.must({ method: "POST", path: `rollouts/${story}/start`, body: {} });
  for (let ticks = 0; (await show(story)).moved === 0; ticks += 1) {
    if (ticks > 5) throw new Error((await show(story)).reason);
    await tick(1);
  }
  await spread();
}

async function end(story: Story): Promise<void> {
  await instance.admin.must({ method: "POST", path: `rollouts/${story}/stop`, body: { reason: "told" } });
  await tick(1);
}

async function show(story: Story): Promise<RolloutView> {
  return RolloutSchema.parse(await instance.admin.must({ method: "GET", path: `rollouts/${story}` }));
}

async function gates(story: Story): Promise<RolloutGatesView> {
  return RolloutGatesSchema.parse(
    await instance.admin.must({ method: "GET", path: `rollouts/${story}/gates` }),
  );
}

const verdict = async (story: Story) => (await gates(story)).waves[0]?.verdict ?? null;

/** Accounts of a story that the published maps send to the target. */
async function onTarget(story: Story): Promise<readonly string[]> {
  const maps = await operator.maps();
  return peopleOf(story).filter((account) => versionOf(maps, "kiln", account) === NEW);
}

async function notices(story: Story): Promise<readonly Record<string, unknown>[]> {
  const path = `audit?limit=500&target=${encodeURIComponent(`rollout/${story}`)}`;
  const { items } = AuditPageSchema.parse(await instance.admin.must({ method: "GET", path }));
  return items
    .filter(({ action }) => action === "rollout.notice")
    .map(({ reason, detail }) => ({ reason, level: detail["level"] }));
}

describe("gates on a local instance", () => {
  it("put a single failing account back alone, and the wave goes on", async ({ expect }) => {
    await begin("single", { percentPerMinute: 3 });
    const everybody = { who: peopleOf("single"), each: 4 };
    await pass(2, everybody);
    const [victim = ""] = await onTarget("single");
    await beIll({ target: { errorRate: 1, onlyAccounts: [victim] } });
    const before = (await show("single")).moved;
    await until(
      { ...everybody, minutes: 3, most: 9 },
      async () => (await gates("single")).putBack.length > 0,
    );
    expect((await gates("single")).putBack).toMatchObject([{ account: victim, version: OLD, was: NEW }]);
    expect(await operator.answers([hostOf(victim)])).toEqual(new Map([[hostOf(victim), `kiln/${OLD}`]]));
    // A step of 6 % of so few accounts may be nobody's turn: the salt of a real start is drawn by chance.
    const then = (await onTarget("single")).length;
    const more = { ...everybody, minutes: 2, most: 5 };
    await until(more, async () => (await onTarget("single")).length > Math.max(then, before));
    expect(await onTarget("single")).not.toContain(victim);
    expect((await gates("single")).putBack).toHaveLength(1);
    expect((await show("single")).phase).toBe("shifting");
    await end("single");
  }, 120_000);

  it("stop the wave when three fail where two are tolerated", async ({ expect }) => {
    await begin("three", { gate: { quarantineLimit: 2, onFail: "pause" } });
    const victims = (await onTarget("three")).slice(0, 3);
    await beIll({ target: { errorRate: 1, onlyAccounts: victims } });
    const everybody = { who: peopleOf("three"), each: 4, minutes: 3, most: 9 };
    await until(everybody, async () => (await show("three")).phase === "paused");
    expect(await show("three")).toMatchObject({
      cause: "gate",
      reason: expect.stringContaining("where 2 are tolerated"),
    });
    const { putBack } = await gates("three");
    expect(putBack.length).toBeLessThanOrEqual(2);
    expect((await onTarget("three")).length).toBe(PEOPLE / 2 - putBack.length);
    await end("three");
  }, 120_000);

  it("move nobody while every version fails, hold nothing against it, and page", async ({ expect }) => {
    await begin("outage", { percentPerMinute: 5 });
    const everybody = { who: peopleOf("outage"), each: 4 };
    for (let n = 0; n < 3; n += 1) await pass(2, everybody);
    await beIll({ old: { errorRate: 0.5 }, target: { errorRate: 0.5 } });
    await until(
      { ...everybody, minutes: 1, most: 6 },
      async () => (await verdict("outage"))?.cause === "baseline-bad",
    );
    await tick(1);
    const there = (await onTarget("outage")).length;
    for (let n = 0; n < 3; n += 1) await pass(1, everybody);
    expect((await onTarget("outage")).length).toBe(there);
    expect(there).toBeLessThan(PEOPLE);
    expect(await show("outage")).toMatchObject({ cause: "gate" });
    expect((await gates("outage")).putBack).toEqual([]);
    expect(await notices("outage")).toEqual([
      { level: "page", reason: expect.stringContaining("not moved accounts are bad as well") },
    ]);
    await end("outage");
  }, 120_000);

  it("stop a wave whose answers are all 200 when a signal from outside says fail", async ({ expect }) => {
    await beIll({ old: {}, target: {} });
    await begin("signal", { gate: { onFail: "pause" } });
    await pass(1, { who: peopleOf("signal"), each: 2 });
    expect((await verdict("signal"))?.moved).toMatchObject({ failures: 0 });
    expect((await show("signal")).phase).toBe("baking");
    const body = { verdict: "fail", reason: "twelve tickets", source: "support", ttlSeconds: 600 };
    await instance.admin.must({ method: "POST", path: "rollouts/signal/signals", body });
    expect(await show("signal")).toMatchObject({
      phase: "paused",
      cause: "gate",
      reason: expect.stringContaining("twelve tickets"),
    });
    await end("signal");
  }, 60_000);

  it("cannot tell from three requests", async ({ expect }) => {
    await begin("quiet");
    await pass(1, { who: (await onTarget("quiet")).slice(0, 3), each: 1 });
    await until(
      { who: [], each: 0, minutes: 1, most: 3 },
      async () => (await verdict("quiet"))?.moved.requests === 3,
    );
    expect(await verdict("quiet")).toMatchObject({ verdict: "inconclusive", cause: "too-little" });
    expect((await verdict("quiet"))?.missing.map(({ sentence }) => sentence)).toContain(
      "3 of 20 moved accounts with traffic",
    );
    expect(await show("quiet")).toMatchObject({ phase: "baking", moved: PEOPLE / 2 });
    await end("quiet");
  }, 60_000);

  it("hold while answers take twice as long", async ({ expect }) => {
    await beIll({ old: { latencyMs: 300 }, target: { latencyMs: 600 } });
    await begin("slow", { gate: { latency: { minRequests: 80 } } });
    // Ninety of each side a tick, and windows of five minutes: two in a row are slow by the fourth tick at the latest.
    const everybody = { who: peopleOf("slow"), each: 3 };
    await until(
      { ...everybody, minutes: 3, most: 5 },
      async () => (await verdict("slow"))?.cause === "latency",
    );
    for (let n = 0; n < 2; n += 1) await pass(3, everybody);
    expect(await verdict("slow")).toMatchObject({ verdict: "fail", action: "hold" });
    expect(await show("slow")).toMatchObject({ phase: "baking", cause: "gate" });
    expect(await onTarget("slow")).toHaveLength(PEOPLE / 2);
    await end("slow");
  }, 120_000);

  it("roll back a version that fails 5 % within three ticks of the minimum sample", async ({ expect }) => {
    await begin("sick");
    expect(await onTarget("sick")).toHaveLength(PEOPLE / 2);
    await beIll({ target: { errorRate: 0.05 } });
    // Thirty moved accounts that ask twelve times a minute: 360 requests, so the first tick has the minimum of 300
    // and three more are allowed. Bounds that hold at all times need some 600 requests to tell 5 % from 0.5 %.
    const ticks = await until({ who: peopleOf("sick"), each: 12, minutes: 1, most: 4 }, async () =>
      ["rolling-back", "rolled-back"].includes((await show("sick")).phase),
    );
    console.log(`5 % of failures: rolled back ${ticks - 1} ticks after the minimum sample`);
    await tick(1);
    expect(await onTarget("sick")).toEqual([]);
    expect(await show("sick")).toMatchObject({ phase: "rolled-back" });
    expect(await verdict("sick")).toMatchObject({ verdict: "fail", cause: "errors", action: "rollback" });
    const answers = await operator.answers(peopleOf("sick").map(hostOf));
    expect(new Set(answers.values())).toEqual(new Set([`kiln/${OLD}`]));
  }, 60_000);
});
