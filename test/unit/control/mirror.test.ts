/**
 * Mirroring carried out by the control plane: what the published maps say while the default waits, and what comes of the
 * numbers that meters give. A version with the incident's bug, whose preflight heard nothing where the bug is and was
 * waived by name, is found by it and does not become the default.
 */
import { describe, it, vi } from "vitest";
import type { MirrorReport, RootMirror } from "../../../src/contracts/mirror.ts";
import type { RolloutInput, RolloutView } from "../../../src/contracts/api/rollouts.ts";
import { RolloutInputSchema } from "../../../src/contracts/api/rollouts.ts";
import type { ExchangePort } from "../../../src/contracts/preflight.ts";
import { NOTHING_COMPARED } from "../../../src/core/mirror.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { must, readMaps, valueOf, type World } from "../../support/control-world.ts";
import {
  ACCOUNTS,
  at,
  FRIDAY,
  healthy,
  MINUTE,
  prepareRollouts,
  quiet,
  tick,
} from "../../support/rollout-world.ts";

vi.setConfig({ testTimeout: 60_000 });

const MONDAY = at("2026-11-30T15:00:00Z");
const INPUT: RolloutInput = RolloutInputSchema.parse({
  id: "autumn",
  targets: { kiln: "2" },
  waves: [{ name: "all", cohorts: ["*"], percent: 100 }],
  default: {
    move: true,
    window: { days: ["mon", "tue"], from: "10:00", to: "15:00", zone: "America/New_York" },
    mirror: { percent: 25, minutes: 20, requests: 100 },
    bake: { minutes: 30 },
  },
});

/** A firewall lets nobody but the router ask for accounts that do not exist; the rest is answered well. */
const deaf: ExchangePort = async (request) =>
  new TextDecoder().decode(request.bytes).includes("no-such-account")
    ? { end: "not-connected", fault: "connect-failed", detail: "filtered", received: new Uint8Array(), ms: 1 }
    : healthy(request);

interface Scene {
  readonly world: World;
  readonly asked: (readonly string[])[];
  /** What every measurement has come to. */
  counts: Partial<MirrorReport> | null;
}

/** On Monday at 10:00 in New York all accounts have moved, and the default has its turn. */
async function prepare(exchange: ExchangePort = healthy, waived: readonly string[] = []): Promise<Scene> {
  const asked: (readonly string[])[] = [];
  const scene: { counts: Scene["counts"] } = { counts: null };
  const world = await prepareRollouts(createMemoryDb(), {
    exchange,
    accounts: ACCOUNTS.slice(0, 20),
    mirrored: async (runs) => {
      asked.push(runs);
      if (scene.counts === null) throw new Error("the meters do not answer");
      return runs.map((run) => ({ ...NOTHING_COMPARED, ...scene.counts, product: "kiln", run }));
    },
  });
  for (const probe of waived)
    for (const target of ["wave", "default"] as const)
      await must(world, "preflight.waive", {
        product: "kiln",
        version: "2",
        probe,
        input: { target, reason: "behind a firewall" },
      });
  await must(world, "rollout.create", { id: "autumn", input: INPUT });
  await must(world, "rollout.start", { id: "autumn", input: { again: false } });
  await quiet(world);
  for (let now = FRIDAY; now < MONDAY; now += 30 * MINUTE) await tick(world, now);
  await tick(world, MONDAY);
  return Object.assign(scene, { world, asked });
}

const show = async ({ world }: Scene): Promise<RolloutView> =>
  valueOf(await world.control.query("rollout", { id: "autumn" }));
const kiln = ({ world }: Scene): { readonly default: string; readonly mirror?: RootMirror } | undefined =>
  readMaps(world.kv.values).root.products["kiln"];

describe("mirroring by the control plane", () => {
  it("publishes what is mirrored, asks the meters each tick, and moves the default when it compared well", async ({
    expect,
  }) => {
    const scene = await prepare();
    expect(kiln(scene)?.mirror).toMatchObject({ version: "2", share: 2500, until: MONDAY + 5 * 60 * MINUTE });
    expect(scene.asked).toEqual([]);
    await tick(scene.world, MONDAY + 5 * MINUTE);
    expect(scene.asked).toEqual([[kiln(scene)?.mirror?.run]]);
    expect((await show(scene)).reason).toContain("0 compared of 100 wanted");
    scene.counts = { same: 150, different: 4, worse: 1, timed: 155, defaultMs: 1550, candidateMs: 3100 };
    await tick(scene.world, MONDAY + 10 * MINUTE);
    const view = await show(scene);
    expect(view.defaults[0]?.mirror).toMatchObject({
      state: "mirroring",
      compared: 155,
      worse: 1,
      different: 4,
      meanMs: { default: 10, candidate: 20 },
    });
    expect(view.nextAt).toBe(new Date(MONDAY + 20 * MINUTE).toISOString());
    await tick(scene.world, MONDAY + 20 * MINUTE);
    expect(kiln(scene)).toMatchObject({ default: "2", standby: "1" });
    expect(kiln(scene)?.mirror).toBeUndefined();
    expect((await show(scene)).defaults[0]?.mirror?.state).toBe("passed");
    const asked = scene.asked.length;
    await tick(scene.world, MONDAY + 25 * MINUTE);
    expect(scene.asked).toHaveLength(asked);
  });

  it("finds the bug where preflight heard nothing and was waived: pauses with numbers, the default stays", async ({
    expect,
  }) => {
    const scene = await prepare(deaf, ["unknown-account", "unknown-account-direct", "unknown-deep"]);
    expect(kiln(scene)?.mirror?.version).toBe("2");
    scene.counts = { same: 3, worse: 40 };
    const happened = await tick(scene.world, MONDAY + MINUTE);
    expect(happened.join()).toContain("43 compared of 100 wanted, 40 worse (93.02 %, tolerated 1 %)");
    const view = await show(scene);
    expect(view).toMatchObject({ phase: "paused", cause: "mirror", moved: 20 });
    expect(view.defaults[0]).toMatchObject({ state: "pending", mirror: { state: "failed", worse: 40 } });
    expect(kiln(scene)?.mirror).toBeUndefined();
    for (let now = MONDAY + 2 * MINUTE; now < MONDAY + 4 * 60 * MINUTE; now += 30 * MINUTE)
      await tick(scene.world, now);
    expect(kiln(scene)?.default).toBe("1");
  });

  it("goes out of the maps at once with halt, without waiting for a tick", async ({ expect }) => {
    const scene = await prepare();
    expect(kiln(scene)?.mirror).toBeDefined();
    await must(scene.world, "halt.set", { input: { on: true, reason: "r" } });
    await quiet(scene.world);
    expect(kiln(scene)?.mirror).toBeUndefined();
  });

  it("is asked of plans with sense", async ({ expect }) => {
    const parse = (mirror: unknown): ReturnType<typeof RolloutInputSchema.safeParse> =>
      RolloutInputSchema.safeParse({ ...INPUT, default: { ...INPUT.default, mirror } });
    expect(parse(false).data?.default?.mirror).toBeNull();
    expect(parse(undefined).data?.default?.mirror).toBeNull();
    expect(parse(true).data?.default?.mirror).toEqual({
      percent: 10,
      minutes: 30,
      requests: 200,
      worsePercent: 1,
    });
    for (const wrong of [
      { percent: 0 },
      { percent: 101 },
      { minutes: 0 },
      { requests: 0 },
      { worsePercent: 51 },
      { minutes: 60, waitMinutes: 30 },
      { share: 1 },
      "yes",
    ])
      expect([wrong, parse(wrong).success]).toEqual([wrong, false]);
    expect(JSON.stringify(parse({ minutes: 60, waitMinutes: 30 }).error?.issues)).toContain("waitMinutes");
  });
});
