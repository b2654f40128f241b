/**
 * Rollouts while what carries them fails: an alarm that is given up by the platform, a day without any tick, KV that is
 * down when somebody goes back. Each story is told over the real control plane, a clock that is moved, and a KV and a
 * database that fail when told to; what edges would decide is read from KV as they read it.
 */
import { describe, it, vi } from "vitest";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import type { ExchangePort } from "../../../src/contracts/preflight.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import type { Db } from "../../../src/control/db.ts";
import { createIsolate, createWorld as createEdgeWorld, type Isolate } from "../../support/isolate.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  decide,
  must,
  VERSION,
  readMaps,
  refusalOf,
  contextOf,
  valueOf,
  type World,
} from "../../support/control-world.ts";
import {
  ACCOUNTS,
  at,
  healthy,
  HOUR,
  MINUTE,
  PLAN,
  prepareRollouts,
  quiet,
  tick,
} from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

/** So many that every step of 5 % moves somebody, whatever the salt. */
const SOME = ACCOUNTS.slice(0, 450);
/** 22:00 in Paris; New York and Kolkata have other nights. */
const NIGHT = at("2026-11-27T21:00:00Z");
const DAY = 24 * HOUR;
/** The platform tries an alarm again so often, and then never again. */
const ALARM_RETRIES = 6;

/** A database that fails when told to, as a disk does. */
function createFallibleDb(): { readonly db: Db; broken: boolean } {
  const real = createMemoryDb();
  const fallible = { broken: false, db: real };
  const check = (): void => {
    if (fallible.broken) throw new Error("disk I/O error");
  };
  fallible.db = {
    rows: (sql, ...params) => (check(), real.rows(sql, ...params)),
    raw: (sql, ...params) => (check(), real.raw(sql, ...params)),
    run: (sql, ...params) => (check(), real.run(sql, ...params)),
    transaction: (body) => (check(), real.transaction(body)),
  };
  return fallible;
}

/** What every account gets of both products, as edges decide it. */
function decisions(world: World): readonly string[] {
  const maps = readMaps(world.kv.values);
  return SOME.map((slug) => `${decide(maps, "kiln", slug)}, ${decide(maps, "fogbugz", slug)}`);
}
const moved = (world: World): number =>
  decisions(world).filter((decision) => decision.startsWith("2 by")).length;
const roots = (world: World): number => world.kv.writes().filter((key) => key === "root").length;
const show = async (world: World): Promise<RolloutView> =>
  valueOf(await world.control.query("rollout", { id: "autumn" }));
const alarms = async (world: World) =>
  valueOf(await world.control.query("alarms", {}))
    .map(({ words }) => words)
    .join("\n");
const status = async (world: World) => valueOf(await world.control.query("status", { seen: [] }));

async function start(world: World, plan: RolloutInput = PLAN): Promise<void> {
  await must(world, "rollout.create", { id: plan.id, input: plan });
  await must(world, "rollout.start", { id: plan.id, input: { again: false } });
  await quiet(world);
  await tick(world, world.clock.now + MINUTE);
}

/** A tick a minute, from one minute on. */
async function tickFor(world: World, fromMs: number, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) await tick(world, fromMs + minute * MINUTE);
}

describe("an alarm that has used up its retries", () => {
  it("is armed again by the next tick, and every step is taken once", async ({ expect, annotate }) => {
    const disk = createFallibleDb();
    const world = await prepareRollouts(disk.db, { accounts: SOME });
    await start(world);
    await tickFor(world, NIGHT, 4);
    const [before, published] = [moved(world), roots(world)];
    world.clock.now = NIGHT + 4 * MINUTE;
    await world.control.tick(world.clock.now);
    disk.broken = true;
    for (let retry = 0; retry <= ALARM_RETRIES; retry += 1)
      await expect(world.control.alarm()).rejects.toThrow("disk I/O error");
    disk.broken = false;
    // Dropped for ever, and what it was for is decided and has not gone out.
    world.wakeUp.at = null;
    expect((await show(world)).moved).toBeGreaterThan(before);
    expect([moved(world), roots(world)]).toEqual([before, published]);

    const seen = new Set<string>();
    for (let minute = 5; minute < 10; minute += 1) {
      await tick(world, NIGHT + minute * MINUTE);
      const decided = decisions(world);
      const now = SOME.filter((_slug, n) => decided[n]?.startsWith("2 by"));
      expect([...seen].filter((slug) => !now.includes(slug))).toEqual([]);
      for (const slug of now) seen.add(slug);
      expect(seen.size).toBe((await show(world)).moved);
    }
    // The step of the lost alarm went out with the next: a root a tick, none twice.
    expect(roots(world) - published).toBeLessThanOrEqual(5);
    await annotate(
      `alarm dropped after ${ALARM_RETRIES} retries with a step not out; armed by the next tick: ${before} accounts moved before, ${seen.size} ten minutes on, as decided, in ${roots(world) - published} more roots`,
    );
  });

  it("with cron gone as well moves nobody, says so, and is not made up for", async ({ expect, annotate }) => {
    const disk = createFallibleDb();
    const answers = { exchange: healthy };
    const exchange: ExchangePort = (...args) => answers.exchange(...args);
    const world = await prepareRollouts(disk.db, { accounts: SOME, exchange });
    await start(world);
    await tickFor(world, NIGHT, 5);
    const before = moved(world);
    world.wakeUp.at = null;

    // Nobody ticks until the next night; meanwhile the candidate has fallen ill.
    world.clock.now = NIGHT + DAY;
    answers.exchange = async (...args) => ({
      ...(await healthy(...args)),
      received: new TextEncoder().encode("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
    });
    expect(moved(world)).toBe(before);
    expect(await alarms(world)).toMatch(/^no tick has come from cron since 2026-11-27T21:04/im);
    await tick(world, world.clock.now);
    await tick(world, world.clock.now + MINUTE);
    expect(moved(world)).toBe(before);
    expect((await show(world)).reason).toMatch(/preflight/i);

    // Well again; but what was red twice in a row waits for a person, and then goes on, a minute's worth a minute.
    answers.exchange = healthy;
    await tickFor(world, NIGHT + DAY + 2 * HOUR, 3);
    const { phase, reason } = await show(world);
    expect({ phase, moved: moved(world) }).toEqual({ phase: "paused", moved: before });
    await must(world, "rollout.resume", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tickFor(world, NIGHT + DAY + 2 * HOUR + 3 * MINUTE, 3);
    await annotate(
      `a day without alarm and cron: 0 of ${before} moved on; a late tick over an ill candidate: 0; then ${phase}: ${reason}; resumed: ${moved(world) - before} in three minutes`,
    );
    expect(moved(world)).toBeGreaterThan(before);
    expect(moved(world) - before).toBeLessThanOrEqual((SOME.length * 5 * 4) / 100);
  });
});

describe("an alarm without cron", () => {
  it("carries a rollout on alone, a step a minute, also when each comes twice", async ({
    expect,
    annotate,
  }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: SOME });
    await start(world);
    await tickFor(world, NIGHT, 2);
    const [before, published] = [moved(world), roots(world)];
    let minutes = 0;
    for (const until = NIGHT + 20 * MINUTE; world.clock.now < until;) {
      const { at: dueAt } = world.wakeUp;
      if (dueAt === null) throw new Error("no alarm is set");
      world.clock.now = Math.max(world.clock.now, dueAt);
      world.wakeUp.at = null;
      await world.control.alarm();
      await world.control.alarm();
      await world.control.idle();
      minutes = (world.clock.now - NIGHT) / MINUTE;
      expect(moved(world) - before).toBeLessThanOrEqual((SOME.length * 5 * (minutes + 1)) / 100);
    }
    expect(moved(world)).toBeGreaterThan(before);
    expect(roots(world) - published).toBeLessThanOrEqual(minutes + 1);
    expect(await alarms(world)).toMatch(/^no tick has come from cron/im);
    await annotate(
      `${minutes.toFixed(0)} minutes by alarms alone, each twice: ${moved(world) - before} accounts moved in ${roots(world) - published} roots`,
    );
  });
});

describe("a day without control plane and cron", () => {
  const HOURS = 24;

  /** What one isolate gives these accounts of kiln, by the maps it holds. */
  async function served(isolate: Isolate, slugs: readonly string[]): Promise<readonly string[]> {
    const given: string[] = [];
    for (const slug of slugs) {
      const { snapshot, found } = await isolate.ask(slug);
      if (snapshot.root === null || found.kind === "unresolved") given.push("unresolved");
      else {
        const row = found.kind === "row" ? found.row : null;
        const asked = { root: snapshot.root, breakGlass: snapshot.breakGlass, row, slug, override: null };
        const decision = decideVersion({ ...asked, product: "kiln" });
        given.push(decision.kind === "forward" ? decision.version : decision.kind);
      }
    }
    return given;
  }

  it("changes no answer of a warm or a cold edge, and is not made up for", async ({ expect, annotate }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: SOME });
    await start(world);
    await tickFor(world, NIGHT, 4);
    const [before, generation] = [moved(world), readMaps(world.kv.values).root.generation];
    expect(before).toBeGreaterThan(SOME.length / 10);

    // Nothing but the published maps is left. Edges live on a clock of their own.
    const edges = createEdgeWorld();
    edges.kv.publish(world.kv.values);
    const asked = [...SOME.slice(0, 20), "nobody"];
    const warm = createIsolate(edges);
    const atFirst = await served(warm, asked);
    expect(atFirst).toEqual([
      ...decisions(world)
        .slice(0, 20)
        .map((each) => each.split(" ")[0]),
      "1",
    ]);
    for (let hour = 0; hour < HOURS; hour += 1) {
      for (let minute = 0; minute < 60; minute += 1) {
        expect(await served(warm, [SOME[minute % 20] ?? "", "nobody"])).toEqual([atFirst[minute % 20], "1"]);
        await edges.clock.advance(MINUTE);
      }
      expect(await served(createIsolate(edges), asked)).toEqual(atFirst);
      expect(await served(warm, asked)).toEqual(atFirst);
    }
    expect(warm.faults).toEqual([]);
    expect(warm.reader.generation()).toBe(generation);

    // Back again, in the same hour of the next night: said, and not made up for.
    world.clock.now = NIGHT + DAY;
    expect(await alarms(world)).toMatch(/^no tick has come from cron since 2026-11-27T21:03/im);
    const were = decisions(world);
    await tick(world, world.clock.now);
    await tick(world, world.clock.now + MINUTE);
    expect(moved(world) - before).toBeLessThanOrEqual((SOME.length * 5 * 2) / 100);
    expect(
      decisions(world).filter((now, n) => were[n]?.startsWith("2 by") === true && !now.startsWith("2 by")),
    ).toEqual([]);
    expect(moved(world)).toBeGreaterThan(before);
    await annotate(
      `24 hours: a warm edge and 24 cold ones gave all what they had before; then ${moved(world) - before} of ${SOME.length - before} accounts moved in two minutes`,
    );
  });
});

const HOURS = [{ days: ["mon" as const, "tue" as const], from: "09:00", to: "17:00", zone: "Europe/Paris" }];
/** Everybody to 2 at once, then the default. */
const WHOLE: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2" },
  waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
  default: { move: true, afterDays: 0, window: HOURS, mirror: null, bake: { minutes: 600, requests: 0 } },
};

describe("going back while KV is down", () => {
  it("is asked for, kept, said not to be out yet, and complete when KV is back", async ({
    expect,
    annotate,
  }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: SOME });
    const pin = { version: "1", reason: "asked for it", expires: null };
    await must(world, "account.pin.set", { account: "account-7", product: "kiln", input: pin });
    await quiet(world);
    const before = { root: readMaps(world.kv.values).root, decisions: decisions(world) };
    await start(world, WHOLE);
    await tickFor(world, at("2026-11-30T10:00:00Z"), 4);
    expect(readMaps(world.kv.values).root.products["kiln"]).toMatchObject({ default: "2", standby: "1" });
    const after = { root: readMaps(world.kv.values).root, decisions: decisions(world) };
    expect(moved(world)).toBe(SOME.length - 1);

    world.kv.failure = new Error("KV PUT failed: 503");
    const asked = { id: "autumn", input: { confirmed: false, reason: "loses mail" } };
    expect(refusalOf(await world.control.execute("rollout.rollback", asked, contextOf())).detail).toMatch(
      /confirm/,
    );
    await must(world, "rollout.rollback", { ...asked, input: { ...asked.input, confirmed: true } });
    for (let minute = 5; minute < 15; minute += 1) {
      const nowMs = at("2026-11-30T10:00:00Z") + minute * MINUTE;
      world.clock.now = nowMs;
      await world.control.tick(nowMs);
      await world.control.alarm();
      await world.control.idle();
    }
    // Edges go on as they were, and nobody is told otherwise.
    expect(decisions(world)).toEqual(after.decisions);
    expect(readMaps(world.kv.values).root).toEqual(after.root);
    const during = await status(world);
    expect(during.published).toMatchObject({ generation: after.root.generation });
    expect(during.published.waiting).toBeGreaterThan(0);
    expect(during.published.problem).toMatch(
      /failing since 2026-11-30T10:0.*KV PUT failed: 503.*edges serve the last maps/,
    );
    expect((await show(world)).reason).toMatch(/not yet in effect/);

    world.kv.failure = null;
    await quiet(world);
    const now = readMaps(world.kv.values).root;
    expect(now.generation).toBeGreaterThan(after.root.generation);
    expect(decisions(world)).toEqual(before.decisions);
    expect(now.products["kiln"]).toMatchObject({
      default: before.root.products["kiln"]?.default,
      standby: before.root.products["kiln"]?.standby,
    });
    expect((await show(world)).phase).toBe("rolled-back");
    expect((await show(world)).reason).not.toMatch(/not yet in effect/);
    expect((await status(world)).published).toMatchObject({ waiting: 0, problem: null });
    await annotate(
      `went back after the default moved, KV down for 10 minutes: ${SOME.length} accounts, default and pins as before, in generation ${now.generation} after ${after.root.generation}`,
    );
  });
});

describe("going back to where a version was retired meanwhile", () => {
  it("brings the default back without a standby that edges could not serve", async ({ expect }) => {
    const world = await prepareRollouts(createMemoryDb(), { accounts: SOME });
    const origin = "https://kiln-0.origins.example.net";
    const state = (to: "candidate" | "retired") =>
      must(world, "version.state.set", {
        product: "kiln",
        version: "0",
        input: { state: to, reason: "old" },
      });
    await must(world, "version.put", {
      product: "kiln",
      version: "0",
      input: { ...VERSION, reversible: true, origin },
    });
    await state("candidate");
    for (const version of ["0", "1"])
      await must(world, "product.default.set", {
        product: "kiln",
        input: { version, force: true, reason: "t" },
      });
    await quiet(world);
    const before = { root: readMaps(world.kv.values).root, decisions: decisions(world) };
    expect(before.root.products["kiln"]).toMatchObject({ default: "1", standby: "0" });
    await start(world, WHOLE);
    await tickFor(world, at("2026-11-30T10:00:00Z"), 4);
    expect(readMaps(world.kv.values).root.products["kiln"]).toMatchObject({ default: "2", standby: "1" });
    await state("retired");
    await quiet(world);

    await must(world, "rollout.rollback", { id: "autumn", input: { confirmed: true, reason: "loses mail" } });
    await quiet(world);
    const now = readMaps(world.kv.values).root;
    expect((await status(world)).published).toMatchObject({ waiting: 0, problem: null });
    expect(now.products["kiln"]).toMatchObject({ default: "1", standby: null });
    expect(now.generation).toBeGreaterThan(before.root.generation);
    expect(decisions(world)).toEqual(before.decisions);
    expect((await show(world)).phase).toBe("rolled-back");
  });
});
