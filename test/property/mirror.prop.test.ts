/**
 * Histories of the mirroring before a default moves, from the moment the waves are done: ticks late, missing and twice,
 * halt, freezes, preflights and meters that come and go, people who pause, resume, approve, stop and roll back. Held
 * against what the maps said and for how long, as edges saw it, and not against what the engine says of itself.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Freeze } from "../../src/contracts/calendar.ts";
import { mayMove } from "../../src/core/calendar/may-move.ts";
import { advance } from "../../src/core/rollout/advance.ts";
import { isTerminal } from "../../src/core/rollout/state.ts";
import { crowd, DAY, HOUR, memo, MINUTE, NEW, onePlan, plan, Sim } from "../support/rollout-builders.ts";

const HISTORIES = 2500;
const MIRROR = { shareBp: 1000, minutes: 20, requests: 50, worseBp: 100, waitMinutes: 60 };
/** Monday 09:30 in New York: half an hour before the first opening. */
const MONDAY = Date.parse("2026-11-30T14:30:00Z");
const FREEZE: Freeze = {
  name: "kiln",
  from: "2026-11-30T11:00",
  to: "2026-12-01T12:00",
  zone: "America/New_York",
  scope: { products: ["kiln"] },
  reason: "x",
};

type Op =
  | { readonly op: "tick"; readonly ms: number; readonly times: number }
  | { readonly op: "traffic"; readonly perMinute: number; readonly worse: number }
  | { readonly op: "meters" | "halt" | "freeze"; readonly on: boolean }
  | {
      readonly op: "word";
      readonly product: "kiln" | "fogbugz";
      readonly word: "pass" | "fail" | "inconclusive";
    }
  | { readonly op: "pause" | "resume" | "approve" | "stop" | "rollback" | "twice" };

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant("tick" as const),
      ms: fc.constantFrom(MINUTE, 3 * MINUTE, 10 * MINUTE, 50 * MINUTE, 2 * HOUR, DAY),
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("traffic" as const),
      perMinute: fc.constantFrom(0, 1, 10),
      worse: fc.constantFrom(0, 0, 0.02, 1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom("meters", "halt", "freeze"), on: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("word" as const),
      product: fc.constantFrom("kiln", "fogbugz"),
      word: fc.constantFrom("pass", "pass", "fail", "inconclusive"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constantFrom("pause", "resume", "resume", "approve", "approve", "twice") }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("stop", "rollback") }) },
) as fc.Arbitrary<Op>;

const ACCOUNTS = crowd(6);

function perform(sim: Sim, what: Op): void {
  switch (what.op) {
    case "tick":
      for (let n = 0; n < what.times; n += 1) sim.tick(sim.nowMs + what.ms);
      return;
    case "traffic":
      sim.unknownTraffic = { perMinute: what.perMinute, worse: what.worse };
      return;
    case "meters":
      sim.metersAnswer = what.on;
      return;
    case "halt":
      sim.halt = what.on;
      return;
    case "freeze":
      sim.freezes = what.on ? [FREEZE] : [];
      return;
    case "word":
      sim.words.set(what.product, { wave: "pass", default: what.word });
      sim.runPreflight(what.product);
      return;
    case "approve":
      sim.command({ kind: "approve", what: { default: atHand(sim) } });
      return;
    case "resume":
      sim.command({ kind: "resume", again: false });
      return;
    case "rollback":
      sim.command({
        kind: "rollback",
        scope: { kind: "all" },
        reason: "r",
        confirmed: true,
        paceBpPerMinute: null,
      });
      return;
    case "twice": {
      sim.tick(sim.nowMs);
      const again = advance(sim.state, sim.turn());
      if (again.effects.some(({ kind }) => kind !== "notify"))
        throw new Error("the same tick twice does more");
      if (JSON.stringify(again.state) !== JSON.stringify(sim.state)) throw new Error("and changes the state");
      return;
    }
    case "pause":
    case "stop":
      sim.command({ kind: what.op, reason: "r" });
  }
}

function atHand({ state }: Sim): string {
  return state.defaults.find(({ bakedMs }) => bakedMs === null)?.product ?? "kiln";
}

/** What the history came to, for the statistics at the end. */
function live(approveBefore: boolean, ops: readonly Op[]): ReadonlySet<string> {
  const { default: step } = plan();
  if (step === null) throw new Error("no default");
  const sim = new Sim(ACCOUNTS, { ...onePlan(), default: { ...step, approveBefore, mirror: MIRROR } });
  sim.start();
  while (sim.nowMs < MONDAY) sim.tick(Math.min(MONDAY, sim.nowMs + 6 * HOUR));
  if (approveBefore) sim.command({ kind: "approve", what: { default: "fogbugz" } });
  const seen = new Set<string>();
  for (const what of ops) {
    const before = defaultsOf(sim);
    perform(sim, what);
    checkDefaults(sim, before, seen);
    // What was only changed in the world has its effect with the next tick.
    if (what.op === "tick" || what.op === "twice") checkMaps(sim);
    for (const { mirror } of sim.state.defaults) if (mirror != null) seen.add(mirror.result ?? "begun");
    if (!isTerminal(sim.state) && sim.state.reason === "") throw new Error("no reason");
  }
  if (isTerminal(sim.state)) checkMaps(sim);
  return seen;
}

function defaultsOf(sim: Sim): Readonly<Record<string, string | null>> {
  return { kiln: sim.facts["kiln"]?.default ?? null, fogbugz: sim.facts["fogbugz"]?.default ?? null };
}

/** A default that moved has been mirrored for long enough and compared well enough, as edges saw it; or a person said yes. */
function checkDefaults(sim: Sim, before: ReturnType<typeof defaultsOf>, seen: Set<string>): void {
  const now = defaultsOf(sim);
  for (const [product, target] of Object.entries(NEW)) {
    if (now[product] !== target || before[product] === target) continue;
    seen.add("moved");
    const mirror = sim.state.defaults.find((step) => step.product === product)?.mirror ?? null;
    if (mirror === null) throw new Error(`${product} moved without mirroring`);
    if (mirror.waived !== null) {
      seen.add("waived");
      if (mirror.result !== "too-few")
        throw new Error(`a ${mirror.result ?? "running"} mirroring was waived`);
      continue;
    }
    const { same, worse } = sim.compared.get(mirror.run) ?? { same: 0, worse: 0 };
    const minutes = (sim.mirroredMs.get(mirror.run) ?? 0) / MINUTE;
    if (minutes < MIRROR.minutes) throw new Error(`${product} moved after ${minutes} mirrored minutes`);
    if (same + worse < MIRROR.requests) throw new Error(`${product} moved after ${same + worse} requests`);
    if (100 * worse > same + worse)
      throw new Error(`${product} moved with ${worse} of ${same + worse} worse`);
  }
}

/** What the maps tell edges to mirror, and when. */
function checkMaps(sim: Sim): void {
  for (const [product, { mirror, default: current }] of Object.entries(sim.published.products)) {
    if (mirror === undefined) continue;
    const fail = (why: string): never => {
      throw new Error(`${product} is mirrored ${why} (${sim.state.phase}, ${sim.state.reason})`);
    };
    if (sim.halt) fail("while halted");
    if (sim.state.phase !== "default-pending") fail("in another phase");
    if (mirror.version === current) fail("to itself");
    if (product !== atHand(sim)) fail("out of turn");
    if (sim.runs.get(product)?.default.verdict !== "pass") fail("without a preflight");
    const open = mayMove({
      windows: sim.windows["office"] ?? null,
      windowName: null,
      freezes: sim.freezes,
      subject: { products: [product], labels: {}, cell: null, zone: "UTC" },
      atMs: sim.nowMs,
      memo,
    });
    if (!open.allowed) fail(`in a ${open.reason}`);
    else if (mirror.until === null || mirror.until > open.closesAtMs) fail("beyond its opening");
  }
}

describe("the mirroring before a default moves", () => {
  it(
    "never lets one through that was not measured, and ends whatever happens",
    { timeout: 120_000 },
    ({ expect }) => {
      const counts = new Map<string, number>();
      fc.assert(
        fc.property(fc.boolean(), fc.array(op, { minLength: 4, maxLength: 16 }), (approveBefore, ops) => {
          for (const word of live(approveBefore, ops)) counts.set(word, (counts.get(word) ?? 0) + 1);
        }),
        { numRuns: HISTORIES },
      );
      const words = ["begun", "moved", "passed", "failed", "too-few", "broken-off", "waived"];
      expect(words.filter((word) => !counts.has(word))).toEqual([]);
    },
  );
});
