/**
 * Rollouts carried out by the control plane: from Friday through the week by ticks, read back from the published maps as
 * an edge reads them. Looks at who gets which version, and when, not at what the rollout says of itself.
 */
import { describe, it, vi } from "vitest";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import type { ExchangePort } from "../../../src/contracts/preflight.ts";
import { bucketOf } from "../../../src/core/bucket.ts";
import { findAuditBreak } from "../../../src/control/store/audit.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  contextOf,
  createWorld,
  must,
  readMaps,
  refusalOf,
  valueOf,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import {
  ACCOUNTS,
  at,
  FRIDAY,
  healthy,
  HOUR,
  MINUTE,
  PLAN,
  prepareRollouts,
  quiet,
  tick,
  ZONES,
} from "../../support/rollout-world.ts";

async function prepare(exchange: ExchangePort = healthy, accounts = ACCOUNTS): Promise<World> {
  return prepareRollouts(createMemoryDb(), { exchange, accounts });
}

function decisions(world: World): ReadonlyMap<string, string> {
  const maps = readMaps(world.kv.values);
  return new Map(
    ACCOUNTS.map((slug) => [slug, `${versionFor(maps, "kiln", slug)}/${versionFor(maps, "fogbugz", slug)}`]),
  );
}

async function show(world: World): Promise<RolloutView> {
  return valueOf(await world.control.query("rollout", { id: "autumn" }));
}

vi.setConfig({ testTimeout: 60_000 });

describe("a rollout of two products", () => {
  it("moves accounts in their own weekend nights, as planned, and ends without moving anybody", async ({
    expect,
  }) => {
    const world = await prepare();
    const draft = await must(world, "rollout.create", { id: "autumn", input: PLAN });
    const question = { id: "autumn", before: null, at: null, label: null };
    const plan = valueOf(await world.control.query("rollout.plan", question));
    expect(plan.problems).toEqual([]);
    await must(world, "rollout.start", { id: "autumn", input: { digest: plan.digest, again: false } });
    await quiet(world);
    expect((await show(world)).phase).not.toBe("preflight");

    const planned = new Set(
      ACCOUNTS.filter(
        (slug, n) => n % 10 === 0 || bucketOf(draft.salt, slug) < (plan.waves[1]?.threshold ?? 0),
      ),
    );
    let before = decisions(world);
    let now = FRIDAY;
    const until = at("2026-11-30T12:00:00Z");
    while (now < until) {
      now += 10 * MINUTE;
      const writes = world.kv.writes().filter((key) => key === "root").length;
      await tick(world, now);
      const after = decisions(world);
      const moved = ACCOUNTS.filter((slug) => after.get(slug) !== before.get(slug));
      const roots = world.kv.writes().filter((key) => key === "root").length - writes;
      if (moved.length > 0) expect(roots).toBe(1);
      for (const slug of moved) {
        expect(after.get(slug)).toBe("2/2");
        const n = Number(slug.split("-")[1]);
        if (n % 10 === 0) continue;
        const zone = ZONES[n % ZONES.length];
        const local = new Intl.DateTimeFormat("en-GB", {
          timeZone: zone,
          weekday: "short",
          hour: "2-digit",
          hourCycle: "h23",
        });
        const parts = Object.fromEntries(local.formatToParts(now).map(({ type, value }) => [type, value]));
        const night = `${parts["weekday"]} ${parts["hour"]}`;
        expect(["Fri 22", "Fri 23", "Sat 00", "Sat 01", "Sat 22", "Sat 23", "Sun 00", "Sun 01"]).toContain(
          night,
        );
      }
      before = after;
    }
    expect((await show(world)).phase).toBe("awaiting-approval");
    const moved = ACCOUNTS.filter((slug) => before.get(slug) === "2/2");
    expect(new Set(moved)).toEqual(planned);
    expect(Math.abs(moved.length - 200)).toBeLessThanOrEqual(5);

    await must(world, "rollout.approve", { id: "autumn", input: { wave: 2 } });
    for (now = at("2026-12-04T12:00:00Z"); now < at("2026-12-06T12:00:00Z"); now += 30 * MINUTE)
      await tick(world, now);
    expect((await show(world)).phase).toBe("completed");
    expect(readMaps(world.kv.values).root.rollouts).toEqual([]);
    expect(new Set(decisions(world).values())).toEqual(new Set(["2/2"]));
    expect(valueOf(await world.control.query("version", { product: "kiln", version: "2" })).accounts).toBe(
      500,
    );
    expect(findAuditBreak(world.db)).toBeNull();
  });

  it("takes everybody back to exactly where they were", async ({ expect }) => {
    const world = await prepare();
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    const before = decisions(world);
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    for (let now = FRIDAY; now < FRIDAY + 14 * HOUR; now += 30 * MINUTE) await tick(world, now);
    expect([...decisions(world).values()].filter((pair) => pair === "2/2").length).toBeGreaterThan(100);
    await must(world, "rollout.rollback", { id: "autumn", input: { reason: "slow", confirmed: false } });
    await quiet(world);
    expect((await show(world)).phase).toBe("rolled-back");
    expect(decisions(world)).toEqual(before);
    expect(readMaps(world.kv.values).root.rollouts).toEqual([]);
  });

  it("keeps everybody where they are when it is stopped", async ({ expect }) => {
    const world = await prepare();
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    for (let now = FRIDAY; now < FRIDAY + 12 * HOUR; now += 30 * MINUTE) await tick(world, now);
    const before = decisions(world);
    expect(new Set(before.values())).toEqual(new Set(["1/1", "2/2"]));
    await must(world, "rollout.stop", { id: "autumn", input: { reason: "enough" } });
    await quiet(world);
    expect((await show(world)).phase).toBe("stopped");
    expect(decisions(world)).toEqual(before);
    expect(readMaps(world.kv.values).root.rollouts).toEqual([]);
    const left = valueOf(
      await world.control.query("rollout.left-behind", { id: "autumn", cursor: null, limit: 1000 }),
    );
    expect(left.items.every(({ reason }) => reason === "not-reached")).toBe(true);
    expect(left.items.length).toBe([...before.values()].filter((pair) => pair === "1/1").length);
  });

  it("refuses a second rollout of a product with the id of the first, running or paused", async ({
    expect,
  }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 20));
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.create", {
      id: "other",
      input: { ...PLAN, id: "other", targets: { kiln: "2" } },
    });
    const startOther = async () => {
      const input = { id: "other", input: { again: false } };
      return refusalOf(await world.control.execute("rollout.start", input, contextOf("operator")));
    };
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    expect((await startOther()).extensions).toMatchObject({ other: "autumn" });
    await must(world, "rollout.pause", { id: "autumn", input: { reason: "think" } });
    const refused = await startOther();
    expect(refused.extensions).toMatchObject({ other: "autumn" });
    expect(refused.detail).toContain("autumn");
  });

  it("moves nobody when a pin, a quarantine or a deferral ends", async ({ expect }) => {
    const world = await prepare();
    const pin = { version: "1", reason: "wait", expires: null };
    await must(world, "account.pin.set", { account: "account-10", product: "kiln", input: pin });
    await must(world, "account.deferral.set", {
      account: "account-20",
      input: { until: "2026-12-24T00:00:00Z", reason: "r", owner: "o" },
    });
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 10 * MINUTE);
    const maps = readMaps(world.kv.values);
    expect([versionFor(maps, "kiln", "account-0"), versionFor(maps, "kiln", "account-10")]).toEqual([
      "2",
      "1",
    ]);
    const quarantine = { version: "1", reason: "broken" };
    await must(world, "account.quarantine.set", { account: "account-0", product: "kiln", input: quarantine });
    await quiet(world);
    const before = decisions(world);
    expect(before.get("account-0")).toBe("1/2");
    await must(world, "account.quarantine.lift", { account: "account-0", product: "kiln", reason: "r" });
    await must(world, "account.pin.lift", { account: "account-10", product: "kiln", reason: "r" });
    await must(world, "account.deferral.lift", { account: "account-20", reason: "r" });
    await quiet(world);
    expect(decisions(world)).toEqual(before);
    for (let now = FRIDAY + HOUR; now < at("2026-11-29T12:00:00Z"); now += 30 * MINUTE)
      await tick(world, now);
    await must(world, "rollout.approve", { id: "autumn", input: { wave: 2 } });
    for (let now = at("2026-12-04T12:00:00Z"); now < at("2026-12-06T12:00:00Z"); now += 30 * MINUTE)
      await tick(world, now);
    expect((await show(world)).phase).toBe("completed");
    expect(new Set(decisions(world).values())).toEqual(new Set(["2/2"]));
  });

  it("leaves new accounts on stable, and edited ones in their group", async ({ expect }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 40));
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    const group = readMaps(world.kv.values).find("account-1")?.group;
    await must(world, "account.put", {
      account: "new",
      input: { timeZone: "Europe/Paris", cohort: "internal" },
    });
    await must(world, "account.put", {
      account: "account-1",
      input: { timeZone: "Europe/Paris", cohort: "internal" },
    });
    await tick(world, FRIDAY + MINUTE);
    const maps = readMaps(world.kv.values);
    expect(versionFor(maps, "kiln", "account-0")).toBe("2");
    expect([versionFor(maps, "kiln", "new"), maps.find("new")?.group]).toEqual(["1", -1]);
    expect([versionFor(maps, "kiln", "account-1"), maps.find("account-1")?.group]).toEqual(["1", group]);
    expect((await show(world)).leftBehind).toContainEqual({
      reason: "created-later",
      accounts: 1,
      examples: [],
    });
  });

  it("does not move a product that an account gets on the way, nor take back what it had moved", async ({
    expect,
  }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 40));
    const put = (account: string, products: readonly string[]) =>
      must(world, "account.put", {
        account,
        input: { timeZone: "Europe/Paris", cohort: "general", products: [...products], homes: { kiln: "1" } },
      });
    const names = Array.from({ length: 12 }, (_unused, n) => `solo-${n}`);
    const fogbugz = { timeZone: "Europe/Paris", cohort: "general", products: ["fogbugz"] };
    for (const account of names) await must(world, "account.put", { account, input: fogbugz });
    await quiet(world);
    const waves = [
      { name: "half", cohorts: ["*"], percent: 50 },
      { name: "rest", cohorts: ["*"], percent: 100, approve: "before" as const },
    ];
    await must(world, "rollout.create", { id: "autumn", input: { ...PLAN, waves } });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 10 * MINUTE);
    const on = (slug: string, product: string) => versionFor(readMaps(world.kv.values), product, slug);
    const [early, later] = ["2", "1"].map((version) => names.find((name) => on(name, "fogbugz") === version));
    for (const name of [early, later]) {
      const answer = await put(name ?? "", ["fogbugz", "kiln"]);
      expect(answer.homes).toEqual({ kiln: "1", fogbugz: name === early ? "2" : "1" });
    }
    const seen = () => [early, later].map((name) => [on(name ?? "", "kiln"), on(name ?? "", "fogbugz")]);
    await tick(world, FRIDAY + 20 * MINUTE);
    expect(seen()).toEqual([
      ["1", "2"],
      ["1", "1"],
    ]);
    const input = { id: "autumn", cursor: null, limit: 200 };
    const left = valueOf(await world.control.query("rollout.left-behind", input)).items;
    for (const account of [early, later])
      expect(left).toContainEqual(expect.objectContaining({ account, reason: "created-later" }));
    await must(world, "rollout.approve", { id: "autumn", input: { wave: 1 } });
    for (let minutes = 30; minutes < 90; minutes += 5) await tick(world, FRIDAY + minutes * MINUTE);
    expect((await show(world)).phase).toBe("completed");
    expect(seen()).toEqual([
      ["1", "2"],
      ["1", "1"],
    ]);
    expect(on(names.find((name) => name !== early && name !== later) ?? "", "fogbugz")).toBe("2");
  });

  it("takes back what it had moved of an account that got a product on the way, when everybody goes back", async ({
    expect,
  }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 20));
    const put = (products: readonly string[], homes = {}) =>
      must(world, "account.put", {
        account: "solo",
        input: { timeZone: "Europe/Paris", cohort: "general", products: [...products], homes },
      });
    await put(["fogbugz"]);
    await quiet(world);
    const waves = [
      { name: "all", cohorts: ["*"], percent: 100, bake: { minutes: 600, requests: 0, workdays: 0 } },
    ];
    await must(world, "rollout.create", { id: "autumn", input: { ...PLAN, waves } });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + 10 * MINUTE);
    await put(["fogbugz", "kiln"], { kiln: "1" });
    await tick(world, FRIDAY + 20 * MINUTE);
    const on = () =>
      ["kiln", "fogbugz"].map((product) => versionFor(readMaps(world.kv.values), product, "solo"));
    expect(on()).toEqual(["1", "2"]);
    await must(world, "rollout.rollback", { id: "autumn", input: { reason: "slow", confirmed: true } });
    for (const minutes of [30, 31, 32]) await tick(world, FRIDAY + minutes * MINUTE);
    expect((await show(world)).phase).toBe("rolled-back");
    expect(on()).toEqual(["1", "1"]);
  });

  it("stops in preflight-failed when a version does not answer, and moves nobody", async ({ expect }) => {
    const silent: ExchangePort = async () => ({
      end: "complete",
      fault: null,
      detail: "",
      received: new TextEncoder().encode("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
      ms: 5,
    });
    const world = await prepare(silent, ACCOUNTS.slice(0, 20));
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    for (let now = FRIDAY; now < FRIDAY + 4 * HOUR; now += HOUR) await tick(world, now);
    expect((await show(world)).phase).toBe("preflight-failed");
    expect(readMaps(world.kv.values).root.rollouts[0]?.moved.every((threshold) => threshold === 0)).toBe(
      true,
    );
    const refused = refusalOf(
      await world.control.execute(
        "version.state.set",
        { product: "kiln", version: "2", input: { state: "retired", reason: "t" } },
        contextOf(),
      ),
    );
    expect(refused.extensions).toMatchObject({ uses: { "running rollouts": 1 } });
  });

  it("halts, by the switch and by break-glass, and goes on afterwards", async ({ expect }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 40));
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    world.kv.values.set(
      "break-glass",
      JSON.stringify({ reason: "fire", expires: "2026-12-31T00:00:00Z", halt: true }),
    );
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await tick(world, FRIDAY + MINUTE);
    await tick(world, FRIDAY + 2 * MINUTE);
    expect((await show(world)).cause).toBe("halted");
    world.kv.values.set("break-glass", "{}");
    await must(world, "halt.set", { input: { on: true, reason: "fire" } });
    await tick(world, FRIDAY + 3 * MINUTE);
    expect((await show(world)).moved).toBe(0);
    await must(world, "halt.set", { input: { on: false, reason: "out" } });
    await tick(world, FRIDAY + 4 * MINUTE);
    expect((await show(world)).moved).toBe(4);
    expect((await world.control.tick(FRIDAY + 4 * MINUTE)).advanced).toBe(false);
  });

  it("moves the default last, alone, and keeps the one before as standby", async ({ expect }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 20));
    const office = [
      { days: ["mon" as const, "tue" as const], from: "10:00", to: "15:00", zone: "America/New_York" },
    ];
    const input: RolloutInput = {
      ...PLAN,
      targets: { kiln: "2" },
      waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
      default: {
        move: true,
        afterDays: 1,
        window: office,
        mirror: null,
        bake: { minutes: 30, requests: 0 },
      },
    };
    await must(world, "rollout.create", { id: "autumn", input });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    for (let now = FRIDAY; now < at("2026-11-30T14:55:00Z"); now += 30 * MINUTE) await tick(world, now);
    expect(readMaps(world.kv.values).root.products["kiln"]?.default).toBe("1");
    for (let now = at("2026-11-30T15:05:00Z"); now < at("2026-11-30T16:30:00Z"); now += 10 * MINUTE)
      await tick(world, now);
    const { root } = readMaps(world.kv.values);
    expect(root.products["kiln"]).toMatchObject({ default: "2", standby: "1" });
    expect((await show(world)).phase).toBe("completed");
  });

  it("cuts groups finer where another product's rollout runs, and moves nobody of that one", async ({
    expect,
  }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 60));
    for (const n of [1, 2, 3]) {
      const labels = { tier: "gold" };
      const zone = ZONES[n % ZONES.length] ?? "UTC";
      await must(world, "account.put", {
        account: `account-${n}`,
        input: { timeZone: zone, cohort: "general", labels },
      });
    }
    const half = [{ name: "half", cohorts: ["*"], percent: 50 }];
    await must(world, "rollout.create", {
      id: "one",
      input: { id: "one", targets: { kiln: "2" }, waves: half },
    });
    // Drawn by chance, two may share a bucket, and then half of them are more.
    world.db.run("UPDATE rollouts SET state = json_set(state, '$.salt', 'one')");
    await must(world, "rollout.start", { id: "one", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + MINUTE);
    const slugs = ACCOUNTS.slice(0, 60);
    const of = (product: string): readonly string[] => {
      const maps = readMaps(world.kv.values);
      return slugs.map((slug) => versionFor(maps, product, slug));
    };
    const kiln = of("kiln");
    expect(kiln.filter((version) => version === "2").length).toBe(30);
    const pin = { version: "1", reason: "wait", expires: null };
    await must(world, "account.pin.set", { account: "account-5", product: "fogbugz", input: pin });
    const all = [{ name: "all", cohorts: ["*"], percent: 100 }];
    await must(world, "rollout.create", {
      id: "two",
      input: { id: "two", targets: { fogbugz: "2" }, waves: all },
    });
    await must(world, "rollout.start", { id: "two", input: { again: false } });
    await quiet(world);
    expect(of("kiln")).toEqual(kiln);
    await tick(world, FRIDAY + 2 * MINUTE);
    expect(of("kiln")).toEqual(kiln);
    expect(
      of("fogbugz")
        .map((version, n) => (version === "1" ? n : -1))
        .filter((n) => n >= 0),
    ).toEqual([5]);
    expect(readMaps(world.kv.values).root.rollouts.length).toBeLessThanOrEqual(1);
  });

  it("goes back by a label that groups are not kept apart by", async ({ expect }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 60));
    const gold = { timeZone: "America/New_York", cohort: "general", labels: { tier: "gold" } };
    for (const account of ["account-1", "account-4"])
      await must(world, "account.put", { account, input: gold });
    const waves = [
      { name: "all", cohorts: ["*"], percent: 100, bake: { minutes: 600, requests: 0, workdays: 0 } },
    ];
    await must(world, "rollout.create", { id: "autumn", input: { ...PLAN, waves } });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + HOUR);
    const input = { where: { labels: { tier: "gold" } }, reason: "slow", confirmed: false };
    await must(world, "rollout.rollback", { id: "autumn", input });
    await quiet(world);
    await tick(world, FRIDAY + 2 * HOUR);
    const maps = readMaps(world.kv.values);
    const back = ACCOUNTS.slice(0, 60).filter((slug) => versionFor(maps, "kiln", slug) === "1");
    expect(back).toEqual(["account-1", "account-4"]);
    expect((await show(world)).phase).toBe("paused");
  });

  it("travels with an export, half-way, and goes on where it is restored once somebody resumes it", async ({
    expect,
  }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 60));
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    await quiet(world);
    await tick(world, FRIDAY + HOUR);
    const lines: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await world.control.exportPage(cursor ?? null);
      lines.push(...page.lines);
      ({ cursor } = page);
    }
    const other = createWorld({
      db: createMemoryDb(),
      clock: world.clock,
      preflight: { exchange: healthy, routerHeader: null },
    });
    valueOf(await other.control.restoreBegin({ name: "a", role: "admin", products: null }, "move"));
    valueOf(await other.control.restoreLines(lines));
    valueOf(await other.control.restoreEnd(0));
    await quiet(other);
    const [before, after] = [readMaps(world.kv.values), readMaps(other.kv.values)];
    expect(after.root.rollouts).toEqual(before.root.rollouts);
    const { accounts, moved, waves, leftBehind, salt } = await show(world);
    expect(await show(other)).toMatchObject({ phase: "paused", accounts, moved, waves, leftBehind, salt });
    await must(other, "rollout.resume", { id: "autumn", input: { again: false } });
    for (let now = FRIDAY + 2 * HOUR; now < at("2026-11-29T12:00:00Z"); now += 30 * MINUTE)
      await tick(other, now);
    expect((await show(other)).phase).toBe("awaiting-approval");
  });
});
