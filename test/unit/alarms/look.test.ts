/**
 * Alarms of a whole control plane: what its tables and meters say becomes an alarm, which is told once in the audit when
 * it begins and once when it is over, and every first command is one that exists.
 */
import { describe, it } from "vitest";
import type { EdgePulse } from "../../../src/contracts/alarms.ts";
import { ALARM_TABLE } from "../../../src/core/alarms/table.ts";
import { createProgram } from "../../../scripts/cli/program.ts";
import { verbsOf } from "../../../scripts/cli/usage-mistake.ts";
import { pathOfCommand } from "../../../scripts/cli/verb.ts";
import { memoryTerminal } from "../../support/cli.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import {
  addAccount,
  addProducts,
  createWorld,
  must,
  settle,
  valueOf,
  type World,
  type WorldParts,
} from "../../support/control-world.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const reason = "test";

async function start(parts: Partial<WorldParts> = {}): Promise<World> {
  const world = createWorld({ db: createMemoryDb(), ...parts });
  await addProducts(world);
  return world;
}

async function tickIn(world: World, ms: number): Promise<void> {
  world.clock.now += ms;
  await world.control.tick(world.clock.now);
}

async function namesOf(world: World): Promise<readonly string[]> {
  return valueOf(await world.control.query("alarms", {})).map(({ name, subject }) =>
    `${name} ${subject}`.trim(),
  );
}

function toldBy(world: World): readonly unknown[] {
  return world.db
    .rows("SELECT action, target FROM audit WHERE action LIKE 'alarm.%' ORDER BY seq")
    .map(({ action, target }) => `${String(action)} ${String(target)}`);
}

describe("alarms", () => {
  it("are told once when they begin and once when they are over, however often they are looked at", async ({
    expect,
  }) => {
    const world = await start();
    await tickIn(world, MINUTE);
    await must(world, "halt.set", { input: { on: true, reason } });
    expect(await namesOf(world)).toEqual(["halt-active"]);
    expect(toldBy(world)).toEqual([]);
    for (let n = 0; n < 3; n += 1) await tickIn(world, MINUTE);
    const [alarm] = valueOf(await world.control.query("alarms", {}));
    expect(alarm).toMatchObject({ level: "page", firstCommand: "firebreak halt off --reason …" });
    expect(alarm?.raisedAt).toBe(new Date(world.clock.now - 2 * MINUTE).toISOString());
    await must(world, "halt.set", { input: { on: false, reason } });
    await tickIn(world, MINUTE);
    await tickIn(world, MINUTE);
    expect(await namesOf(world)).toEqual([]);
    expect(toldBy(world)).toEqual(["alarm.raised alarm/halt-active", "alarm.cleared alarm/halt-active"]);
    expect(valueOf(await world.control.query("status", { seen: [] })).alarms).toEqual([]);
  });

  it("name holds past their end, of accounts and products, and no others", async ({ expect }) => {
    const world = await start();
    const hold = (until: string | null) => ({ mode: "page" as const, message: null, until, reason });
    const soon = new Date(world.clock.now + MINUTE).toISOString();
    for (const [account, until] of [
      ["late", soon],
      ["later", soon],
      ["open", null],
      ["early", "2120-01-01T00:00:00Z"],
    ] as const) {
      await addAccount(world, account);
      await must(world, "account.hold.set", { account, input: hold(until) });
    }
    await must(world, "product.hold.set", { product: "kiln", input: hold(soon) });
    await tickIn(world, 2 * MINUTE);
    const words = valueOf(await world.control.query("alarms", {})).map((alarm) => alarm.words);
    expect(words).toEqual([
      `All of kiln is still held; that was to end at ${soon}`,
      "Holds past their end: late, later. Lift them, or set a new end",
    ]);
  });

  it("say nothing of accounts that were deleted, however they are held or pinned", async ({ expect }) => {
    const world = await start();
    await addAccount(world, "acme");
    const until = new Date(world.clock.now + MINUTE).toISOString();
    await must(world, "account.hold.set", {
      account: "acme",
      input: { mode: "page", message: null, until, reason },
    });
    const pin = { version: "2", reason, expires: null };
    await must(world, "account.pin.set", { account: "acme", product: "kiln", input: pin });
    await must(world, "version.bad.mark", { product: "kiln", version: "2", input: { reason } });
    await settle(world);
    await tickIn(world, 80 * DAY);
    expect(await namesOf(world)).toEqual(["hold-past-end", "bad-in-use kiln 2"]);
    await must(world, "account.delete", { account: "acme", reason });
    await settle(world);
    await tickIn(world, 11 * DAY);
    expect(await namesOf(world)).toEqual([]);
    await must(world, "account.undelete", { account: "acme", input: { reason } });
    await tickIn(world, MINUTE);
    expect(await namesOf(world)).toEqual(["hold-past-end", "pin-old", "bad-in-use kiln 2"]);
  });

  it("come from pins without an end, a FALLBACK that was left behind, and cron that went silent", async ({
    expect,
  }) => {
    const world = await start({
      config: { fallbackOrigins: { kiln: "https://kiln-0.origins.example.net" } },
    });
    await addAccount(world, "acme");
    const pin = { version: "1", reason, expires: null };
    await must(world, "account.pin.set", { account: "acme", product: "kiln", input: pin });
    await tickIn(world, MINUTE);
    expect(await namesOf(world)).toEqual(["fallback-old kiln"]);
    expect(toldBy(world)).toEqual([]);
    await settle(world);
    await tickIn(world, 91 * DAY);
    expect(await namesOf(world)).toEqual(["pin-old", "fallback-old kiln"]);
    expect(toldBy(world)).toHaveLength(2);
    world.clock.now += 6 * MINUTE;
    // The watchdog ticks, and cron is missed all the same.
    await world.control.alarm();
    expect(await namesOf(world)).toContain("no-tick");
    expect(toldBy(world)).toContain("alarm.raised alarm/no-tick");
    await tickIn(world, MINUTE);
    expect(toldBy(world).at(-1)).toBe("alarm.cleared alarm/no-tick");
  });

  it("come from what edges say, and never from meters that do not answer", async ({ expect }) => {
    const quiet: EdgePulse = {
      requests: 1000,
      routerErrors: 0,
      lately: { known: 0, unknown: 0 },
      yesterday: { known: 0, unknown: 0 },
      isolates: [],
      refusedOverrides: 0,
    };
    const meters: { pulse: EdgePulse | null } = { pulse: { ...quiet, routerErrors: 50 } };
    const world = await start({
      pulse: async () => {
        if (meters.pulse === null) throw new Error("the meters are down");
        return meters.pulse;
      },
    });
    await tickIn(world, MINUTE);
    expect(await namesOf(world)).toEqual(["router-5xx"]);
    meters.pulse = null;
    await tickIn(world, MINUTE);
    expect(await namesOf(world)).toEqual([]);
  });

  it("pass on what edges refused of testers' overrides, each once", async ({ expect }) => {
    const meters: { total: number | null } = { total: 3 };
    const world = await start({
      pulse: async () => {
        if (meters.total === null) throw new Error("the meters are down");
        const known = { known: 0, unknown: 0 };
        const { total: refusedOverrides } = meters;
        return {
          requests: 9,
          routerErrors: 0,
          lately: known,
          yesterday: known,
          isolates: [],
          refusedOverrides,
        };
      },
    });
    const refused = (): readonly unknown[] =>
      world.db
        .rows("SELECT detail FROM audit WHERE action = 'refused.override' ORDER BY seq")
        .map(({ detail }) => (JSON.parse(String(detail)) as { count: unknown }).count);
    for (const [total, told] of [
      [3, [3]],
      [3, [3]],
      [null, [3]],
      [5, [3, 2]],
      // A meter that has lost its memory begins again.
      [0, [3, 2]],
      [1, [3, 2, 1]],
    ] as const) {
      meters.total = total;
      await tickIn(world, 2 * MINUTE);
      expect(refused()).toEqual(told);
    }
  });

  it("have first commands that the command line knows", ({ expect }) => {
    const program = createProgram(memoryTerminal().terminal, { outcome: { exitCode: 0 }, json: false });
    const verbs = verbsOf(program).map(pathOfCommand);
    const typed = Object.values(ALARM_TABLE)
      .map(({ firstCommand }) => firstCommand)
      .filter((command) => command.startsWith("firebreak "));
    expect(typed.length).toBeGreaterThan(10);
    const unknown = typed.filter(
      (command) => !verbs.some((verb) => `${command} `.startsWith(`firebreak ${verb} `)),
    );
    expect(unknown).toEqual([]);
  });
});
