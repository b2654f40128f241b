/** Moves that carry data, by scenario: what is held, called, moved, undone and left behind, as an operator would see it. */
import { describe, it } from "vitest";
import type { DataRule, HookCall } from "../../../src/contracts/move-data.ts";
import type { RolloutPlan } from "../../../src/contracts/rollout.ts";
import { previewReturn } from "../../../src/core/rollout/data/back.ts";
import { longestHoldMs } from "../../../src/core/rollout/data/times.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import { isTerminal } from "../../../src/core/rollout/state.ts";
import { SETTLE_TIMES } from "../../../src/contracts/move-data.ts";
import type { Fortune } from "../../support/data-hooks.ts";
import { DataWorld } from "../../support/data-world.ts";
import { account, crowd, FRIDAY, HOUR, MINUTE, NEW, OLD, onePlan } from "../../support/rollout-builders.ts";

const UNSEEN_MS = SETTLE_TIMES.unseenMs;
const ROUTE_ONLY: DataRule = { mixed: "never", migration: { kind: "none" } };
const FREELY: DataRule = { mixed: "ok", migration: { kind: "none" } };

function hooks(
  partial: Partial<{ kind: "perAccount" | "perCell"; undo: string | null; concurrency: number }> = {},
): DataRule {
  return {
    mixed: "never",
    migration: {
      kind: "perAccount",
      prepare: "https://hooks.example.net/prepare",
      verify: "https://hooks.example.net/verify",
      undo: "https://hooks.example.net/undo",
      timeoutSeconds: 5,
      concurrency: 10,
      ...partial,
    },
  };
}

const BAKE = { minutes: 600, requests: 0, workdays: 0 };

function world(of: {
  kiln?: DataRule;
  fogbugz?: DataRule;
  accounts?: ReturnType<typeof crowd>;
  plan?: Partial<RolloutPlan>;
}): DataWorld {
  const plan = { ...onePlan({ bake: BAKE }), ...of.plan };
  const rules = { kiln: of.kiln ?? hooks(), fogbugz: of.fogbugz ?? FREELY };
  return new DataWorld({ accounts: of.accounts ?? crowd(12), plan, rules });
}

type Teller = (index: number, call: HookCall) => Fortune;
const well: Teller = () => "ok";
/** Everybody is prepared and nobody verified. */
const halfway: Teller = (_, { step }) => (step === "verify" ? "later" : "ok");

/** Goes on, ten seconds at a time, until something is so. */
function until(of: DataWorld, done: () => boolean, tell: Teller = well): void {
  for (let round = 0; round < 4000; round += 1) {
    of.publish();
    for (let call = 0; call < 5; call += 1) {
      of.call(tell);
      of.tick(1000);
      of.deliver();
    }
    of.tick(5000);
    if (done()) return;
  }
  throw new Error(`it did not come to it: ${of.state.phase} (${of.state.reason})`);
}

const stage = (of: DataWorld): string | null => of.state.data?.batch?.stage ?? null;
const served = (of: DataWorld, version: string): number =>
  [...of.rows.keys()].filter((slug) => of.answer(of.last(), slug, "kiln") === version).length;
const publishes = (of: DataWorld): number => of.effects.filter(({ kind }) => kind === "publish").length;

describe("a move without a data rule that forbids mixing", () => {
  it("holds nobody and calls nobody", ({ expect }) => {
    const free = world({ kiln: FREELY });
    free.publish();
    expect(free.state).toMatchObject({ phase: "baking" });
    expect(free.state.data).toBeUndefined();
    expect(served(free, NEW.kiln)).toBe(12);
    expect(free.last().root.rollouts[0]).not.toHaveProperty("mixed");
    expect(free.effects.every(({ kind }) => kind !== "data")).toBe(true);
  });

  it("is for the pairs that are named: all others are never mixed", ({ expect }) => {
    const rule = (mixed: DataRule["mixed"]): DataRule => ({ mixed, migration: { kind: "none" } });
    expect(world({ kiln: rule({ [OLD.kiln]: "ok" }) }).state.phase).toBe("baking");
    expect(world({ kiln: rule({ "2.7.0": "ok" }) }).state).toMatchObject({ phase: "waiting", cause: "hold" });
  });
});

describe("a move between versions that must not mix", () => {
  it("holds all of it with one publish, switches with one, and holds known accounts alone", ({ expect }) => {
    const apart = world({ kiln: ROUTE_ONLY });
    expect(apart.state).toMatchObject({ phase: "waiting", cause: "hold" });
    until(apart, () => stage(apart) === "holding");
    const before = publishes(apart);
    apart.publish();
    expect(apart.held()).toHaveLength(12);
    const unknown = {
      root: apart.last().root,
      breakGlass: null,
      product: "kiln",
      slug: "nobody",
      row: null,
      override: null,
    };
    expect(decideVersion(unknown)).toMatchObject({ kind: "forward", version: OLD.kiln, reason: "default" });
    const heldMs = apart.nowMs;
    until(apart, () => stage(apart) === "releasing");
    expect(apart.nowMs - heldMs).toBeGreaterThanOrEqual(UNSEEN_MS);
    apart.publish();
    expect(publishes(apart)).toBe(before + 1);
    expect(served(apart, NEW.kiln)).toBe(12);
    until(apart, () => apart.state.phase === "baking");
    expect(apart.effects.every(({ kind }) => kind !== "data")).toBe(true);
    expect(apart.last().root.rollouts[0]?.mixed).toBe("never");
  });

  it("gives the hold up, and stops, when its generation does not get out", ({ expect }) => {
    const apart = world({ kiln: ROUTE_ONLY });
    until(apart, () => stage(apart) === "holding");
    apart.behind = () => 1;
    until(apart, () => apart.state.phase === "paused");
    expect(apart.state.reason).toContain("did not settle: 1 isolates report older maps");
    apart.publish();
    expect(served(apart, OLD.kiln)).toBe(12);
  });
});

describe("a move that migrates", () => {
  it("moves 1,990 of 2,000 accounts where 7 hooks fail and 3 hang, and holds nobody longer than its bound", ({
    expect,
  }) => {
    const accounts = Array.from({ length: 2000 }, (_, index) => account(`account-${index}`));
    const rule = hooks({ concurrency: 50 });
    const many = world({
      kiln: rule,
      accounts,
      plan: { data: { batch: 500, maxFailures: null, maxHoldMs: 20 * MINUTE } },
    });
    const bad = new Set(Array.from({ length: 10 }, (_, index) => `account-${index * 150}`));
    const hangs = new Set([...bad].slice(7));
    until(
      many,
      () => many.state.phase === "baking",
      (_, { step, body }) => {
        const slug = body.accounts[0] ?? "";
        if (step === "undo" || !bad.has(slug)) return "ok";
        return hangs.has(slug) ? "lost" : "half";
      },
    );
    many.publish();
    expect(served(many, NEW.kiln)).toBe(1990);
    expect(served(many, OLD.kiln)).toBe(10);
    expect(many.left).toEqual(new Map([...bad].map((slug) => [slug, "left"])));
    expect(many.broken(UNSEEN_MS)).toBeNull();
    expect(many.network.origin.prepared).toBe(1997);
    const { migration } = rule;
    if (migration.kind === "none") throw new Error("it migrates");
    const bound = longestHoldMs({ kiln: migration }, 500, SETTLE_TIMES);
    expect(many.state.data?.longestHoldMs).toBeLessThan(bound);
    // One publish for each hold and one for each switch, and the start.
    expect(publishes(many)).toBe(1 + 2 * (many.state.data?.batches ?? 0));
  });

  it("calls a hook by the cell once for each cell and step, and lets a cell fail as one", ({ expect }) => {
    const accounts = crowd(12).map((one, index) => ({ ...one, cell: index % 2 === 0 ? "east" : "west" }));
    const cells = world({ kiln: hooks({ kind: "perCell" }), accounts });
    const called: string[] = [];
    until(
      cells,
      () => cells.state.phase === "paused" && stage(cells) === null,
      (_, { step, body }) => {
        called.push(`${body.cell ?? ""} ${step} ${body.accounts.length}`);
        return body.cell === "west" && step === "verify" ? "fail" : "ok";
      },
    );
    // Six accounts failed, more than the five that a small wave bears: it stops, and nobody is left half way.
    expect(called.sort()).toEqual(
      [
        "east prepare 6",
        "east verify 6",
        "east undo 6",
        "west prepare 6",
        "west verify 6",
        "west undo 6",
      ].sort(),
    );
    expect(cells.state.reason).toContain("6 accounts failed to migrate, more than 5");
    cells.publish();
    expect(served(cells, OLD.kiln)).toBe(12);
    expect([...cells.left.values()]).toEqual(Array.from({ length: 6 }, () => "left"));
  });

  it("undoes and gives back what a pause interrupts, and moves it when it goes on", ({ expect }) => {
    const paused = world({});
    until(paused, () => paused.network.origin.prepared === 12, halfway);
    paused.tell({ kind: "pause", reason: "lunch" });
    expect(stage(paused)).toBe("calling-off");
    until(paused, () => stage(paused) === null);
    expect(paused.state.phase).toBe("paused");
    expect(paused.network.origin.undone).toBe(12);
    paused.publish();
    expect(served(paused, OLD.kiln)).toBe(12);
    expect(paused.left.size).toBe(0);
    paused.tell({ kind: "resume", again: false });
    until(paused, () => paused.state.phase === "baking");
    expect(served(paused, NEW.kiln)).toBe(12);
    expect(paused.network.origin.faults).toEqual([]);
  });

  it("finishes what it cannot undo, and then stays paused", ({ expect }) => {
    const oneWay = world({ kiln: hooks({ undo: null }) });
    until(oneWay, () => oneWay.network.origin.prepared === 12, halfway);
    oneWay.tell({ kind: "pause", reason: "lunch" });
    until(oneWay, () => stage(oneWay) === null);
    expect(oneWay.state.phase).toBe("paused");
    expect(served(oneWay, NEW.kiln)).toBe(12);
  });

  it("holds by name whoever's undo is not confirmed, lets the others go, and lifts that hold when it is", ({
    expect,
  }) => {
    const hurt = world({});
    const silent: Teller = (_, { step, body }) => {
      if (body.accounts[0] !== "account-3") return "ok";
      return step === "prepare" ? "half" : "lost";
    };
    until(hurt, () => hurt.state.phase === "baking", silent);
    expect(hurt.held()).toEqual(["account-3"]);
    expect(hurt.last().rows.get("account-3")?.hold).toMatchObject({ mode: "page" });
    expect(served(hurt, NEW.kiln)).toBe(11);
    expect(hurt.effects).toContainEqual(expect.objectContaining({ kind: "notify", level: "page" }));
    until(hurt, () => hurt.held().length === 0);
    expect(hurt.answer(hurt.last(), "account-3", "kiln")).toBe(OLD.kiln);
    expect(hurt.broken(UNSEEN_MS)).toBeNull();
  });

  it("begins only what can end in its window, and gives back what a freeze forbids meanwhile", ({
    expect,
  }) => {
    const night = { name: "night", own: null };
    const windows = { night: [{ days: ["fri" as const], from: "13:00", to: "13:07", zone: "UTC" }] };
    const plan = onePlan({ window: night, bake: BAKE });
    const short = world({ plan });
    short.windows = windows;
    until(short, () => short.nowMs > FRIDAY + 62 * MINUTE);
    expect(short.state.reason).toContain("what is left of the window does not suffice");
    short.windows = { night: [{ days: ["fri"], from: "13:00", to: "15:00", zone: "UTC" }] };
    until(
      short,
      () => stage(short) === "calling",
      () => "lost",
    );
    short.freezes = [
      { name: "sale", from: "2026-11-27", to: "2026-11-27", zone: "UTC", scope: {}, reason: "r" },
    ];
    until(short, () => stage(short) === null);
    short.publish();
    expect(served(short, OLD.kiln)).toBe(12);
    expect(short.state).toMatchObject({ phase: "waiting", cause: "freeze" });
    short.freezes = [];
    until(short, () => short.state.phase === "baking");
    expect(short.nowMs).toBeLessThan(FRIDAY + 3 * HOUR);
  });

  it("halves its batches while not everybody can be called in time", ({ expect }) => {
    const slow = world({ kiln: hooks({ concurrency: 1 }) });
    // One call is answered each round, and a round takes long.
    for (let round = 0; round < 400 && slow.state.phase !== "baking"; round += 1) {
      slow.publish();
      slow.call(well);
      slow.tick(1000);
      slow.deliver();
      slow.tick(40_000);
    }
    expect(slow.state.phase).toBe("baking");
    expect(slow.left.size).toBe(0);
    expect(slow.broken(UNSEEN_MS)).toBeNull();
  });
});

describe("going back with data", () => {
  function moved(of: Parameters<typeof world>[0]): DataWorld {
    const there = world(of);
    until(there, () => there.state.phase === "baking");
    return there;
  }
  const back = {
    kind: "rollback",
    scope: { kind: "all" },
    reason: "slow",
    confirmed: false,
    paceBpPerMinute: null,
  } as const;

  it("holds, undoes, and answers by the old version again", ({ expect }) => {
    const there = moved({});
    expect(there.tell(back)).toBe(true);
    there.publish();
    expect(there.held()).toHaveLength(12);
    until(there, () => isTerminal(there.state));
    expect(there.state.phase).toBe("rolled-back");
    there.publish();
    expect(served(there, OLD.kiln)).toBe(12);
    expect(there.network.origin.undone).toBe(12);
    expect(there.broken(UNSEEN_MS)).toBeNull();
  });

  it("at a pace asks for nothing more in the same instant, whoever asks it again", ({ expect }) => {
    const there = moved({});
    // Two thousandths a minute: a step mostly has nobody in it.
    expect(there.tell({ ...back, paceBpPerMinute: 20 })).toBe(true);
    const { step } = there.state;
    for (let again = 0; again < 3; again += 1) there.tick(0);
    expect(there.state.step).toBe(step);
    for (let round = 0; round < 2000 && !isTerminal(there.state); round += 1) {
      there.publish();
      there.call(well);
      there.tick(1000);
      there.deliver();
      there.tick(59_000);
    }
    expect(there.state.phase).toBe("rolled-back");
    there.publish();
    expect(served(there, OLD.kiln)).toBe(12);
    expect(there.broken(UNSEEN_MS)).toBeNull();
  });

  it("keeps on the new version, by name, whoever cannot be undone and is whole there", ({ expect }) => {
    const there = moved({});
    there.tell(back);
    const locked: Teller = (_, { step, body }) =>
      step === "undo" && body.accounts[0] === "account-5" ? "fail" : "ok";
    until(there, () => isTerminal(there.state), locked);
    there.publish();
    expect(served(there, NEW.kiln)).toBe(1);
    expect([...there.left]).toEqual([["account-5", "kept"]]);
    expect(there.broken(UNSEEN_MS)).toBeNull();
  });

  it("asks for a confirmation where a version declares no undo, and touches no data then", ({ expect }) => {
    const there = moved({ kiln: hooks({ undo: null }) });
    expect(there.tell(back)).toBe(false);
    const calls = there.network.origin.calls;
    expect(there.tell({ ...back, confirmed: true })).toBe(true);
    until(there, () => isTerminal(there.state));
    there.publish();
    expect(served(there, OLD.kiln)).toBe(12);
    expect(there.network.origin.calls).toBe(calls);
  });

  it("asks for it as well while nobody has moved, but a batch can only go on to its end", ({ expect }) => {
    const lasting = world({ kiln: hooks({ undo: null }) });
    until(lasting, () => stage(lasting) === "calling", halfway);
    expect(served(lasting, NEW.kiln)).toBe(0);
    const back = { kind: "rollback", scope: { kind: "all" }, reason: "r", paceBpPerMinute: null } as const;
    expect(lasting.tell({ ...back, confirmed: false })).toBe(false);
    expect(lasting.tell({ ...back, confirmed: true })).toBe(true);
    const undoable = world({});
    until(undoable, () => stage(undoable) === "calling", halfway);
    expect(undoable.tell({ ...back, confirmed: false })).toBe(true);
  });

  it("says beforehand who would stay: pairs that would not fit, and accounts without a way back", ({
    expect,
  }) => {
    const there = moved({ kiln: hooks() });
    const returning = [...there.rows.values()].map(({ slug, group, homes }) => ({ slug, group, homes }));
    const odd = returning.map((one) =>
      one.slug === "account-1" ? { ...one, homes: { kiln: NEW.kiln, fogbugz: OLD.fogbugz } } : one,
    );
    const question = {
      state: there.state,
      frozen: there.frozen.groups,
      facts: there.facts,
      atMs: there.nowMs,
      confirmed: false,
    };
    expect(previewReturn({ kind: "all" }, { ...question, accounts: returning })).toEqual({
      back: 12,
      stay: [],
    });
    const paired = previewReturn({ kind: "all" }, { ...question, accounts: odd });
    expect(paired).toMatchObject({ back: 11, stay: [{ account: "account-1", kind: "pair" }] });
    const staff = previewReturn(
      { kind: "where", where: { cohort: "internal" } },
      { ...question, accounts: returning },
    );
    expect(staff).toEqual({ back: 2, stay: [] });
    const shut = moved({ kiln: hooks({ undo: null }) });
    const oneWay = previewReturn(
      { kind: "all" },
      { ...question, state: shut.state, facts: shut.facts, accounts: returning },
    );
    expect(oneWay.back).toBe(0);
    expect(oneWay.stay[0]).toMatchObject({
      kind: "one-way",
      why: `kiln ${NEW.kiln} migrates data and declares no undo`,
    });
  });
});
