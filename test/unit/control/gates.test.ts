/**
 * Gates in the running control plane: what edges report decides by itself what becomes of a wave and of single accounts.
 * Reports are written by hand, a minute at a time, from who is on which version by the published maps.
 */
import { describe, it } from "vitest";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import { findImpact } from "../../../src/admin/impact.ts";
import { LATENCY_BUCKETS } from "../../../src/contracts/observation.ts";
import { loadPublished } from "../../../src/control/store/roots.ts";
import { latencyBucket } from "../../../src/core/observation/latency.ts";
import {
  contextOf,
  must,
  readMaps,
  refusalOf,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { createMemoryMeters } from "../../support/memory-meters.ts";
import { observationReport, series } from "../../support/observation-builders.ts";
import { ACCOUNTS, FRIDAY, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

const PEOPLE = ACCOUNTS.slice(0, 120);
const id = "autumn";

/** Half of everybody at once, then the others. */
const PLAN: RolloutInput = {
  id,
  targets: { kiln: "2" },
  waves: [
    { name: "half", cohorts: ["*"], percent: 50, bake: { minutes: 120, requests: 0, workdays: 0 } },
    { name: "rest", cohorts: ["*"], percent: 100, bake: { minutes: 120, requests: 0, workdays: 0 } },
  ],
  gate: {
    errorIncreasePercent: 1,
    alpha: 0.05,
    minAccounts: 20,
    onFail: "rollback",
    onInconclusive: "hold",
    mustHave: [],
  },
};

interface Minute {
  /** Requests of each account in this minute. */
  readonly requests: number;
  /** Of how many of them fail, by account and the version it is on. */
  readonly fails: (account: string, version: string, minute: number) => number;
  readonly latencyMs?: (version: string) => number;
  /** Left out: everybody sends. */
  readonly only?: readonly string[];
}

class Story {
  readonly world: World;
  readonly memory: ReturnType<typeof createMemoryMeters>;
  minute = 0;
  /** On the target after the start: half of them, or one more where two share the last bucket of this start's salt. */
  started = 0;
  private sequence = 0;
  constructor(world: World, memory: ReturnType<typeof createMemoryMeters>) {
    this.world = world;
    this.memory = memory;
  }

  static async begin(input: RolloutInput = PLAN): Promise<Story> {
    const memory = createMemoryMeters();
    const world = await prepareRollouts(createMemoryDb(), {
      accounts: PEOPLE,
      measure: (asked) => memory.meters.tick(asked),
    });
    const story = new Story(world, memory);
    await must(world, "rollout.create", { id, input });
    return story;
  }

  /** Minutes before the rollout, in which one request in 200 failed. */
  async past(minutes: number): Promise<void> {
    await this.sendFor(minutes, {
      requests: 1,
      fails: (account, _, at) => ((number(account) + at) % 200 === 0 ? 1 : 0),
    });
  }

  async start(): Promise<void> {
    await must(this.world, "rollout.start", { id, input: { again: false } });
    await quiet(this.world);
    this.started = this.onTarget();
  }

  /** A minute of traffic, and the tick at its end. */
  async send({ requests, fails, latencyMs = () => 12, only = PEOPLE }: Minute): Promise<readonly string[]> {
    this.minute += 1;
    const maps = readMaps(this.world.kv.values);
    const generation = loadPublished(this.world.db)?.generation ?? 0;
    const byVersion = Map.groupBy(only, (account) => versionFor(maps, "kiln", account));
    for (const [version, accounts] of requests === 0 ? [] : byVersion) {
      const counts = Object.fromEntries(
        accounts.map((account) => [account, [requests, fails(account, version, this.minute)] as const]),
      );
      const latency = Array.from({ length: LATENCY_BUCKETS }, () => 0);
      latency[latencyBucket(latencyMs(version))] = requests * accounts.length;
      const none = latency.map(() => 0);
      const all = Map.groupBy(Object.entries(counts), ([account]) => Number(account.split("-")[1]) % 2);
      for (const [meter, some] of all)
        await this.memory.meters.observe(
          meter,
          observationReport({
            isolate: `i${meter}`,
            sequence: ++this.sequence,
            series: [
              series(Object.fromEntries(some), {
                version,
                generation,
                latency: meter === [...all.keys()][0] ? latency : none,
              }),
            ],
          }),
        );
    }
    return tick(this.world, FRIDAY + this.minute * MINUTE);
  }

  async sendFor(minutes: number, minute: Minute): Promise<void> {
    for (let n = 0; n < minutes; n += 1) await this.send(minute);
  }

  /** Minutes until something holds; fails after `most`. */
  async until(minute: Minute, most: number, holds: (view: RolloutView) => boolean): Promise<number> {
    for (let n = 1; n <= most; n += 1) {
      await this.send(minute);
      if (holds(await this.show())) return n;
    }
    throw new Error(`not within ${most} minutes: ${(await this.show()).reason}`);
  }

  show = async (): Promise<RolloutView> => valueOf(await this.world.control.query("rollout", { id }));
  onTarget = (): number => {
    const maps = readMaps(this.world.kv.values);
    return PEOPLE.filter((account) => versionFor(maps, "kiln", account) === "2").length;
  };
  audit = async (action: string) =>
    valueOf(
      await this.world.control.query("audit", { cursor: null, limit: 500, target: null, actor: null }),
    ).items.filter((entry) => entry.action === action);
}

const number = (account: string): number => Number(account.split("-")[1]);
/** One request of each account in this share of minutes, in turn. */
const inTurn =
  (every: number) =>
  (account: string, _version: string, minute: number): number =>
    (number(account) + minute) % every === 0 ? 1 : 0;
const healthy: Minute = { requests: 1, fails: inTurn(200) };
const GATE = PLAN.gate;
const sick =
  (...accounts: readonly string[]): Minute["fails"] =>
  (account, version, minute) =>
    version === "2" && accounts.includes(account) ? 1 : inTurn(200)(account, version, minute);

/** Accounts that the first wave has moved, by name. */
function movedOf({ world }: Story): readonly string[] {
  const maps = readMaps(world.kv.values);
  return PEOPLE.filter((account) => versionFor(maps, "kiln", account) === "2");
}

describe("a version that fails for moved accounts", () => {
  it("is rolled back by itself within three ticks of the minimum sample, and marked bad", async ({
    expect,
  }) => {
    const story = await Story.begin();
    await story.past(60);
    await story.start();
    expect(story.started - 60).toBeOneOf([0, 1]);
    const five: Minute = {
      requests: 10,
      fails: (account, version, at) => (version === "2" && (number(account) + at) % 2 === 0 ? 1 : 0),
    };
    // 600 requests a minute: the minimum of 300 is there with the first report.
    const took = await story.until(
      five,
      3,
      ({ phase }) => phase === "rolled-back" || phase === "rolling-back",
    );
    expect(took).toBeLessThanOrEqual(3);
    await story.send(healthy);
    expect(story.onTarget()).toBe(0);
    const view = await story.show();
    expect(view).toMatchObject({ phase: "rolled-back", reason: expect.stringContaining("the gate failed") });
    expect(view.waves[0]?.gates?.[0]).toMatchObject({ verdict: "fail", cause: "errors", action: "rollback" });
    expect((await story.audit("version.bad.mark")).map(({ target }) => target)).toEqual(["version/kiln/2"]);
  });

  it("holds while p95 has doubled, and nobody moves until it is well again", async ({ expect }) => {
    const story = await Story.begin({ ...PLAN, waves: LEAKING });
    await story.past(10);
    await story.start();
    const slow: Minute = {
      requests: 20,
      fails: () => 0,
      latencyMs: (version) => (version === "2" ? 700 : 300),
    };
    await story.until(slow, 30, ({ cause, phase }) => phase === "waiting" && cause === "gate");
    const there = story.onTarget();
    await story.sendFor(10, slow);
    expect(story.onTarget()).toBe(there);
    expect((await story.show()).waves[0]?.gates?.[0]).toMatchObject({
      verdict: "fail",
      cause: "latency",
      action: "hold",
    });
    const { waves } = valueOf(await story.world.control.query("rollout.gates", { id }));
    const newest = waves[0]?.points.at(-1);
    expect(newest?.p95Ms).toEqual({
      moved: waves[0]?.verdict?.latency.movedP95Ms,
      notMoved: waves[0]?.verdict?.latency.notMovedP95Ms,
    });
    expect(newest?.p95Ms.moved).toBeGreaterThan(2 * (newest?.p95Ms.notMoved ?? 0));
    await story.until({ ...slow, latencyMs: () => 300 }, 40, () => story.onTarget() > there);
  });
});

const LEAKING: RolloutInput["waves"] = [
  {
    name: "all",
    cohorts: ["*"],
    percent: 100,
    percentPerMinute: 1,
    bake: { minutes: 60, requests: 0, workdays: 0 },
  },
];

describe("a version that fails after nineteen healthy hours", () => {
  const DAY_MINUTES = 24 * 60;
  const baked: RolloutInput = {
    ...PLAN,
    waves: PLAN.waves.map((wave) => ({ ...wave, bake: { minutes: DAY_MINUTES, requests: 0, workdays: 0 } })),
  };
  /** Nineteen hours of the first wave's bake, a report in ten minutes. */
  async function bakedSoFar(): Promise<Story> {
    const story = await Story.begin(baked);
    await story.past(60);
    await story.start();
    for (let tenth = 0; tenth < 19 * 6; tenth += 1) {
      story.minute += 9;
      await story.send({ requests: 10, fails: inTurn(200) });
    }
    expectBaking(await story.show());
    return story;
  }
  function expectBaking({ phase }: RolloutView): void {
    if (phase !== "baking") throw new Error(`it is ${phase}`);
  }

  it.for([
    ["half of its answers", 2],
    ["one in twenty", 20],
  ] as const)("is rolled back before the bake is over: %s", async ([, every], { expect, annotate }) => {
    const story = await bakedSoFar();
    const late: Minute = {
      requests: 10,
      fails: (account, version, at) =>
        version === "2" && (number(account) + at) % every === 0 ? 10 : inTurn(200)(account, version, at),
    };
    const took = await story.until(
      late,
      5 * 60,
      ({ phase }) => phase === "rolled-back" || phase === "rolling-back",
    );
    await story.send(healthy);
    await annotate(`one in ${every} answers fails after 19 healthy hours: rolled back ${took} minutes later`);
    expect(story.onTarget()).toBe(0);
    expect((await story.audit("version.bad.mark")).map(({ target }) => target)).toEqual(["version/kiln/2"]);
  });
});

describe("single accounts", () => {
  it("go back alone, one by one, while the wave goes on", async ({ expect }) => {
    const story = await Story.begin();
    await story.past(60);
    await story.start();
    const [victim = ""] = movedOf(story);
    await story.until({ requests: 1, fails: sick(victim) }, 90, () => story.onTarget() === 59);
    expect(movedOf(story)).not.toContain(victim);
    const [entry] = await story.audit("account.quarantine.set");
    expect(entry).toMatchObject({
      actor: "gate",
      target: `account/${victim}`,
      detail: { rollout: id, version: "1", was: "2" },
    });
    expect(entry?.reason).toMatch(/kiln 2: \d+ of \d+ requests failed in \d+ blocks/);
    await story.sendFor(20, { requests: 1, fails: sick(victim) });
    expect(story.onTarget()).toBe(story.started - 1);
    expect(await story.audit("account.quarantine.set")).toHaveLength(1);
    const impact = valueOf(
      await findImpact({ control: story.world.control, meters: story.memory.meters }, { id, limit: 100 }),
    );
    expect(impact.items[0]).toMatchObject({ account: victim, product: "kiln", putBackBy: "gate" });
    expect(impact.items[0]?.minutes).toBeGreaterThan(5);
    expect(impact.items[0]?.failures).toBe(impact.items[0]?.requests);
    expect(impact.items.slice(1).every(({ putBackAt }) => putBackAt === null)).toBe(true);
    expect(["baking", "shifting"]).toContain((await story.show()).phase);
  });

  it("stop the wave when there are more than the plan tolerates", async ({ expect }) => {
    const gate = { ...gateOf(), quarantineLimit: 2, onFail: "pause" as const };
    const story = await Story.begin({ ...PLAN, gate });
    await story.past(60);
    await story.start();
    const victims = movedOf(story).slice(0, 3);
    const minute = { requests: 1, fails: sick(...victims) };
    await story.until(minute, 120, ({ phase }) => phase === "paused");
    expect(await story.show()).toMatchObject({
      cause: "gate",
      reason: expect.stringContaining("where 2 are tolerated"),
    });
    expect(story.onTarget()).toBeGreaterThanOrEqual(58);
  });

  it("hold the wave where the version cannot be left again", async ({ expect }) => {
    const story = await Story.begin();
    await story.past(60);
    await must(story.world, "version.put", {
      product: "kiln",
      version: "2",
      input: { ...VERSION, reversible: false, origin: "https://kiln-2.origins.example.net" },
    });
    await story.start();
    const [victim = ""] = movedOf(story);
    await story.until(
      { requests: 1, fails: sick(victim) },
      90,
      (view) => view.waves[0]?.gates?.[0]?.cause === "accounts",
    );
    expect(story.onTarget()).toBe(story.started);
    expect(await story.audit("account.quarantine.set")).toHaveLength(0);
    expect((await story.show()).waves[0]?.gates?.[0]).toMatchObject({ action: "hold", verdict: "fail" });
  });

  it("are not put back alone where their data went along, or where both versions would serve them", async ({
    expect,
  }) => {
    const origin = "https://kiln-2.origins.example.net";
    const hooks = { prepare: `${origin}/p`, verify: `${origin}/v`, undo: `${origin}/u` };
    const migration = { kind: "perAccount" as const, timeoutSeconds: 5, concurrency: 9, ...hooks };
    for (const change of [{ mixed: "never" as const }, { mixed: "ok" as const, migration }]) {
      const story = await Story.begin();
      await story.past(60);
      await story.start();
      const input = { ...VERSION, reversible: true, origin, ...change };
      await must(story.world, "version.put", { product: "kiln", version: "2", input });
      const [victim = ""] = movedOf(story);
      await story.until(
        { requests: 1, fails: sick(victim) },
        90,
        (view) => view.waves[0]?.gates?.[0]?.cause === "accounts",
      );
      expect((await story.show()).waves[0]?.gates?.[0]).toMatchObject({ action: "hold", verdict: "fail" });
      expect(story.onTarget()).toBe(story.started);
      expect(await story.audit("account.quarantine.set")).toHaveLength(0);
    }
  });
});

function gateOf(): NonNullable<RolloutInput["gate"]> {
  if (GATE === undefined) throw new Error("the plan has a gate");
  return GATE;
}

describe("everything failing, the baseline too", () => {
  it("moves nobody, holds nothing against the version and raises an alarm", async ({ expect }) => {
    const story = await Story.begin({ ...PLAN, waves: LEAKING });
    await story.past(60);
    await story.start();
    await story.sendFor(30, healthy);
    const outage: Minute = { requests: 4, fails: () => 2 };
    await story.until(outage, 6, ({ cause, phase }) => phase === "waiting" && cause === "gate");
    const there = story.onTarget();
    await story.sendFor(5, outage);
    expect(story.onTarget()).toBe(there);
    expect((await story.show()).waves[0]?.gates?.[0]).toMatchObject({
      verdict: "inconclusive",
      cause: "baseline-bad",
    });
    const notices = (await story.audit("rollout.notice")).filter(({ reason }) =>
      reason?.includes("not moved accounts are bad"),
    );
    expect(notices).toHaveLength(1);
    expect(notices[0]?.detail).toMatchObject({ level: "page" });
    expect(await story.audit("version.bad.mark")).toHaveLength(0);
    expect(await story.audit("account.quarantine.set")).toHaveLength(0);
  });
});

describe("a gate that cannot tell", () => {
  it("says what is missing after three requests, and passes nothing", async ({ expect }) => {
    const bake = { minutes: 1, requests: 0, workdays: 0 };
    const story = await Story.begin({ ...PLAN, waves: PLAN.waves.map((wave) => ({ ...wave, bake })) });
    await story.start();
    const three = movedOf(story).slice(0, 3);
    await story.send({ requests: 1, fails: () => 0, only: three });
    await story.send({ requests: 0, fails: () => 0 });
    const view = await story.show();
    expect(view).toMatchObject({ phase: "baking", cause: "gate", wave: 0 });
    expect(view.waves[0]?.gates?.[0]).toMatchObject({
      verdict: "inconclusive",
      cause: "too-little",
      moved: { requests: 3 },
    });
    expect(view.waves[0]?.gates?.[0]?.missing.map(({ sentence }) => sentence)).toContain(
      "3 of 20 moved accounts with traffic",
    );
  });

  it("asks a person where the plan says so, and one yes is for one wave", async ({ expect }) => {
    const bake = { minutes: 1, requests: 0, workdays: 0 };
    const story = await Story.begin({
      ...PLAN,
      waves: PLAN.waves.map((wave) => ({ ...wave, bake })),
      gate: { ...gateOf(), onInconclusive: "approve" },
    });
    await story.start();
    const few: Minute = { requests: 1, fails: () => 0, only: PEOPLE.slice(0, 30) };
    await story.sendFor(3, few);
    expect(await story.show()).toMatchObject({ phase: "baking", cause: "approval" });
    expect(story.onTarget()).toBe(story.started);
    await must(story.world, "rollout.approve", { id, input: { wave: 0 } });
    await quiet(story.world);
    expect(story.onTarget()).toBe(120);
    await story.sendFor(3, few);
    expect(await story.show()).toMatchObject({ phase: "baking", cause: "approval", wave: 1 });
  });

  it("is not let past by a plan, nor asked about, when nothing was measured", async ({ expect }) => {
    const story = await Story.begin({
      ...PLAN,
      waves: PLAN.waves.map((wave) => ({ ...wave, bake: { minutes: 1, requests: 0, workdays: 0 } })),
      gate: { ...gateOf(), onInconclusive: "approve" },
    });
    await story.start();
    await story.sendFor(5, { requests: 0, fails: () => 0 });
    expect(await story.show()).toMatchObject({ phase: "baking", cause: "gate" });
    await story.sendFor(12, { requests: 0, fails: () => 0 });
    const told = (await story.audit("rollout.notice")).filter(({ reason }) =>
      reason?.includes("no edge has reported"),
    );
    expect(told).toHaveLength(1);
  });
});

describe("signals from outside", () => {
  const signal = (verdict: "pass" | "fail" | "inconclusive", ttlSeconds = 600) => ({
    id,
    input: { verdict, reason: "tickets", source: "support", ttlSeconds },
  });

  it("stop a wave at once whose answers are all well", async ({ expect }) => {
    const story = await Story.begin({ ...PLAN, gate: { ...gateOf(), onFail: "pause" } });
    await story.start();
    await story.sendFor(2, { requests: 10, fails: () => 0 });
    const after = await must(story.world, "rollout.signal", signal("fail"));
    expect(after).toMatchObject({
      phase: "paused",
      cause: "gate",
      reason: expect.stringContaining("support"),
    });
    const gates = valueOf(await story.world.control.query("rollout.gates", { id }));
    expect(gates.signals).toMatchObject([{ source: "support", verdict: "fail", expired: false }]);
    expect(gates.waves[0]?.points.length).toBeGreaterThan(0);
  });

  it("must be there where the plan names them, and say nothing once they have expired", async ({
    expect,
  }) => {
    const bake = { minutes: 1, requests: 0, workdays: 0 };
    const story = await Story.begin({
      ...PLAN,
      waves: PLAN.waves.map((wave) => ({ ...wave, bake })),
      gate: { ...gateOf(), mustHave: ["support"] },
    });
    await story.past(20);
    await story.start();
    const well: Minute = { requests: 40, fails: () => 0 };
    await must(story.world, "rollout.signal", signal("pass", 60));
    await story.sendFor(3, well);
    expect(await story.show()).toMatchObject({ phase: "baking", cause: "gate" });
    expect((await story.show()).reason).toContain('signal "support" has expired');
    await must(story.world, "rollout.signal", signal("pass"));
    await story.send(well);
    expect(story.onTarget()).toBe(120);
  });

  it("are refused where nothing listens", async ({ expect }) => {
    const { gate: _, ...ungated } = PLAN;
    const story = await Story.begin(ungated);
    const early = await story.world.control.execute("rollout.signal", signal("fail"), contextOf("deployer"));
    expect(refusalOf(early).detail).toContain("is draft");
    await story.start();
    const late = await story.world.control.execute("rollout.signal", signal("fail"), contextOf("deployer"));
    expect(refusalOf(late).detail).toContain("asks for no gate");
  });
});

describe("a part that runs dry", () => {
  it("says what it would have done, and does nothing", async ({ expect }) => {
    const story = await Story.begin({ ...PLAN, gate: { ...gateOf(), dryRun: ["errors", "accounts"] } });
    await story.past(60);
    await story.start();
    await story.sendFor(6, { requests: 10, fails: (_, version) => (version === "2" ? 1 : 0) });
    expect(story.onTarget()).toBe(story.started);
    expect((await story.show()).waves[0]?.gates?.[0]).toMatchObject({ action: null, wouldDo: "rollback" });
  });
});
