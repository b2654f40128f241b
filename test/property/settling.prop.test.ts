/**
 * Settling against edges whose KV lags up to two minutes: nobody is served by two versions at once, with reports of the
 * edges and without. With settling switched off, or edges that answer from any maps, the same checker finds it.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { DataRule } from "../../src/contracts/move-data.ts";
import { isTerminal } from "../../src/core/rollout/state.ts";
import { DataWorld } from "../support/data-world.ts";
import { type EdgeOptions, LaggingEdges } from "../support/lagging-edges.ts";
import { createRandom } from "../support/random.ts";
import { account, MINUTE, NEW, onePlan } from "../support/rollout-builders.ts";

const WORLDS = 60;
const STEP_MS = 2000;

const HOOKS: DataRule = {
  mixed: "never",
  migration: {
    kind: "perAccount",
    prepare: "https://hooks.example.net/prepare",
    verify: "https://hooks.example.net/verify",
    undo: "https://hooks.example.net/undo",
    timeoutSeconds: 5,
    concurrency: 4,
  },
};
const ROUTE_ONLY: DataRule = { mixed: "never", migration: { kind: "none" } };

interface Case {
  readonly seed: number;
  readonly hooks: boolean;
  readonly settles: boolean;
  readonly rule: boolean;
  readonly reports: EdgeOptions["reports"];
}

/** One rollout from start to end under load. */
function run({ seed, hooks, settles, rule, reports }: Case): LaggingEdges {
  const accounts = Array.from({ length: 6 }, (_, index) => account(`account-${index}`));
  const plan = { ...onePlan(), data: { batch: 3, maxFailures: null, maxHoldMs: 20 * MINUTE } };
  const kiln = hooks ? HOOKS : ROUTE_ONLY;
  const world = new DataWorld({ accounts, plan, rules: { kiln, fogbugz: ROUTE_ONLY } });
  if (!settles) world.settle = { leastMs: 0, unseenMs: 0, patienceMs: 600_000 };
  const random = createRandom(seed);
  const edges = new LaggingEdges(world, { random, rule, reports });
  for (let step = 0; step < 2000 && !isTerminal(world.state); step += 1) {
    world.nowMs += STEP_MS;
    edges.serve();
    world.publish();
    world.call(() => (random() < 0.1 ? "fail" : "ok"));
    world.deliver();
    world.tick(0);
  }
  if (!isTerminal(world.state)) throw new Error(`it does not end: ${world.state.reason}`);
  // Edges go on for a while: what lags shows then.
  for (let step = 0; step < 120; step += 1) {
    world.nowMs += STEP_MS;
    edges.serve();
    world.publish();
  }
  return edges;
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe("settling", () => {
  for (const reports of ["all", "none"] as const) {
    it(
      `keeps two versions apart while KV lags, with reports of ${reports} edges`,
      { timeout: 60_000 },
      ({ expect }) => {
        fc.assert(
          fc.property(seeds, fc.boolean(), (seed, hooks) => {
            const edges = run({ seed, hooks, settles: true, rule: true, reports });
            expect(edges.overlap()).toBeNull();
            expect(edges.log.some(({ version }) => version === NEW.fogbugz)).toBe(true);
            expect(edges.holds).toBeGreaterThan(0);
          }),
          { numRuns: WORLDS },
        );
      },
    );
  }

  it("is what keeps them apart: without it the checker finds accounts served by both", ({ expect }) => {
    const found = Array.from({ length: 10 }, (_, seed) =>
      run({ seed, hooks: false, settles: false, rule: true, reports: "none" }).overlap(),
    );
    expect(found.filter((one) => one !== null).length).toBeGreaterThan(5);
  });

  it("needs edges that answer from fresh maps only: without that rule the checker finds some", ({
    expect,
  }) => {
    const found = Array.from({ length: 40 }, (_, seed) =>
      run({ seed, hooks: false, settles: true, rule: false, reports: "none" }).overlap(),
    );
    expect(found.some((one) => one !== null)).toBe(true);
  });
});
