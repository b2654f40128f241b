/**
 * Rollouts carried out by the control plane: from Friday through the week by ticks, read back from the published maps as
 * an edge reads them. Looks at who gets which version, and when, not at what the rollout says of itself.
 */
import { describe, it } from "vitest";
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
  settle,
  valueOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (text: string): number => Date.parse(text);
const FRIDAY = at("2026-11-27T12:00:00Z");
const ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata"];
const ACCOUNTS = Array.from({ length: 500 }, (_unused, n) => `account-${n}`);

/** Answers everything as a healthy origin does. */
const healthy: ExchangePort = async () => ({
  end: "complete",
  fault: null,
  detail: "",
  received: new TextEncoder().encode(
    "HTTP/1.1 200 OK\r\nAllow: GET, HEAD, OPTIONS\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n",
  ),
  ms: 5,
});

const NIGHTS = [{ days: ["fri" as const, "sat" as const], from: "22:00", to: "02:00", zone: "account" }];

const PLAN: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2", fogbugz: "2" },
  waves: [
    { name: "staff", cohorts: ["internal"], percent: 100 },
    { name: "forty", cohorts: ["*"], percent: 40, window: "nights", percentPerMinute: 5 },
    { name: "rest", cohorts: ["*"], percent: 100, window: "nights", approve: "before" },
  ],
};

async function prepare(exchange: ExchangePort = healthy, accounts = ACCOUNTS): Promise<World> {
  const world = createWorld({ db: createMemoryDb(), preflight: { exchange, routerHeader: null } });
  for (const product of ["kiln", "fogbugz"]) {
    await must(world, "product.put", {
      product,
      input: { domains: [`${product}.example.com`], timeouts: [] },
    });
    for (const version of ["1", "2"]) {
      const origin = `https://${product}-${version}.origins.example.net`;
      await must(world, "version.put", { product, version, input: { ...VERSION, reversible: true, origin } });
    }
    await must(world, "version.state.set", {
      product,
      version: "2",
      input: { state: "candidate", reason: "t" },
    });
  }
  for (const product of ["kiln", "fogbugz"]) {
    const input = { presets: [], syntheticAccount: "account-0", syntheticByCell: {}, cells: [], own: [] };
    await must(world, "preflight.settings.set", { product, input });
  }
  await must(world, "window.put", { name: "nights", windows: NIGHTS });
  for (const [n, account] of accounts.entries()) {
    const cohort = n % 10 === 0 ? "internal" : "general";
    await must(world, "account.put", {
      account,
      input: { timeZone: ZONES[n % ZONES.length] ?? "UTC", cohort },
    });
  }
  await settle(world);
  world.clock.now = FRIDAY;
  await tick(world, FRIDAY);
  return world;
}

/** Alarms and background work until nothing waits. */
async function quiet(world: World): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    await settle(world);
    await world.control.idle();
    const { at: due } = world.wakeUp;
    if (due === null || due > world.clock.now + 100_000) return;
  }
  throw new Error("the control plane does not come to rest");
}

async function tick(world: World, nowMs: number): Promise<readonly string[]> {
  world.clock.now = Math.max(world.clock.now, nowMs);
  const { happened } = await world.control.tick(nowMs);
  await quiet(world);
  return happened;
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

  it("refuses a second rollout of a product with the id of the first", async ({ expect }) => {
    const world = await prepare(healthy, ACCOUNTS.slice(0, 20));
    await must(world, "rollout.create", { id: "autumn", input: PLAN });
    await must(world, "rollout.create", {
      id: "other",
      input: { ...PLAN, id: "other", targets: { kiln: "2" } },
    });
    await must(world, "rollout.start", { id: "autumn", input: { again: false } });
    const refused = refusalOf(
      await world.control.execute(
        "rollout.start",
        { id: "other", input: { again: false } },
        contextOf("operator"),
      ),
    );
    expect(refused.extensions).toMatchObject({ other: "autumn" });
  });
});
