/**
 * What the history says of the past is what was decided live: random histories of rollouts and of operators, a decision
 * recorded from the published maps at every step, and the same questions asked of the history at the end.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { CommandInputs, CommandName } from "../../src/contracts/control.ts";
import type { AccountMove, AccountMoves } from "../../src/contracts/history-port.ts";
import type { AccountRow, Root } from "../../src/contracts/maps.ts";
import type { Refusal } from "../../src/contracts/problems.ts";
import type { Result } from "../../src/contracts/result.ts";
import type { Decision } from "../../src/core/decision.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { createMemoryDb } from "../support/control-db.ts";
import { contextOf, readMaps, settle, valueOf, type World } from "../support/control-world.ts";
import { at, MINUTE, PLAN, prepareRollouts, quiet, tick } from "../support/rollout-world.ts";

const ACCOUNTS = Array.from({ length: 24 }, (_unused, n) => `account-${n}`);
const WATCHED = [...ACCOUNTS.slice(0, 12), "newcomer-0", "newcomer-1", "nobody"];
const PRODUCTS = ["kiln", "fogbugz"];
/** Friday 20:58 in Paris: soon after the window of Kolkata, right before that of Paris. */
const NIGHT = at("2026-11-27T20:58:00Z");

interface Step {
  readonly name: string;
  run(world: World): Promise<unknown>;
}

const tryOut = <K extends CommandName>(name: K, input: CommandInputs[K]): Step => ({
  name: `${name} ${JSON.stringify(input)}`,
  run: (world) => world.control.execute(name, input, contextOf()),
});

const START = tryOut("rollout.start", { id: "autumn", input: { again: false } });
const account = fc.constantFrom(...WATCHED.slice(0, 14));
const product = fc.constantFrom(...PRODUCTS);
const version = fc.constantFrom("1", "2");
const reason = "test";

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(1, 1, 2, 5, 30, 240, 24 * 60).map((minutes): Step => ({
      name: `tick +${minutes}`,
      run: (world) => tick(world, Math.max(world.clock.now, NIGHT) + minutes * MINUTE),
    })),
  },
  fc
    .tuple(account, product, version)
    .map(([who, of, to]) =>
      tryOut("account.pin.set", { account: who, product: of, input: { version: to, reason, expires: null } }),
    ),
  fc
    .tuple(account, product)
    .map(([who, of]) => tryOut("account.pin.lift", { account: who, product: of, reason })),
  fc
    .tuple(account, product)
    .map(([who, of]) =>
      tryOut("account.quarantine.set", { account: who, product: of, input: { version: "1", reason } }),
    ),
  fc
    .tuple(account, product)
    .map(([who, of]) => tryOut("account.quarantine.lift", { account: who, product: of, reason })),
  account.map((who) =>
    tryOut("account.hold.set", {
      account: who,
      input: { mode: "readOnly", message: null, until: null, reason },
    }),
  ),
  account.map((who) => tryOut("account.hold.lift", { account: who, reason })),
  account.map((who) => tryOut("account.delete", { account: who, reason })),
  account.map((who) => tryOut("account.undelete", { account: who, input: { reason } })),
  account.map((who) =>
    tryOut("account.put", {
      account: who,
      input: {
        timeZone: "Europe/Paris",
        cohort: "general",
        domains: [{ host: `code.${who}.example`, product: "kiln" }],
      },
    }),
  ),
  fc.constant(
    tryOut("product.hold.set", {
      product: "kiln",
      input: { mode: "page", message: null, until: null, reason },
    }),
  ),
  fc.constant(tryOut("product.hold.lift", { product: "kiln", reason })),
  fc.constant(tryOut("rollout.approve", { id: "autumn", input: { wave: 2 } })),
  fc.constant(tryOut("rollout.pause", { id: "autumn", input: { reason } })),
  fc.constant(tryOut("rollout.resume", { id: "autumn", input: { again: true } })),
  fc.constant(tryOut("rollout.stop", { id: "autumn", input: { reason } })),
  fc
    .constantFrom<CommandInputs["rollout.rollback"]["input"]>(
      { reason, confirmed: true },
      { reason, confirmed: true, where: { cohort: "internal" } },
      { reason, confirmed: true, toWave: 0 },
    )
    .map((input) => tryOut("rollout.rollback", { id: "autumn", input })),
);

/** A few changes, the start of the rollout, and whatever comes then. */
const histories = fc
  .tuple(fc.array(step, { maxLength: 4 }), fc.array(step, { minLength: 6, maxLength: 18 }))
  .map(([before, after]) => [...before, START, ...after]);

/** What was decided at a step, from the maps as an edge reads them. */
interface Recorded {
  readonly nowMs: number;
  readonly generation: number;
  readonly decisions: ReadonlyMap<string, Decision>;
}

function decideAll(root: Root, find: (key: string) => AccountRow | null): ReadonlyMap<string, Decision> {
  const decisions = new Map<string, Decision>();
  for (const key of WATCHED.flatMap((slug) => [slug, `code.${slug}.example`])) {
    const row = find(key);
    for (const of of PRODUCTS) {
      const slug = row?.slug ?? (key.includes(".") ? null : key);
      decisions.set(
        `${key} ${of}`,
        decideVersion({ root, breakGlass: null, product: of, slug, row, override: null }),
      );
    }
  }
  return decisions;
}

function record(world: World): Recorded {
  const maps = readMaps(world.kv.values);
  const decisions = decideAll(maps.root, (key) => maps.find(key));
  return { nowMs: world.clock.now, generation: maps.root.generation, decisions };
}

async function recall(world: World, nowMs: number): Promise<Recorded> {
  const moment = valueOf(await world.control.query("history.moment", { at: nowMs }));
  const generation = moment.served[0]?.generation ?? 0;
  const decisions = new Map<string, Decision>();
  for (const key of WATCHED.flatMap((slug) => [slug, `code.${slug}.example`])) {
    const { root, row } = valueOf(await world.control.query("history.maps", { generation, key }));
    for (const [name, decision] of decideAll(root, (asked) => (asked === key ? row : null)))
      if (name.startsWith(`${key} `)) decisions.set(name, decision);
  }
  return { nowMs, generation, decisions };
}

/** Version that an account was on at a time, by its moves. */
function onVersion(moves: readonly AccountMove[], of: string, nowMs: number): string | null {
  const about = moves.filter((move) => move.product === of);
  const before = about.find((move) => Date.parse(move.at) <= nowMs);
  return before === undefined ? (about.at(-1)?.from ?? null) : before.to;
}

async function movesOf(world: World, who: string): Promise<readonly AccountMove[]> {
  const moves: AccountMove[] = [];
  let cursor: string | null = null;
  do {
    const asked: Result<AccountMoves, Refusal> = await world.control.query("account.history", {
      account: who,
      product: null,
      cursor,
      limit: 3,
    });
    if (!asked.ok) return moves;
    moves.push(...asked.value.items);
    ({ cursor } = asked.value);
  } while (cursor !== null);
  return moves;
}

async function live(steps: readonly Step[]): Promise<{ world: World; recorded: Recorded[] }> {
  const world = await prepareRollouts(createMemoryDb(), { accounts: ACCOUNTS });
  valueOf(await world.control.execute("rollout.create", { id: "autumn", input: PLAN }, contextOf()));
  const recorded = [record(world)];
  for (const change of steps) {
    // Two roots of one instant could not be told apart by it.
    world.clock.now += MINUTE / 2;
    await change.run(world);
    await quiet(world);
    await settle(world);
    recorded.push(record(world));
  }
  return { world, recorded };
}

describe("the history", () => {
  it("says of every step what was decided live, and its moves lead there", async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(histories, async (steps) => {
        const { world, recorded } = await live(steps);
        for (const one of recorded) expect(await recall(world, one.nowMs)).toEqual(one);
        for (const who of WATCHED) {
          const moves = await movesOf(world, who);
          for (const { nowMs, decisions } of recorded) {
            for (const of of PRODUCTS) {
              const decision = decisions.get(`${who} ${of}`);
              const forward = decision?.kind === "hold" ? decision.forward : decision;
              if (forward?.kind !== "forward") continue;
              const version = forward.reason === "default" ? null : forward.version;
              expect([who, of, nowMs, onVersion(moves, of, nowMs)]).toEqual([who, of, nowMs, version]);
            }
          }
        }
      }),
      { numRuns: 10 },
    );
  }, 60_000);
});
