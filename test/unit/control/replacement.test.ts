/**
 * Replacements carried out by the control plane, alone and beside a rollout: read back from the published maps as an edge
 * reads them. Looks at who gets which version, and when, not at what the replacement says of itself.
 */
import { describe, it, vi } from "vitest";
import type { ReplacementInput, ReplacementView } from "../../../src/contracts/api/replacements.ts";
import type { RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import type { ExchangePort } from "../../../src/contracts/preflight.ts";
import { findAuditBreak } from "../../../src/control/store/audit.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  contextOf,
  createWorld,
  decide,
  must,
  readMaps,
  refusalOf,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { FRIDAY, healthy, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

const ACCOUNTS = Array.from({ length: 60 }, (_unused, n) => `account-${n}`);
const HOTFIX: ReplacementInput = {
  to: "1.1",
  steps: [100],
  bakeMinutes: 10,
  throughFreezes: false,
  reason: "attachments over 10 MB",
};
const ONE = { product: "kiln", from: "1" };
const MIGRATION = {
  kind: "perAccount" as const,
  prepare: "https://kiln-1-5.origins.example.net/prepare",
  verify: "https://kiln-1-5.origins.example.net/verify",
  undo: null,
  timeoutSeconds: 5,
  concurrency: 1,
};

/** Everybody at once in one wave, any time. */
const ALL: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100, bake: { minutes: 30, requests: 0, workdays: 0 } },
    { name: "rest", cohorts: ["*"], percent: 100, approve: "before" },
  ],
};

vi.setConfig({ testTimeout: 60_000 });

async function register(world: World, version: string, change: Partial<typeof VERSION> = {}): Promise<void> {
  const origin = `https://kiln-${version.replace(".", "-")}.origins.example.net`;
  const input = { ...VERSION, reversible: true, mixed: "ok" as const, origin, ...change };
  await must(world, "version.put", { product: "kiln", version, input });
  const state = { product: "kiln", version, input: { state: "candidate" as const, reason: "t" } };
  await must(world, "version.state.set", state);
}

async function prepare(exchange: ExchangePort = healthy): Promise<World> {
  const world = await prepareRollouts(createMemoryDb(), { exchange, accounts: ACCOUNTS });
  await register(world, "1.1");
  await quiet(world);
  return world;
}

async function show(world: World, from = "1"): Promise<ReplacementView> {
  return valueOf(await world.control.query("replacement", { product: "kiln", from }));
}

function decisions(world: World): ReadonlyMap<string, string> {
  const maps = readMaps(world.kv.values);
  return new Map(maps.rows().map(({ key }) => [key, versionFor(maps, "kiln", key)]));
}

const versions = (world: World): ReadonlySet<string> => new Set(decisions(world).values());
const rules = (world: World): unknown => readMaps(world.kv.values).root.products["kiln"]?.replacements;

async function start(world: World, input: Partial<ReplacementInput> = {}): Promise<void> {
  await must(world, "replacement.start", { ...ONE, input: { ...HOTFIX, ...input } });
  await quiet(world);
}

/** Ticks every few minutes until it has ended. */
async function runOut(world: World, from = "1"): Promise<void> {
  let now = world.clock.now;
  for (let ticks = 0; ticks < 60; ticks += 1) {
    const { phase } = await show(world, from);
    if (phase === "completed" || phase === "stopped") return;
    now = Math.max(now, world.clock.now) + 4 * MINUTE;
    await tick(world, now);
  }
  throw new Error(`it does not end: ${(await show(world, from)).reason}`);
}

async function pin(world: World, account: string, version: string): Promise<void> {
  const input = { version, reason: "asked for", expires: null };
  await must(world, "account.pin.set", { account, product: "kiln", input });
}

describe("a replacement", () => {
  it("takes everybody along its ramp, one root a step, and leaves without moving anybody", async ({
    expect,
  }) => {
    const world = await prepare();
    await pin(world, "account-1", "1");
    const quarantine = { version: "1", reason: "slow" };
    await must(world, "account.quarantine.set", {
      account: "account-2",
      product: "kiln",
      input: quarantine,
    });
    await must(world, "account.delete", { account: "account-3", reason: "left" });
    await quiet(world);
    await start(world, { steps: [20, 100], percentPerMinute: 5 });
    const counts: number[] = [];
    let before = decisions(world);
    for (let now = FRIDAY + MINUTE, ticks = 0; ticks < 12; ticks += 1, now += MINUTE) {
      const roots = world.kv.writes().filter((key) => key === "root").length;
      await tick(world, Math.max(now, world.clock.now + MINUTE));
      const after = decisions(world);
      for (const [slug, version] of after)
        if (version !== before.get(slug)) expect([slug, version]).toEqual([slug, "1.1"]);
      expect(world.kv.writes().filter((key) => key === "root").length - roots).toBeLessThanOrEqual(1);
      counts.push([...after.values()].filter((version) => version === "1.1").length);
      before = after;
    }
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    // Watched at 20 %: some dozen of 60, and nobody more while it bakes.
    expect(counts.filter((count) => count > 0 && count < 30).length).toBeGreaterThan(3);
    while ((await show(world)).percent < 100) await tick(world, world.clock.now + 4 * MINUTE);
    const whole = decisions(world);
    expect(new Set(whole.values())).toEqual(new Set(["1.1"]));
    await runOut(world);
    expect(decisions(world)).toEqual(whole);
    expect(rules(world)).toEqual([]);
    expect(decide(readMaps(world.kv.values), "kiln", "account-1")).toBe("1.1 by pin");
    expect(decide(readMaps(world.kv.values), "kiln", "account-2")).toBe("1.1 by quarantine");
    expect(findAuditBreak(world.db)).toBeNull();
  });

  it("takes stable along, and never the default of unknown accounts", async ({ expect }) => {
    const world = await prepare();
    await start(world);
    await tick(world, FRIDAY + MINUTE);
    const maps = readMaps(world.kv.values);
    expect([versionFor(maps, "kiln", "account-0"), versionFor(maps, "kiln", "nobody")]).toEqual(["1.1", "1"]);
    expect((await show(world)).warnings.join()).toContain("the default (unknown accounts) of kiln stays 1");
    const status = valueOf(await world.control.query("status", { seen: [] }));
    expect(status.replacements).toMatchObject([{ product: "kiln", from: "1", to: "1.1", percent: 100 }]);
    await runOut(world);
    const product = valueOf(await world.control.query("product", { product: "kiln" }));
    expect(product).toMatchObject({ stable: "1.1", default: "1", standby: null });
    const { items } = valueOf(
      await world.control.query("audit", {
        cursor: null,
        limit: 100,
        target: "replacement/kiln/1",
        actor: null,
      }),
    );
    expect(items.map(({ reason }) => reason).join()).toContain("is still 1: it moves by its own step alone");
    await addAccount(world, "newcomer");
    await quiet(world);
    expect(versionFor(readMaps(world.kv.values), "kiln", "newcomer")).toBe("1.1");
  });

  it("lets nobody fall back who comes to the old version while homes are written", async ({ expect }) => {
    const world = await prepare();
    await must(world, "replacement.start", { ...ONE, input: { ...HOTFIX, bakeMinutes: 0 } });
    // No alarm has come yet: nothing is published.
    await world.control.tick(FRIDAY + MINUTE);
    // Homes are written and not out yet: a new account that names the old version.
    expect((await show(world)).phase).toBe("settling");
    await addAccount(world, "late", { homes: { kiln: "1" } });
    await runOut(world);
    expect(versions(world)).toEqual(new Set(["1.1"]));
  });

  it("refuses to hold an account on the old version once it has taken it along, and says what would", async ({
    expect,
  }) => {
    const world = await prepare();
    await start(world, { steps: [50, 100], bakeMinutes: 600 });
    await tick(world, FRIDAY + MINUTE);
    const on = (version: string): string =>
      ACCOUNTS.find((slug) => decisions(world).get(slug) === version) ?? "";
    const [taken, ahead] = [on("1.1"), on("1")];
    const quarantine = { account: taken, product: "kiln", input: { version: "1", reason: "1.1 breaks it" } };
    const refused = refusalOf(
      await world.control.execute("account.quarantine.set", quarantine, contextOf("support")),
    );
    expect(refused.detail).toBe(
      `kiln 1 is being replaced by 1.1, also for ${taken}, which would be served 1.1 all the same: name another version, or roll the replacement of kiln 1 back first`,
    );
    const input = { version: "1", reason: "asked for", expires: null };
    const pinned = { account: taken, product: "kiln", input };
    expect(refusalOf(await world.control.execute("account.pin.set", pinned, contextOf())).detail).toBe(
      refused.detail,
    );
    // Not taken along yet: it is served what it is held on, and follows with everybody else.
    await pin(world, ahead, "1");
    await must(world, "replacement.rollback", {
      ...ONE,
      input: { reason: "it breaks one", confirmed: false },
    });
    await quiet(world);
    await must(world, "account.quarantine.set", quarantine);
    await quiet(world);
    expect(decide(readMaps(world.kv.values), "kiln", taken)).toBe("1 by quarantine");
    expect(decide(readMaps(world.kv.values), "kiln", ahead)).toBe("1 by pin");
  });

  it("goes back to exactly where everybody was, after the old version was probed", async ({ expect }) => {
    const world = await prepare();
    const before = decisions(world);
    await start(world, { steps: [50, 100] });
    await tick(world, FRIDAY + MINUTE);
    expect(versions(world)).toEqual(new Set(["1", "1.1"]));
    const runs = (): number =>
      world.db.rows("SELECT id FROM preflight_runs WHERE product = 'kiln' AND version = '1'").length;
    expect(runs()).toBe(0);
    await must(world, "halt.set", { input: { on: true, reason: "all stop" } });
    const input = { reason: "it loses drafts", confirmed: false };
    await must(world, "replacement.rollback", { ...ONE, input });
    await quiet(world);
    expect(runs()).toBe(1);
    expect([(await show(world)).phase, decisions(world)]).toEqual(["rolled-back", before]);
    // And once more, under another salt.
    await must(world, "halt.set", { input: { on: false, reason: "go" } });
    await start(world);
    expect(await show(world)).toMatchObject({ number: 2, revision: expect.any(Number) });
    await runOut(world);
    expect(versions(world)).toEqual(new Set(["1.1"]));
  });

  it("whose preflight cannot be reached is told of after ten minutes, until it goes on", async ({
    expect,
  }) => {
    let isReachable = false;
    const world = await prepare(async (request) => {
      if (isReachable || !request.host.startsWith("kiln-1-1")) return healthy(request);
      const received = new Uint8Array();
      return { end: "not-connected", fault: "connect-failed", detail: "no route", received, ms: 0 };
    });
    const alarms = async (): Promise<readonly string[]> =>
      valueOf(await world.control.query("alarms", {})).map(({ name, words }) => `${name}: ${words}`);
    await start(world);
    await tick(world, FRIDAY + 5 * MINUTE);
    expect((await show(world)).phase).toBe("preflight");
    expect(await alarms()).toEqual([]);
    for (let minute = 10; minute < 40; minute += 5) await tick(world, FRIDAY + minute * MINUTE);
    expect(await alarms()).toEqual([
      expect.stringMatching(
        /^rollout-ticket: kiln 1 → 1\.1 was to go on by 2026-11-27T12:.*: preflight says too little/,
      ),
    ]);
    isReachable = true;
    for (let minute = 40; minute < 55; minute += 5) await tick(world, FRIDAY + minute * MINUTE);
    expect([(await show(world)).percent, await alarms()]).toEqual([100, []]);
  });

  it("pages where it paused by itself, and not where a person paused it", async ({ expect }) => {
    const world = await prepare();
    const alarms = async (): Promise<readonly string[]> =>
      valueOf(await world.control.query("alarms", {})).map(({ name, subject }) => `${name} ${subject}`);
    await start(world);
    await must(world, "replacement.pause", { ...ONE, input: { reason: "lunch" } });
    await tick(world, FRIDAY + MINUTE);
    expect([(await show(world)).phase, await alarms()]).toEqual(["paused", []]);
    await must(world, "version.bad.mark", { product: "kiln", version: "1.1", input: { reason: "leaks" } });
    await must(world, "replacement.resume", { ...ONE, input: {} });
    await tick(world, FRIDAY + 2 * MINUTE);
    expect((await show(world)).phase).toBe("paused");
    expect(await alarms()).toEqual(["rollout-page kiln 1"]);
  });

  it("taken back before it was probed asks for nothing any more", async ({ expect }) => {
    const world = await prepare();
    await must(world, "replacement.start", { ...ONE, input: HOTFIX });
    await must(world, "replacement.rollback", { ...ONE, input: { reason: "too soon", confirmed: false } });
    // The object dies before its probes are sent: another one finds what waits.
    const other = createWorld({ ...world, preflight: { exchange: healthy, routerHeader: null } });
    await other.control.alarm();
    await other.control.idle();
    expect((await show(other)).phase).toBe("rolled-back");
    expect(other.wakeUp.at ?? Infinity).toBeGreaterThan(other.clock.now);
  });

  it("stops half way: who had moved stays, for good", async ({ expect }) => {
    const world = await prepare();
    await pin(world, "account-1", "1");
    await start(world, { steps: [50, 100] });
    await tick(world, FRIDAY + MINUTE);
    const half = decisions(world);
    await must(world, "replacement.stop", { ...ONE, input: { reason: "1.2 comes instead" } });
    await runOut(world);
    expect([(await show(world)).phase, rules(world)]).toEqual(["stopped", []]);
    expect(decisions(world)).toEqual(half);
    expect(valueOf(await world.control.query("product", { product: "kiln" })).stable).toBe("1");
  });

  it("survives an export and a restore in the middle", async ({ expect }) => {
    const world = await prepare();
    await start(world, { steps: [50, 100], bakeMinutes: 600 });
    await tick(world, FRIDAY + MINUTE);
    const half = decisions(world);
    const lines: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await world.control.exportPage(cursor);
      lines.push(...page.lines);
      ({ cursor } = page);
    } while (cursor !== null);
    await must(world, "replacement.rollback", { ...ONE, input: { reason: "drafts", confirmed: false } });
    await quiet(world);
    expect(versions(world)).toEqual(new Set(["1"]));
    valueOf(await world.control.restoreBegin(contextOf().actor, "back to the export"));
    valueOf(await world.control.restoreLines(lines));
    valueOf(await world.control.restoreEnd(0));
    await quiet(world);
    expect(decisions(world)).toEqual(half);
    await tick(world, world.clock.now + 601 * MINUTE);
    expect(decisions(world)).toEqual(half);
    await must(world, "replacement.resume", { ...ONE, input: {} });
    for (let hours = 0; hours < 2; hours += 1) await tick(world, world.clock.now + 601 * MINUTE);
    expect(versions(world)).toEqual(new Set(["1.1"]));
  });
});

describe("a replacement beside a rollout", () => {
  async function withRollout(rollout: RolloutInput = ALL): Promise<World> {
    const world = await prepare();
    await must(world, "rollout.create", { id: rollout.id, input: rollout });
    await must(world, "rollout.start", { id: rollout.id, input: { again: false } });
    await tick(world, FRIDAY + MINUTE);
    const seen = [...versions(world)].toSorted().join();
    if (seen !== "1,2") throw new Error(`staff should have moved, but accounts are on ${seen}`);
    return world;
  }

  it("of the version before: it completes, and a rollback leads to the new one", async ({ expect }) => {
    const world = await withRollout();
    const staff = [...decisions(world)].filter(([, version]) => version === "2").map(([slug]) => slug);
    await start(world);
    await tick(world, world.clock.now + MINUTE);
    expect(versions(world)).toEqual(new Set(["1.1", "2"]));
    const whole = decisions(world);
    await runOut(world);
    expect(decisions(world)).toEqual(whole);
    // Nobody is at home on it, so it may be bad: the way back does not lead there any more.
    await must(world, "version.bad.mark", { product: "kiln", version: "1", input: { reason: "leaks" } });
    const input = { reason: "slow", confirmed: false };
    await must(world, "rollout.rollback", { id: "autumn", input });
    await quiet(world);
    expect(valueOf(await world.control.query("rollout", { id: "autumn" })).phase).toBe("rolled-back");
    expect(staff.length).toBeGreaterThan(0);
    expect(versions(world)).toEqual(new Set(["1.1"]));
  });

  it("of the version before: it stays while a rollback would put somebody back on that by name", async ({
    expect,
  }) => {
    const both = { ...ALL, targets: { kiln: "2", fogbugz: "2" } };
    const world = await withRollout(both);
    const staff = [...decisions(world)].find(([, version]) => version === "2")?.[0] ?? "";
    const input = { version: "1", reason: "asked", expires: null };
    await must(world, "account.pin.set", { account: staff, product: "fogbugz", input });
    await must(world, "account.pin.lift", { account: staff, product: "fogbugz", reason: "done" });
    await start(world);
    for (let ticks = 0; ticks < 5; ticks += 1) await tick(world, world.clock.now + 5 * MINUTE);
    expect(await show(world)).toMatchObject({
      phase: "settling",
      reason: "Stays in the maps: a rollback of rollout autumn would put accounts back on kiln 1",
    });
    const back = { reason: "slow", confirmed: false };
    await must(world, "rollout.rollback", { id: "autumn", input: back });
    await quiet(world);
    expect(versions(world)).toEqual(new Set(["1.1"]));
    await runOut(world);
    expect(versions(world)).toEqual(new Set(["1.1"]));
  });

  it("of the version before, half way: a rollback of the rollout leads to both, and probes both", async ({
    expect,
  }) => {
    const world = await withRollout();
    await start(world, { steps: [50, 100] });
    await tick(world, world.clock.now + MINUTE);
    expect(versions(world)).toEqual(new Set(["1", "1.1", "2"]));
    await must(world, "rollout.rollback", { id: "autumn", input: { reason: "slow", confirmed: false } });
    await quiet(world);
    const runs = world.db.rows(
      "SELECT DISTINCT version FROM preflight_runs WHERE product = 'kiln' ORDER BY version",
    );
    expect(runs.map((row) => row["version"])).toEqual(["1", "1.1", "2"]);
    expect(versions(world)).toEqual(new Set(["1", "1.1"]));
    await runOut(world);
    expect(versions(world)).toEqual(new Set(["1.1"]));
  });

  it("of the target: whoever the rollout moves gets the new one; it ends when the rollout has", async ({
    expect,
  }) => {
    const world = await withRollout();
    await register(world, "2.1");
    const input = { ...HOTFIX, to: "2.1" };
    await must(world, "replacement.start", { product: "kiln", from: "2", input });
    await quiet(world);
    await tick(world, world.clock.now + MINUTE);
    expect(versions(world)).toEqual(new Set(["1", "2.1"]));
    await tick(world, world.clock.now + 40 * MINUTE);
    expect(await show(world, "2")).toMatchObject({
      phase: "settling",
      reason: "Stays in the maps: rollout autumn moves accounts to kiln 2",
    });
    await must(world, "rollout.approve", { id: "autumn", input: { wave: 1 } });
    await tick(world, world.clock.now + MINUTE);
    expect(versions(world)).toEqual(new Set(["2.1"]));
    await runOut(world, "2");
    expect([versions(world), rules(world)]).toEqual([new Set(["2.1"]), []]);
    const after = valueOf(await world.control.query("version", { product: "kiln", version: "2.1" }));
    expect(after).toMatchObject({ state: "live", accounts: 60 });
  });

  it("of the target, whose preflight turns red: nobody more is moved to it", async ({ expect }) => {
    let isBroken = false;
    const exchange: ExchangePort = async (request) => {
      const answer = await healthy(request);
      if (!isBroken || !request.host.startsWith("kiln-2-1")) return answer;
      return {
        ...answer,
        received: new TextEncoder().encode("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
      };
    };
    const world = await prepare(exchange);
    await must(world, "rollout.create", { id: ALL.id, input: ALL });
    await must(world, "rollout.start", { id: ALL.id, input: { again: false } });
    await tick(world, FRIDAY + MINUTE);
    await register(world, "2.1");
    await must(world, "replacement.start", { product: "kiln", from: "2", input: { ...HOTFIX, to: "2.1" } });
    await quiet(world);
    await tick(world, world.clock.now + MINUTE);
    const before = decisions(world);
    expect(new Set(before.values())).toEqual(new Set(["1", "2.1"]));
    isBroken = true;
    await tick(world, world.clock.now + 70 * MINUTE);
    expect((await show(world, "2")).phase).toBe("paused");
    await world.control.execute("rollout.approve", { id: "autumn", input: { wave: 1 } }, contextOf());
    for (let ticks = 0; ticks < 4; ticks += 1) await tick(world, world.clock.now + 20 * MINUTE);
    expect(decisions(world)).toEqual(before);
  });

  it("is refused where the rollout could not take the accounts of the new version", async ({ expect }) => {
    const world = await prepare();
    const origin = "https://kiln-2.origins.example.net";
    const input = { ...VERSION, reversible: true, origin, upgradesFrom: ["1"] };
    await must(world, "version.put", { product: "kiln", version: "2", input });
    await must(world, "rollout.create", { id: ALL.id, input: ALL });
    await must(world, "rollout.start", { id: ALL.id, input: { again: false } });
    const tried = world.control.execute("replacement.start", { ...ONE, input: HOTFIX }, contextOf());
    expect(refusalOf(await tried).detail).toContain(
      "rollout autumn is running: kiln 2 upgrades from 1, not from 1.1",
    );
  });

  it("keeps a rollout to the replaced version from starting", async ({ expect }) => {
    const world = await prepare();
    await register(world, "2.1");
    await must(world, "replacement.start", { product: "kiln", from: "2", input: { ...HOTFIX, to: "2.1" } });
    const tried = world.control.execute("rollout.create", { id: ALL.id, input: ALL }, contextOf());
    expect(refusalOf(await tried).detail).toContain("kiln 2 is being replaced by 2.1: target that");
  });
});

describe("what refuses a replacement", () => {
  it("is a version that was not declared to stand beside the old one, or for what accounts have", async ({
    expect,
  }) => {
    const world = await prepare();
    await register(world, "1.2", { mixed: "never" });
    await register(world, "1.3", { requires: { fogbugz: ["2"] } });
    await register(world, "1.4", { upgradesFrom: ["0.9"] });
    await register(world, "1.5", { migration: MIGRATION });
    const plan = async (to: string): Promise<string> => {
      const { reason: _unused, ...input } = { ...HOTFIX, to };
      return valueOf(await world.control.query("replacement.plan", { ...ONE, input })).problems.join("; ");
    };
    expect(await plan("1.1")).toBe("");
    expect(await plan("1.2")).toContain("not declared mixed: ok");
    expect(await plan("1.3")).toContain("requires fogbugz 2, not 1");
    expect(await plan("1.4")).toContain("upgrades from 0.9, not from 1");
    expect(await plan("1.5")).toContain("a replacement calls no hooks");
    expect(await plan("9")).toContain("not registered");
    expect(rules(world)).toEqual([]);
  });

  it("is a revision that is old, a second one, a token for other products, a viewer", async ({ expect }) => {
    const world = await prepare();
    const run = async (more: Parameters<typeof contextOf>[1], role?: "viewer"): Promise<string> =>
      refusalOf(
        await world.control.execute("replacement.start", { ...ONE, input: HOTFIX }, contextOf(role, more)),
      ).problem;
    expect(await run({ ifMatch: 3 })).toBe("stale-revision");
    expect(await run({ actor: { name: "a", role: "operator", products: ["fogbugz"] } })).toBe("forbidden");
    expect(await run({}, "viewer")).toBe("forbidden");
    await start(world);
    expect(await run({})).toBe("conflict");
  });

  it("is held by a mark: a bad target pauses it, and neither version can be retired under it", async ({
    expect,
  }) => {
    const world = await prepare();
    await start(world, { steps: [50, 100] });
    await tick(world, FRIDAY + MINUTE);
    const half = decisions(world);
    await must(world, "version.bad.mark", { product: "kiln", version: "1.1", input: { reason: "leaks" } });
    await tick(world, FRIDAY + 60 * MINUTE);
    expect([(await show(world)).phase, decisions(world)]).toEqual(["paused", half]);
    const drain = { product: "kiln", version: "1.1", input: { state: "candidate" as const, reason: "t" } };
    const refused = refusalOf(await world.control.execute("version.state.set", drain, contextOf()));
    expect(refused.detail).toContain("running replacements (1)");
  });

  it("is not held by a mark while homes are written: it ends, and another leads everybody back", async ({
    expect,
  }) => {
    const world = await prepare();
    await start(world, { bakeMinutes: 1 });
    let now = FRIDAY;
    while ((await show(world)).phase !== "settling" && now < FRIDAY + 20 * MINUTE)
      await world.control.tick((world.clock.now = now += MINUTE));
    expect((await show(world)).phase).toBe("settling");
    await must(world, "version.bad.mark", { product: "kiln", version: "1.1", input: { reason: "leaks" } });
    const moved = decisions(world);
    await runOut(world);
    expect([(await show(world)).phase, decisions(world)]).toEqual(["completed", moved]);
    const back = { ...HOTFIX, to: "1", throughFreezes: true };
    await must(world, "replacement.start", { product: "kiln", from: "1.1", input: back });
    await runOut(world, "1.1");
    expect(versions(world)).toEqual(new Set(["1"]));
  });
});
