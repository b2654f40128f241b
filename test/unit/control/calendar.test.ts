/** Windows, freezes and deferrals in the control plane: what is stored, refused, told, and kept by an export. */
import { describe, it } from "vitest";
import { MAX_FREEZES, MAX_WINDOW_NAMES, type Window } from "../../../src/contracts/calendar.ts";
import type { CommandInputs, CommandName } from "../../../src/contracts/control.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  contextOf,
  createWorld,
  must,
  refusalOf,
  START,
  valueOf,
  type World,
} from "../../support/control-world.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const NIGHTS: Window = { days: ["fri", "sat"], from: "22:00", to: "04:00", zone: "account" };
const FREEZE = { from: "2026-12-20", to: "2027-01-03", zone: "Europe/Paris", scope: {}, reason: "year end" };

async function start(): Promise<World> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  return world;
}

async function refused<K extends CommandName>(
  world: World,
  name: K,
  input: CommandInputs[K],
  ifMatch: number | null = null,
): Promise<string> {
  const result = await world.control.execute(name, input, contextOf("admin", { ifMatch }));
  const { problem, detail } = refusalOf(result);
  return `${problem}: ${detail}`;
}

async function lastAudit(world: World): Promise<unknown> {
  const query = { cursor: null, limit: 1, target: null, actor: null };
  return valueOf(await world.control.query("audit", query)).items[0];
}

describe("window.put", () => {
  it("answers with the next three openings, in the zone that most accounts have", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const put = await must(world, "window.put", { name: "nights", windows: [NIGHTS] });
    expect(put).toMatchObject({ name: "nights", windows: [NIGHTS], by: "the-admin" });
    // START is Monday, 23 November 2026.
    expect(put.next.map(({ zone, start: at }) => [zone, at.local, at.utc])).toEqual([
      ["Europe/Paris", "2026-11-27T22:00:00+01:00", "2026-11-27T21:00:00Z"],
      ["Europe/Paris", "2026-11-28T22:00:00+01:00", "2026-11-28T21:00:00Z"],
      ["Europe/Paris", "2026-12-04T22:00:00+01:00", "2026-12-04T21:00:00Z"],
    ]);
    expect(valueOf(await world.control.query("window", { name: "nights" }))).toEqual(put);
    expect(valueOf(await world.control.query("windows", {}))).toEqual([put]);
    expect(await lastAudit(world)).toMatchObject({ action: "window.put", target: "window/nights" });
  });

  it("refuses what never opens, a stale revision, and more names than there may be", async ({ expect }) => {
    const world = await start();
    const put = (window: Window, ifMatch: number | null = null): Promise<string> =>
      refused(world, "window.put", { name: "nights", windows: [window] }, ifMatch);
    expect(await put({ ...NIGHTS, zone: "Europe/Pariss" })).toMatch(
      /^invalid: window nights: 0\.zone .*Pariss/,
    );
    expect(await put({ ...NIGHTS, from: "25:00" })).toMatch(/0\.from/);
    expect(await put(NIGHTS, 1)).toMatch(/^stale-revision/);
    for (let number = 0; number < MAX_WINDOW_NAMES; number++) {
      await must(world, "window.put", { name: `w${number}`, windows: [NIGHTS] });
    }
    expect(await put(NIGHTS)).toMatch(/^conflict: there are 200 windows/);
  });

  it("records nothing when it was so already", async ({ expect }) => {
    const world = await start();
    const nights = await must(world, "window.put", { name: "nights", windows: [NIGHTS] });
    const before = await lastAudit(world);
    expect(await must(world, "window.put", { name: "nights", windows: [NIGHTS] })).toEqual(nights);
    expect(await lastAudit(world)).toEqual(before);
  });
});

describe("window.delete", () => {
  it("deletes, and refuses what is not there or still referred to", async ({ expect }) => {
    const world = await start();
    const input = { name: "nights", reason: "old" };
    expect(await refused(world, "window.delete", input)).toBe("not-found: there is no window nights");
    await must(world, "window.put", { name: "nights", windows: [NIGHTS] });
    await addAccount(world, "acme");
    world.db.run("UPDATE groups SET window = ?", JSON.stringify("nights"));
    expect(await refused(world, "window.delete", input)).toContain(
      "in-use: window nights is still referred to",
    );
    world.db.run("UPDATE groups SET window = NULL");
    await must(world, "window.delete", input);
    expect(valueOf(await world.control.query("windows", {}))).toEqual([]);
    expect(await lastAudit(world)).toMatchObject({ action: "window.delete", reason: "old" });
  });
});

describe("freeze.put and freeze.delete", () => {
  it("show when it holds, and whether it does", async ({ expect }) => {
    const world = await start();
    const scope = { products: ["kiln"], labels: { tier: "gold" }, cells: ["eu1"] };
    const put = await must(world, "freeze.put", { name: "year-end", input: { ...FREEZE, scope } });
    expect(put).toMatchObject({ scope, reason: "year end" });
    expect(put.span).toMatchObject({
      state: "ahead",
      start: { utc: "2026-12-19T23:00:00Z" },
      end: { utc: "2027-01-03T23:00:00Z" },
    });
    await world.control.tick(Date.parse("2026-12-24T12:00:00Z"));
    const [held] = valueOf(await world.control.query("freezes", {}));
    expect(held?.span?.state).toBe("in-force");
    await must(world, "freeze.delete", { name: "year-end", reason: "over" });
    expect(refusalOf(await world.control.query("freeze", { name: "year-end" })).problem).toBe("not-found");
  });

  it("refuse one too many, and one that covers no time", async ({ expect }) => {
    const world = await start();
    const backwards = { ...FREEZE, to: "2026-12-19" };
    expect(await refused(world, "freeze.put", { name: "a", input: backwards })).toMatch(
      /^invalid: freeze a: to/,
    );
    for (let number = 0; number < MAX_FREEZES; number++) {
      await must(world, "freeze.put", { name: `f${number}`, input: FREEZE });
    }
    expect(await refused(world, "freeze.put", { name: "a", input: FREEZE })).toMatch(
      /^conflict: there are 200/,
    );
    await must(world, "freeze.put", { name: "f0", input: { ...FREEZE, reason: "again" } });
  });
});

describe("a deferral", () => {
  const defer = (days: number): CommandInputs["account.deferral.set"] => ({
    account: "acme",
    input: { until: new Date(START + days * DAY_MS).toISOString(), reason: "r", owner: "Jo" },
  });

  it("ends at most 90 days ahead", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    expect(await refused(world, "account.deferral.set", defer(90.01))).toMatch(
      /^invalid: a deferral ends at most 90 days ahead: until 2027-02-21T12:00:00.000Z/,
    );
    await must(world, "account.deferral.set", defer(90));
  });

  it("of one account ends within a year of its first, lifted in between or not", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    for (let day = 0; day < 360; day += 80) {
      world.clock.now = START + day * DAY_MS;
      await must(world, "account.deferral.set", defer(Math.min(day + 85, 365)));
      await must(world, "account.deferral.lift", { account: "acme", reason: "r" });
    }
    world.clock.now = START + 330 * DAY_MS;
    expect(await refused(world, "account.deferral.set", defer(366))).toMatch(
      /^conflict: acme has been deferred again and again since 2026-11-23T12:00:00.000Z, and 365 days in all/,
    );
    await must(world, "account.deferral.set", defer(365));
  });

  it("begins anew after 90 days without one", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    await must(world, "account.deferral.set", defer(80));
    world.clock.now = START + 171 * DAY_MS;
    await must(world, "account.deferral.set", defer(261));
    expect(world.db.rows("SELECT first_at FROM deferral_series")).toEqual([{ first_at: world.clock.now }]);
  });
});
