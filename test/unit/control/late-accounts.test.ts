/** Accounts whose pin or deferral ends while a rollout runs: who is taken along late, and that a rollback knows of them. */
import { beforeEach, describe, it, vi } from "vitest";
import type { RollbackInput, RolloutInput } from "../../../src/contracts/api/rollouts.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  contextOf,
  must,
  readMaps,
  refusalOf,
  VERSION,
  versionFor,
  type World,
} from "../../support/control-world.ts";
import { FRIDAY, HOUR, MINUTE, prepareRollouts, quiet, tick } from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const BAKE = { minutes: 600, requests: 0, workdays: 0 };
const PLAN: RolloutInput = {
  id: "autumn",
  targets: { kiln: "2" },
  waves: [
    { name: "most", cohorts: ["*"], percent: 100, bake: BAKE },
    { name: "late", cohorts: ["*"], percent: 100, bake: BAKE },
  ],
};
const SECOND_WAVE = FRIDAY + 12 * HOUR;
const LONG = new Date(FRIDAY + 20 * 24 * HOUR).toISOString();

let world: World;

beforeEach(async () => {
  const accounts = Array.from({ length: 20 }, (_unused, n) => `account-${n}`);
  world = await prepareRollouts(createMemoryDb(), { accounts });
});

const on = (slug: string): string => versionFor(readMaps(world.kv.values), "kiln", slug);
const put = (account: string, labels: Record<string, string> = {}): Promise<unknown> =>
  must(world, "account.put", { account, input: { timeZone: "Europe/Paris", cohort: "general", labels } });
const liftPin = (account: string): Promise<unknown> =>
  must(world, "account.pin.lift", { account, product: "kiln", reason: "t" });
const liftDeferral = (account: string): Promise<unknown> =>
  must(world, "account.deferral.lift", { account, reason: "t" });

async function defer(account: string): Promise<void> {
  const input = { until: LONG, reason: "audit", owner: "jo" };
  await must(world, "account.deferral.set", { account, input });
  await quiet(world);
}

async function pin(account: string, version: string, expires: string | null = null): Promise<void> {
  await must(world, "account.pin.set", {
    account,
    product: "kiln",
    input: { version, reason: "t", expires },
  });
  await quiet(world);
}

async function start(plan = PLAN): Promise<void> {
  await must(world, "rollout.create", { id: plan.id, input: plan });
  await must(world, "rollout.start", { id: plan.id, input: { again: false } });
  await quiet(world);
  await tick(world, world.clock.now + 10 * MINUTE);
}

async function takeLate(): Promise<void> {
  await tick(world, SECOND_WAVE);
  await tick(world, SECOND_WAVE + 5 * MINUTE);
}

const rollBack = (input: Partial<RollbackInput> = {}) =>
  world.control.execute(
    "rollout.rollback",
    { id: PLAN.id, input: { reason: "t", confirmed: true, ...input } },
    contextOf(),
  );

/** A version that one account is pinned on at the start. */
async function startFromElsewhere(): Promise<void> {
  const input = { ...VERSION, reversible: true, origin: "https://kiln-0.origins.example.net" };
  await must(world, "version.put", { product: "kiln", version: "0", input });
  for (const state of ["candidate", "live"] as const)
    await must(world, "version.state.set", { product: "kiln", version: "0", input: { state, reason: "t" } });
  await pin("account-1", "0");
  await start();
  await liftPin("account-1");
  await takeLate();
}

describe("an account that is taken along late", () => {
  it("goes back with its label", async ({ expect }) => {
    for (const account of ["account-1", "account-2"]) await put(account, { region: "eu" });
    const scope = { labels: { region: "eu" } };
    const input = { from: "2027-03-01", to: "2027-03-02", zone: "UTC", scope, reason: "t" } as const;
    await must(world, "freeze.put", { name: "spring", input });
    await defer("account-1");
    await start();
    await liftDeferral("account-1");
    await takeLate();
    expect(["account-1", "account-2", "account-3"].map(on)).toEqual(["2", "2", "2"]);
    expect((await rollBack({ where: scope })).ok).toBe(true);
    await tick(world, SECOND_WAVE + 10 * MINUTE);
    expect(["account-1", "account-2", "account-3"].map(on)).toEqual(["1", "1", "2"]);
  });

  it("is not sent back to a version that was marked bad since", async ({ expect }) => {
    await startFromElsewhere();
    expect(on("account-1")).toBe("2");
    await must(world, "version.bad.mark", { product: "kiln", version: "0", input: { reason: "loses data" } });
    expect(refusalOf(await rollBack()).detail).toContain("kiln 0 is marked bad");
    await tick(world, SECOND_WAVE + 10 * MINUTE);
    expect(on("account-1")).toBe("2");
  });

  it("keeps the version that it came from from being retired, until the rollout is over", async ({
    expect,
  }) => {
    await startFromElsewhere();
    await must(world, "rollout.stop", { id: PLAN.id, input: { reason: "t" } });
    await must(world, "rollout.pause", { id: PLAN.id, input: { reason: "t" } });
    await tick(world, SECOND_WAVE + 20 * MINUTE);
    const set = (state: "draining" | "retired") =>
      world.control.execute(
        "version.state.set",
        { product: "kiln", version: "0", input: { state, reason: "t" } },
        contextOf(),
      );
    expect((await set("draining")).ok).toBe(true);
    expect(refusalOf(await set("retired")).detail).toContain("running rollouts");
  });
});

describe("an account that no rollout may take along", () => {
  it("came after the start, whatever was put on it and lifted since", async ({ expect }) => {
    await start();
    for (const account of ["newcomer", "other"]) await put(account);
    const more = { ...PLAN, id: "more", targets: { fogbugz: "2" } };
    await start({ ...more, waves: [{ name: "staff", cohorts: ["internal"], percent: 100, bake: BAKE }] });
    await defer("newcomer");
    await liftDeferral("newcomer");
    await takeLate();
    expect(["newcomer", "other", "account-1"].map(on)).toEqual(["1", "1", "2"]);
  });

  it("is deleted, and stays where its pin kept it when the pin ends", async ({ expect }) => {
    await start();
    expect(on("account-1")).toBe("2");
    await pin("account-1", "1", new Date(FRIDAY + 2 * HOUR).toISOString());
    await must(world, "account.delete", { account: "account-1", reason: "t" });
    await tick(world, FRIDAY + 20 * MINUTE);
    await tick(world, FRIDAY + 3 * HOUR);
    expect(on("account-1")).toBe("1");
    await must(world, "account.undelete", { account: "account-1", input: { reason: "t" } });
    await takeLate();
    expect(on("account-1")).toBe("1");
  });
});

describe("a quarantine", () => {
  it("puts nobody forward that a rollout has yet to move, and back whom it has moved", async ({ expect }) => {
    const waves = [
      { name: "staff", cohorts: ["internal"], percent: 100, bake: BAKE },
      { name: "rest", cohorts: ["*"], percent: 100, bake: BAKE },
    ];
    const staff = { timeZone: "Europe/Paris", cohort: "internal" };
    await must(world, "account.put", { account: "staff-0", input: staff });
    await quiet(world);
    await start({ ...PLAN, waves });
    const quarantine = (account: string, version: string) =>
      world.control.execute(
        "account.quarantine.set",
        { account, product: "kiln", input: { version, reason: "t" } },
        contextOf("support"),
      );
    expect([on("staff-0"), on("account-1")]).toEqual(["2", "1"]);
    expect(refusalOf(await quarantine("account-1", "2")).detail).toMatch(
      /autumn has yet to move account-1 to kiln 2: name the version .* or pin it to 2/,
    );
    expect((await quarantine("account-1", "1")).ok).toBe(true);
    expect((await quarantine("staff-0", "1")).ok).toBe(true);
    await tick(world, FRIDAY + 20 * MINUTE);
    expect([on("staff-0"), on("account-1")]).toEqual(["1", "1"]);
  });
});
