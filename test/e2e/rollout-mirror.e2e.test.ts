/**
 * Mirroring on a real local instance: a version that gets the incident's bug after its preflight passed is found by what
 * unknown accounts ask, before the default moves to it; nobody but the version notices. Mended and measured anew, it
 * becomes the default. Counts come the whole way: edge, meter, tick, command line.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { DemoOrigin } from "../../scripts/local/demo/origin.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { ProductSchema } from "../../src/contracts/api/products.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { makeStateFolder, startTestInstance } from "../support/local-instance.ts";
import { createOperator, type Operator } from "../support/local-operator.ts";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

// `start` acts by the real clock and the ticks by the test's: a window open at both would let the mirroring begin years
// before the first tick looks. So the window's day is never today's, nor one that midnight could make today's.
const windowDay = (new Date().getUTCDay() + 3) % DAYS.length;
const SUNDAY_MS = Date.parse("2030-11-03T09:00:00Z");

const ID = "mirrored";
const PLAN = {
  id: ID,
  targets: { kiln: "2.9.1" },
  waves: [{ name: "staff", cohorts: ["internal"], percent: 100 }],
  default: {
    move: true,
    window: { days: [DAYS[windowDay]], from: "08:00", to: "18:00", zone: "UTC" },
    mirror: { percent: 100, minutes: 5, requests: 20, worsePercent: 5 },
    bake: { minutes: 5 },
  },
};
const AT_ONCE = 4;
const POLL_MS = 500;

let instance: Instance;
let operator: Operator;
let candidate: DemoOrigin;
let state = "";
let folder = "";
let nowMs = SUNDAY_MS + windowDay * DAY_MS;
let strangers = 0;

beforeAll(async () => {
  state = makeStateFolder();
  folder = mkdtempSync(join(tmpdir(), "firebreak-mirror-"));
  writeFileSync(join(folder, "plan.json"), JSON.stringify(PLAN));
  instance = await startTestInstance({ nodes: 1, state });
  operator = createOperator(instance, { state, folder });
  const found = instance.origins.find(({ product, version }) => product === "kiln" && version === "2.9.1");
  if (found === undefined) throw new Error("the demo world has no kiln 2.9.1");
  candidate = found;
});
afterAll(async () => {
  operator?.stop();
  await instance?.stop();
  for (const each of [state, folder]) rmSync(each, { recursive: true, force: true });
});

const show = (): Promise<RolloutView> => operator.json(RolloutSchema, "rollout", "show", ID);

async function tick(): Promise<RolloutView> {
  nowMs += MINUTE_MS;
  await operator.tick(new Date(nowMs).toISOString());
  return show();
}

/** Requests of accounts that do not exist, a few at a time. @returns who answered. */
async function ask(count: number): Promise<ReadonlySet<string>> {
  const answered = new Set<string>();
  for (let left = count; left > 0; left -= AT_ONCE) {
    const hosts = Array.from(
      { length: Math.min(AT_ONCE, left) },
      () => `nobody-${strangers++}.kiln.localhost`,
    );
    for (const version of (await operator.answers(hosts)).values()) answered.add(version);
  }
  return answered;
}

/** Edges report every ten seconds or so, when they are asked something: minutes pass until something has come of it. */
async function until(done: (view: RolloutView) => boolean): Promise<RolloutView> {
  for (let polls = 0; polls < 60; polls += 1) {
    await ask(1);
    const view = await tick();
    if (done(view)) return view;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`nothing came of it: ${(await show()).reason}`);
}

describe("mirroring before the default moves", () => {
  it("begins when the waves are done, and is published", async ({ expect }) => {
    expect((await operator.cli("rollout", "create", join(folder, "plan.json"))).code).toBe(0);
    const plan = await operator.cli("rollout", "plan", ID);
    expect(plan.out).toContain("requests of unknown accounts are mirrored to kiln 2.9.1");
    expect((await operator.cli("rollout", "start", ID)).code).toBe(0);
    await operator.seen();
    const view = await tick();
    expect([view.phase, view.cause]).toEqual(["default-pending", "mirror"]);
    expect(view.defaults[0]?.mirror).toMatchObject({ state: "mirroring", compared: 0, wanted: 20 });
    await operator.seen();
  });

  it("finds the bug that the version has by then, pauses with the numbers, and no client sees it", async ({
    expect,
  }) => {
    await operator.cli("demo", "kiln/2.9.1", "--fails-without-account", "--state", state);
    expect(candidate.faults().failsWithoutAccount).toBe(true);
    expect(await ask(40)).toEqual(new Set(["kiln/2.8.0"]));
    const view = await until(({ phase }) => phase === "paused");
    expect(view.cause).toBe("mirror");
    expect(view.reason).toMatch(/kiln 2\.9\.1 answers mirrored requests .* worse than the default does/);
    const mirror = view.defaults[0]?.mirror;
    expect(mirror?.state).toBe("failed");
    expect(mirror?.worse).toBeGreaterThanOrEqual(40);
    expect(candidate.mirrored()).toBeGreaterThanOrEqual(40);
    expect(candidate.recent().filter(({ mirrored }) => mirrored)).not.toContainEqual(
      expect.objectContaining({ account: expect.any(String) }),
    );
    const { out } = await operator.cli("rollout", "show", ID);
    expect(out).toMatch(/^kiln +failed +\d+ of 5 +\d+ of 20 +\d+ \(100 %, tolerated 5 %\)/m);
    const kiln = await operator.json(ProductSchema, "product", "show", "kiln");
    expect(kiln.default).toBe("2.8.0");
  });

  it("mirrors nothing while it is paused, and measures anew when it is mended and resumed", async ({
    expect,
  }) => {
    await operator.seen();
    const before = candidate.mirrored();
    await ask(8);
    expect(candidate.mirrored()).toBe(before);
    await operator.cli("demo", "kiln/2.9.1", "--state", state);
    expect((await operator.cli("rollout", "resume", ID)).code).toBe(0);
    expect((await tick()).cause).toBe("mirror");
    await operator.seen();
    expect(await ask(40)).toEqual(new Set(["kiln/2.8.0"]));
    const view = await until(({ defaults }) => defaults[0]?.state !== "pending");
    expect(view.defaults[0]?.mirror).toMatchObject({ state: "passed", worse: 0 });
    const kiln = await operator.json(ProductSchema, "product", "show", "kiln");
    expect([kiln.default, kiln.standby]).toEqual(["2.9.1", "2.8.0"]);
    await operator.seen();
    expect(await ask(4)).toEqual(new Set(["kiln/2.9.1"]));
  });
});
