/**
 * Histories of moves that carry data over the real control plane: its store, its outbox, its publisher, its runner of hooks
 * and the engine together, with hooks that answer anything, late, twice or never, and a control plane that dies behind any
 * gate it passes. After every second it is asked what any edge may answer, and what data the account has.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { ControlDataWorld, SETTLING, type DataWorldOptions } from "../support/control-data-world.ts";
import type { Fortune } from "../support/data-hooks.ts";
import { MINUTE } from "../support/rollout-world.ts";

const HISTORIES = 24;
const ACCOUNTS = Array.from({ length: 6 }, (_unused, n) => `account-${n}`);
const ROLLOUT = { id: "schema" };

type Op =
  | { readonly op: "pass"; readonly seconds: number; readonly fortunes: readonly Fortune[] }
  | { readonly op: "die"; readonly gates: number; readonly seconds: number }
  | { readonly op: "pause" | "resume" | "stop" | "back" | "halt" | "unhalt" }
  | { readonly op: "pin"; readonly account: number };

const fortune = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fortune>("ok") },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fortune>("later", "fail", "half", "lost", "unheard", "slow", "twice"),
  },
);
const fortunes = fc.array(fortune, { minLength: 1, maxLength: 6 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("pass" as const),
      seconds: fc.constantFrom(5, 20, 45, 90),
      fortunes,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("die" as const),
      gates: fc.nat(30),
      seconds: fc.constantFrom(1, 5, 30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom("pause", "resume", "resume", "halt", "unhalt", "unhalt") }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("stop", "back", "back") }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("pin" as const), account: fc.nat(5) }) },
) as fc.Arbitrary<Op>;

const options: fc.Arbitrary<DataWorldOptions> = fc.record({
  accounts: fc.constant(ACCOUNTS),
  hooks: fc.record({
    undo: fc.constantFrom(true, true, true, false),
    concurrency: fc.constantFrom(1, 3, 10),
  }),
  data: fc.record({
    batch: fc.constantFrom(2, 6),
    maxFailures: fc.constantFrom(0, 2, 6),
    maxHoldMinutes: fc.constantFrom(4, 20),
  }),
  both: fc.boolean(),
});

async function perform(world: ControlDataWorld, what: Op): Promise<void> {
  switch (what.op) {
    case "pass":
      world.fortunes = what.fortunes;
      return world.pass(what.seconds * 1000);
    case "die":
      world.dieAfter(what.gates);
      return world.pass(what.seconds * 1000);
    case "pause":
    case "stop":
      return world.tell(`rollout.${what.op}`, { ...ROLLOUT, input: { reason: "t" } });
    case "resume":
      return world.tell("rollout.resume", { ...ROLLOUT, input: { again: true } });
    case "back":
      return world.tell("rollout.rollback", { ...ROLLOUT, input: { reason: "t", confirmed: false } });
    case "halt":
    case "unhalt":
      return world.tell("halt.set", { input: { on: what.op === "halt", reason: "t" } });
    case "pin":
      return world.tell("account.pin.set", {
        account: `account-${what.account}`,
        product: "kiln",
        input: { version: "1", reason: "t", expires: null },
      });
  }
}

const TERMINAL = ["completed", "stopped", "rolled-back"];

/** From now on hooks answer as given, nobody dies, and people let it go on. */
async function end(world: ControlDataWorld, how: Fortune): Promise<void> {
  world.fortunes = [how];
  await world.tell("halt.set", { input: { on: false, reason: "t" } });
  for (let round = 0; round < 400; round += 1) {
    const { phase } = await world.show();
    if (TERMINAL.includes(phase)) return;
    // A rollback that is under way ends first; whoever was moved back may go forward again afterwards.
    for (const again of phase === "paused" ? [false, true] : [])
      await world.tell("rollout.resume", { ...ROLLOUT, input: { again } });
    await (phase === "baking" ? world.pass(5 * MINUTE, MINUTE) : world.pass(20_000));
  }
  const { phase, reason } = await world.show();
  throw new Error(`it does not end: ${phase} (${reason})`);
}

async function live(of: DataWorldOptions, ops: readonly Op[]): Promise<ControlDataWorld> {
  const world = await ControlDataWorld.create(of);
  for (const what of ops) await perform(world, what);
  return world;
}

const history = fc.tuple(options, fc.array(op, { minLength: 3, maxLength: 12 }));

describe("the control plane, moving data", () => {
  it(
    "keeps every promise, whatever hooks answer and wherever it dies",
    { timeout: 240_000 },
    async ({ expect }) => {
      const seen = { deaths: 0, prepared: 0, undone: 0, migrated: 0 };
      await fc.assert(
        fc.asyncProperty(history, async ([of, ops]) => {
          const world = await live(of, ops);
          await end(world, "ok");
          const left = await world.left();
          for (const account of world.held()) expect(left.get(account)).toBe("stuck");
          if (of.hooks.undo) expect(world.held()).toEqual([]);
          seen.deaths += world.deaths;
          seen.prepared += world.origin.prepared;
          seen.undone += world.origin.undone;
        }),
        { numRuns: HISTORIES },
      );
      expect(Math.min(seen.deaths, seen.prepared, seen.undone)).toBeGreaterThan(0);
    },
  );

  it("is found out when it does not let publishes settle", async ({ expect }) => {
    const settling = { ...SETTLING, leastMs: 0, unseenMs: 0 };
    const hooks = { undo: true, concurrency: 10 };
    const data = { batch: 6, maxFailures: 6, maxHoldMinutes: 20 };
    const world = await ControlDataWorld.create({ accounts: ACCOUNTS, hooks, data, both: false, settling });
    await expect(world.pass(5 * MINUTE)).rejects.toThrow("is served by 1 and its data is new");
  });
});
