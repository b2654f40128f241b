/**
 * Histories of moves that carry data: hooks answer anything, in any order, late, twice or never, and the control plane
 * dies between any two steps. After every step it is asked what any edge may answer, and what data the account has.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { DataRule } from "../../src/contracts/move-data.ts";
import type { RolloutPlan } from "../../src/contracts/rollout.ts";
import { isTerminal } from "../../src/core/rollout/state.ts";
import type { Fortune } from "../support/data-hooks.ts";
import { DataWorld } from "../support/data-world.ts";
import { account, FRIDAY, MINUTE, onePlan } from "../support/rollout-builders.ts";

const HISTORIES = 700;
const UNSEEN_MS = 180_000;

type Op =
  | { readonly op: "tick"; readonly ms: number }
  | { readonly op: "call"; readonly most: number; readonly fortunes: readonly Fortune[] }
  | { readonly op: "round"; readonly times: number; readonly fortunes: readonly Fortune[] }
  | { readonly op: "stretch" }
  | { readonly op: "deliver" | "publish" | "crash" | "pause" | "resume" | "stop" | "halt" | "unhalt" }
  | { readonly op: "back"; readonly to: "all" | "cohort" }
  | { readonly op: "freeze" | "unfreeze" }
  | { readonly op: "pin"; readonly who: number };

const fortune = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fortune>("ok") },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Fortune>("later", "fail", "half", "lost", "unheard", "slow", "twice"),
  },
);
const fortunes = fc.array(fortune, { minLength: 1, maxLength: 6 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant("tick" as const),
      ms: fc.constantFrom(1000, 10_000, MINUTE, 4 * MINUTE, 20 * MINUTE),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant("call" as const),
      most: fc.integer({ min: 1, max: 6 }),
      fortunes,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("round" as const),
      times: fc.integer({ min: 2, max: 12 }),
      fortunes,
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("deliver", "publish", "crash") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom(
        "pause",
        "resume",
        "resume",
        "halt",
        "unhalt",
        "unhalt",
        "freeze",
        "unfreeze",
        "unfreeze",
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("stop", "stretch", "stretch") }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant("back" as const), to: fc.constantFrom("all", "cohort") }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("pin" as const), who: fc.nat(7) }) },
) as fc.Arbitrary<Op>;

type Kind = "none" | "perAccount" | "perCell";

function ruleOf(kind: Kind, { undo, concurrency }: { undo: boolean; concurrency: number }): DataRule {
  if (kind === "none") return { mixed: "never", migration: { kind } };
  const [prepare, verify] = ["https://hooks.example.net/prepare", "https://hooks.example.net/verify"];
  const back = undo ? "https://hooks.example.net/undo" : null;
  return {
    mixed: "never",
    migration: { kind, prepare, verify, undo: back, timeoutSeconds: 10, concurrency },
  };
}

const settings = fc.record({
  kiln: fc.constantFrom<Kind>("perAccount", "perAccount", "perCell", "none"),
  fogbugz: fc.constantFrom<Kind>("none", "none", "perAccount", "perCell"),
  concurrency: fc.constantFrom(1, 3, 10),
  batch: fc.constantFrom(2, 4, 20),
  maxFailures: fc.constantFrom(0, 2, 8),
  paced: fc.boolean(),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

const ACCOUNTS = Array.from({ length: 8 }, (_, index) =>
  account(`account-${index}`, {
    cell: index % 2 === 0 ? "east" : "west",
    cohort: index < 3 ? "internal" : "general",
  }),
);

function planOf({ batch, maxFailures, paced }: Settings): RolloutPlan {
  const data = { batch, maxFailures, maxHoldMs: 20 * MINUTE };
  const bake = { minutes: 300, requests: 0, workdays: 0 };
  return { ...onePlan({ paceBpPerMinute: paced ? 500 : null, bake }), data };
}

/** One history, held against what must never happen after every step of it. */
class Witness {
  readonly world: DataWorld;
  readonly seen = new Set<string>();

  constructor(of: Settings) {
    const rules = {
      kiln: ruleOf(of.kiln, { undo: true, concurrency: of.concurrency }),
      fogbugz: ruleOf(of.fogbugz, { undo: true, concurrency: of.concurrency }),
    };
    this.world = new DataWorld({ accounts: ACCOUNTS, plan: planOf(of), rules });
  }

  apply(what: Op): void {
    this.perform(what);
    this.check(JSON.stringify(what));
  }

  private perform(what: Op): void {
    const { world } = this;
    switch (what.op) {
      case "tick":
        return world.tick(what.ms);
      case "call":
        world.call((index) => what.fortunes[index % what.fortunes.length] ?? "ok", what.most);
        return;
      case "round":
        for (let time = 0; time < what.times; time += 1) {
          this.round((index) => what.fortunes[(index + time) % what.fortunes.length] ?? "ok", 30_000);
          this.check(`${JSON.stringify(what)} at ${time}`);
        }
        return;
      case "stretch":
        for (let time = 0; time < 30; time += 1) {
          this.round(() => "ok", 30_000);
          this.check(`a good time, round ${time}`);
        }
        return;
      case "deliver":
        world.deliver();
        return world.advance();
      case "publish":
        return world.publish();
      case "crash":
        return world.crash();
      case "pause":
      case "stop":
        world.tell({ kind: what.op, reason: "r" });
        return;
      case "resume":
        world.tell({ kind: "resume", again: true });
        return;
      case "halt":
      case "unhalt":
        world.halt = what.op === "halt";
        return world.advance();
      case "freeze":
        world.freezes = [
          { name: "f", from: "2026-11-27", to: "2026-12-24", zone: "UTC", scope: {}, reason: "r" },
        ];
        return world.advance();
      case "unfreeze":
        world.freezes = [];
        return;
      case "back": {
        const scope =
          what.to === "all"
            ? { kind: "all" as const }
            : { kind: "where" as const, where: { cohort: "internal" } };
        world.tell({ kind: "rollback", scope, reason: "r", confirmed: false, paceBpPerMinute: null });
        return;
      }
      case "pin":
        return world.pin(`account-${what.who}`);
    }
  }

  /** What a healthy minute does: publish, call, deliver, tick. */
  private round(fortuneOf: (index: number) => Fortune, ms: number): void {
    const { world } = this;
    world.publish();
    world.call(fortuneOf);
    world.tick(1000);
    world.deliver();
    world.tick(ms);
  }

  private check(what: string): void {
    const { world } = this;
    const broken = world.broken(UNSEEN_MS);
    const { data, phase } = world.state;
    if (data?.batch != null) this.seen.add(`${data.batch.direction} ${data.batch.stage}`);
    for (const fate of world.left.values()) this.seen.add(fate);
    if (broken !== null)
      throw new Error(
        `${broken}, after ${what}, ${phase} (${world.state.reason}), batch ${JSON.stringify(data?.batch)}`,
      );
    if (data?.batch != null && data.batch.stage !== "holding" && isTerminal(world.state))
      throw new Error("it ended with a batch held");
  }

  /** From now on everything answers, and people let it go on; or hooks never answer again. */
  end(fortuneOf: Fortune): void {
    const { world } = this;
    world.halt = false;
    world.freezes = [];
    for (let round = 0; round < 500 && !isTerminal(world.state); round += 1) {
      const { phase, nextAtMs } = world.state;
      const ms = phase === "baking" && nextAtMs !== null ? nextAtMs - world.nowMs : 30_000;
      this.round(() => fortuneOf, Math.max(1000, ms));
      this.check(`the end, round ${round}`);
      if (world.state.phase === "paused" && world.state.data?.batch == null)
        world.tell({ kind: "resume", again: false });
    }
    // Whoever is stuck is called on, whatever has become of the rollout.
    for (let round = 0; round < 6; round += 1) this.round(() => fortuneOf, 30_000);
    world.publish();
    this.check("the end");
    if (!isTerminal(world.state))
      throw new Error(
        `it does not end: ${world.state.phase} (${world.state.reason}), ${world.nowMs - FRIDAY} ms`,
      );
  }
}

function live([of, ops]: [Settings, Op[]]): Witness {
  const witness = new Witness(of);
  for (const what of ops) witness.apply(what);
  return witness;
}

/** Half of them begin well, so that there is something to take back. */
const history = fc
  .tuple(settings, fc.boolean(), fc.array(op, { minLength: 2, maxLength: 14 }))
  .map(([of, well, ops]): [Settings, Op[]] => [of, well ? [{ op: "stretch" }, ...ops] : ops]);

describe("moves that carry data", () => {
  it(
    "keep every promise, whatever hooks answer and whenever the control plane dies",
    { timeout: 120_000 },
    ({ expect }) => {
      const seen = new Set<string>();
      fc.assert(
        fc.property(history, (given) => {
          const witness = live(given);
          witness.end("ok");
          for (const one of witness.seen) seen.add(one);
          expect(witness.world.held()).toEqual([]);
        }),
        { numRuns: HISTORIES },
      );
      for (const one of [
        "forward holding",
        "forward calling",
        "forward calling-off",
        "forward leaving",
        "forward releasing",
        "back holding",
        "back calling",
        "back leaving",
        "left",
        "kept",
        "stuck",
      ])
        expect(seen, one).toContain(one);
    },
  );

  it("hold nobody but by name when hooks never answer again", { timeout: 60_000 }, ({ expect }) => {
    fc.assert(
      fc.property(history, (given) => {
        const witness = live(given);
        witness.end("lost");
        const { left } = witness.world;
        for (const slug of witness.world.held()) expect(left.get(slug)).toBe("stuck");
        expect(witness.world.state.groups.held).toBeUndefined();
      }),
      { numRuns: HISTORIES / 5 },
    );
  });
});
