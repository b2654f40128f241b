/** The parts of moves that carry data: units and calls, times, settling, groups while a batch is held, forecast, maps. */
import { describe, it } from "vitest";
import { SETTLE_TIMES, type CallTerms, type Hooks, type Member } from "../../../src/contracts/move-data.ts";
import { mayAnswer } from "../../../src/core/fresh-maps.ts";
import { decodeRoot, encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { answered, callOff, elapse, sent } from "../../../src/core/rollout/data/calls.ts";
import { dueCalls, nextCallMs } from "../../../src/core/rollout/data/due-calls.ts";
import { settlingOf } from "../../../src/core/rollout/data/settled.ts";
import { failureLimit, freshData, withoutAccounts } from "../../../src/core/rollout/data/state.ts";
import { batchSize, callMs, holdMs, longestHoldMs, undoMs } from "../../../src/core/rollout/data/times.ts";
import { heldRanges, isHeld, outcomes, planUnits, reportOf } from "../../../src/core/rollout/data/units.ts";
import { bucketOf } from "../../../src/core/bucket.ts";
import { admitLate, freshColumns, lateVariant, splitGroup } from "../../../src/core/rollout/groups.ts";
import { freeze } from "../../../src/core/rollout/freeze.ts";
import { forecast } from "../../../src/core/rollout/plan.ts";
import { checkPlan } from "../../../src/core/rollout/plan-check.ts";
import { rootRollout } from "../../../src/core/rollout/root-rollout.ts";
import { createRollout } from "../../../src/core/rollout/state.ts";
import { root, row } from "../../support/maps-builders.ts";
import {
  crowd,
  facts,
  FRIDAY,
  memo,
  MINUTE,
  NEW,
  NIGHTS,
  OLD,
  onePlan,
} from "../../support/rollout-builders.ts";

const HOOKS: Hooks = {
  prepare: "https://h/prepare",
  verify: "https://h/verify",
  undo: "https://h/undo",
  timeoutSeconds: 10,
  concurrency: 2,
};
const PER_ACCOUNT = { ...HOOKS, kind: "perAccount" } as const;
const TERMS: CallTerms = {
  rollout: "autumn",
  batch: 3,
  hooks: { kiln: PER_ACCOUNT },
  callUntilMs: 200_000,
  undoUntilMs: 300_000,
};
const PLAN = { hooks: TERMS.hooks, direction: "forward", targets: NEW } as const;

function member(slug: string, partial: Partial<Member> = {}): Member {
  return { slug, cell: null, homes: OLD, kept: null, ...partial };
}

describe("units of a batch", () => {
  it("are one for an account, or one for a cell and the version it comes from", ({ expect }) => {
    const two = planUnits([member("a"), member("b", { homes: NEW }), member("c", { kept: "pinned" })], PLAN);
    expect(two.map(({ unit, fate }) => [unit, fate])).toEqual([
      ["account:a", "open"],
      ["account:b", "ready"],
      ["account:c", "left"],
    ]);
    const hooks = { kiln: { ...HOOKS, kind: "perCell" }, fogbugz: PER_ACCOUNT } as const;
    const east = ["a", "b"].map((slug) => member(slug, { cell: "east" }));
    const older = member("c", { cell: "east", homes: { ...OLD, kiln: "2.7.0" } });
    const cells = planUnits([...east, older], { ...PLAN, hooks });
    expect(cells.map(({ unit, accounts, runs }) => [unit, accounts, runs.length])).toEqual([
      ["cell:east:kiln@2.7.0", ["c"], 2],
      ["cell:east:kiln@2.8.0", ["a", "b"], 3],
    ]);
  });

  it("are called no more at once than hooks bear, first tries before second ones, with a key that stays", ({
    expect,
  }) => {
    let units = planUnits(
      ["a", "b", "c"].map((slug) => member(slug)),
      PLAN,
    );
    const first = dueCalls(units, TERMS, 0);
    expect(first.map(({ unit }) => unit)).toEqual(["account:a", "account:b"]);
    expect(first[0]?.body).toMatchObject({
      key: "autumn/account:a/kiln/prepare/3",
      fence: 3,
      accounts: ["a"],
    });
    units = units.map((unit) =>
      first.reduce((to, call) => (call.unit === unit.unit ? sent(to, call, 0) : to), unit),
    );
    expect(dueCalls(units, TERMS, 5000)).toEqual([]);
    expect(nextCallMs(units, TERMS, 5000)).toBe(15_000);
    units = units.map((unit) => elapse(unit, TERMS, 15_000));
    expect(nextCallMs(units, TERMS, 15_000)).toBe(15_000);
    expect(dueCalls(units, TERMS, 16_000).map(({ unit, attempt }) => [unit, attempt])).toEqual([
      ["account:c", 1],
      ["account:a", 2],
    ]);
    expect(dueCalls(units, TERMS, 16_000)[1]?.body.key).toBe(first[0]?.body.key);
    // Nothing is begun that could not be answered in time.
    expect(dueCalls(units, TERMS, 195_000)).toEqual([]);
  });

  it("take a late yes, and nothing else that is late", ({ expect }) => {
    const [unit] = planUnits([member("a")], PLAN);
    if (unit === undefined) throw new Error("no unit");
    const call = { run: 0, step: "prepare", attempt: 1 } as const;
    const silent = elapse(sent(unit, call, 0), TERMS, 15_000);
    const at = { terms: TERMS, nowMs: 20_000 };
    expect(answered(silent, { ...call, answer: { kind: "failed", why: "x" } }, at)).toEqual(silent);
    expect(answered(silent, { ...call, answer: { kind: "done" } }, at).stage).toBe("verify");
    const back = callOff(silent, "pause", at);
    expect(back).toMatchObject({ stage: "undo", calledOff: true });
    expect(answered(back, { ...call, answer: { kind: "done" } }, at)).toMatchObject({
      stage: "undo",
      fate: "open",
    });
  });

  it("are not undone while a call that was sent may still be at work", ({ expect }) => {
    const [unit] = planUnits([member("a")], PLAN);
    if (unit === undefined) throw new Error("no unit");
    const call = { run: 0, step: "prepare", attempt: 1 } as const;
    const back = callOff(sent(unit, call, 0), "pause", { terms: TERMS, nowMs: 5000 });
    expect(dueCalls([back], TERMS, 5000)).toEqual([]);
    const heard = answered(back, { ...call, answer: { kind: "done" } }, { terms: TERMS, nowMs: 6000 });
    expect(dueCalls([heard], TERMS, 6000).map(({ step }) => step)).toEqual(["undo"]);
    const gone = elapse(back, TERMS, 15_000);
    expect(dueCalls([gone], TERMS, 15_000).map(({ step }) => step)).toEqual(["undo"]);
  });

  it("stay on the new version only where every undo said no: silence is nobody's word", ({ expect }) => {
    const fateAfter = (silences: number): string => {
      let [unit] = planUnits([member("a")], { ...PLAN, direction: "back" });
      if (unit === undefined) throw new Error("no unit");
      let nowMs = 0;
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const at = { run: 0, step: "undo", attempt } as const;
        unit = sent(unit, at, nowMs);
        nowMs += 15_000;
        const no = { kind: "failed", why: "no" } as const;
        unit =
          attempt <= silences
            ? elapse(unit, TERMS, nowMs)
            : answered(unit, { ...at, answer: no }, { terms: TERMS, nowMs: nowMs - 10_000 });
      }
      if (unit.stage !== "verify") return unit.fate;
      const verify = { run: 0, step: "verify", attempt: 1 } as const;
      const asked = sent(unit, verify, nowMs);
      return answered(asked, { ...verify, answer: { kind: "done" } }, { terms: TERMS, nowMs: nowMs + 1 })
        .fate;
    };
    expect([0, 1].map(fateAfter)).toEqual(["kept", "stuck"]);
  });

  it("tell the engine in accounts, and say why whoever stays behind does", ({ expect }) => {
    const units = planUnits([member("a"), member("b", { kept: "pinned" })], PLAN);
    expect(reportOf(3, units, false)).toMatchObject({ batch: 3, accounts: 2, fates: { open: 1, left: 1 } });
    expect(outcomes(units)).toEqual([{ account: "b", fate: "left", why: "pinned" }]);
  });
});

describe("times of a batch", () => {
  const hooks = { kiln: PER_ACCOUNT };

  it("add up every call taking its whole time-out", ({ expect }) => {
    expect(callMs(hooks, 10)).toBe(5 * 10_000 * 2 + 60_000);
    expect(undoMs(hooks, 10)).toBe(10_000 + 5 * 10_000 + 60_000);
    expect(holdMs(hooks, 10, SETTLE_TIMES)).toBe(180_000 + 160_000 + 120_000 + 150_000);
    expect(longestHoldMs({}, 10, SETTLE_TIMES)).toBe(360_000);
  });

  it("bound the size of a batch by the longest hold, by the window, and by the plan", ({ expect }) => {
    const size = (leftMs: number, data: Parameters<typeof batchSize>[0]["data"]): number =>
      batchSize(data === undefined ? {} : { data }, hooks, { leftMs, settle: SETTLE_TIMES });
    const free = size(Infinity, undefined);
    expect(callMs(hooks, free) + undoMs(hooks, free)).toBeLessThanOrEqual(20 * MINUTE);
    expect(callMs(hooks, free + 1) + undoMs(hooks, free + 1)).toBeGreaterThan(20 * MINUTE);
    expect(size(Infinity, { maxFailures: null, batch: 7, maxHoldMs: 20 * MINUTE })).toBe(7);
    expect(size(holdMs(hooks, 4, SETTLE_TIMES), undefined)).toBe(4);
    expect(size(holdMs(hooks, 1, SETTLE_TIMES) - 1, undefined)).toBe(0);
    expect(size(Infinity, { maxFailures: null, batch: null, maxHoldMs: 2 * MINUTE })).toBe(0);
  });

  it("count settling from when KV has it: at the least time with reports, at the longest without", ({
    expect,
  }) => {
    const fact = { step: 5, atMs: 1000, generation: 9, behind: null };
    const at = (nowMs: number, partial: object = {}): string =>
      settlingOf({ ...fact, ...partial }, { step: 5, sinceMs: 0, nowMs }, SETTLE_TIMES).kind;
    expect(at(1000 + SETTLE_TIMES.leastMs - 1, { behind: 0 })).toBe("settling");
    expect(at(1000 + SETTLE_TIMES.leastMs, { behind: 0 })).toBe("settled");
    expect(at(1000 + SETTLE_TIMES.unseenMs - 1)).toBe("settling");
    expect(at(1000 + SETTLE_TIMES.unseenMs)).toBe("settled");
    expect(at(10 ** 7, { behind: 2 })).toBe("settling");
    expect(at(10 ** 7, { step: 4 })).toBe("settling");
    expect(at(10 ** 7, { atMs: null })).toBe("settling");
  });
});

describe("groups while a batch is held", () => {
  function held(): {
    state: ReturnType<typeof createRollout>;
    groups: NonNullable<ReturnType<typeof frozenOf>>;
  } {
    const groups = frozenOf();
    const state = { ...createRollout(onePlan(), "salt", 0), phase: "shifting" as const };
    const columns = freshColumns(groups);
    const data = freshData(true, 1);
    return { state: { ...state, data, groups: { ...columns, held: columns.moved.map(() => 5000) } }, groups };
  }
  function frozenOf(): readonly import("../../../src/contracts/rollout.ts").FrozenGroup[] {
    let next = 0;
    const numberOf = (): number => next++;
    const options = {
      plan: onePlan(),
      salt: "salt",
      nowMs: 0,
      facts: facts(),
      freezes: [],
      again: false,
      numberOf,
    };
    const frozen = freeze(crowd(40), options);
    if (!frozen.ok) throw new Error("too many groups");
    return frozen.value.groups;
  }

  it("are in the maps with the hold, and say that edges need fresh maps", ({ expect }) => {
    const { state, groups } = held();
    const published = rootRollout(state, groups.length);
    expect(published?.held).toEqual(groups.map(() => 5000));
    expect(published?.mixed).toBe("never");
    const text = encodeRoot(root({ rollouts: published === null ? [] : [published] }));
    const read = decodeRoot(text);
    expect(read.ok && read.value.rollouts[0]).toEqual(published);
    const odd = root({ rollouts: [{ ...published, mixed: "ok" } as never] });
    expect(decodeRoot(encodeRoot(odd))).toMatchObject({ ok: false, error: { fault: "shape" } });
  });

  it("know who is on the way", ({ expect }) => {
    const { state } = held();
    expect(heldRanges(state)[0]).toEqual({ group: state.groups.number[0], from: 0, to: 5000 });
    const slug = "account-0";
    expect(isHeld(state, { slug, group: state.groups.number[0] ?? 0 })).toBe(bucketOf("salt", slug) < 5000);
    expect(isHeld(state, { slug, group: 99 })).toBe(false);
  });

  it("keep the hold when they are cut, and let nobody join", ({ expect }) => {
    const { state, groups } = held();
    const from = state.groups.number[0] ?? 0;
    const split = { group: 77, variant: "x", labels: null, buckets: new Uint16Array(0) };
    const cut = splitGroup(state, groups, { from, split });
    expect(cut.state.groups.held?.at(-1)).toBe(5000);
    const late = {
      ...split,
      cohort: "general",
      zone: "UTC",
      window: null,
      cell: null,
      group: 78,
      variant: lateVariant(state, groups),
    };
    const admitted = admitLate(state, groups, late);
    expect(admitted.state.groups.held?.at(-1)).toBe(0);
    const raised = {
      ...admitted.state,
      groups: { ...admitted.state.groups, held: admitted.state.groups.held?.map(() => 5000) ?? [] },
    };
    expect(lateVariant(raised, admitted.frozen)).not.toBe(late.variant);
    expect(() => admitLate(raised, admitted.frozen, late)).toThrow("has moved");
  });

  it("lose whom a batch left behind, and nobody else", ({ expect }) => {
    const [group] = held().groups;
    if (group === undefined) throw new Error("no group");
    const [first, second] = group.buckets;
    const left = withoutAccounts(
      [group],
      [
        { group: group.group, bucket: second ?? 0 },
        { group: group.group, bucket: 1 },
        { group: 99, bucket: first ?? 0 },
      ],
    );
    expect(left[0]?.buckets.length).toBe(group.buckets.length - 1);
    expect(left[0]?.buckets[0]).toBe(first);
  });

  it("bear failures by the size of the wave", ({ expect }) => {
    const of = (accounts: number): number => {
      const { state, groups } = held();
      const [group] = groups;
      if (group === undefined) throw new Error("no group");
      const waves = state.waves.map((wave) => ({ ...wave, threshold: 10_000 }));
      const one = { ...group, buckets: new Uint16Array(accounts) };
      return failureLimit({ ...state, waves, groups: freshColumns([one]) }, [one]);
    };
    expect([100, 2000, 10_000, 1_000_000].map(of)).toEqual([5, 20, 20, 2000]);
  });
});

describe("a plan with data to move", () => {
  const migration = { kind: "perAccount", ...HOOKS } as const;
  const world = facts({ kiln: { data: { mixed: "never", migration } } });
  const question = (window: Parameters<typeof onePlan>[0]): ReturnType<typeof forecast> => {
    const plan = onePlan(window);
    let next = 0;
    const numberOf = (): number => next++;
    const options = { plan, salt: "salt", nowMs: FRIDAY, facts: world, freezes: [], again: false, numberOf };
    const frozen = freeze(crowd(120), options);
    if (!frozen.ok) throw new Error("too many groups");
    const calendar = { windows: { nights: NIGHTS }, freezes: [], memo };
    return forecast({ plan, frozen: frozen.value, facts: world, startMs: FRIDAY, calendar, beforeMs: null });
  };

  it("counts the time of holds, batch after batch", ({ expect }) => {
    const [wave] = question({}).waves;
    const size = wave?.hold?.accounts ?? 0;
    expect(size).toBeGreaterThan(0);
    const batches = Math.ceil(120 / size);
    const least = batches * (SETTLE_TIMES.unseenMs + callMs({ kiln: migration }, 1));
    expect((wave?.shiftedMs ?? 0) - FRIDAY).toBeGreaterThan(least);
    expect(wave?.warnings[0]).toMatch(
      /held while they move, \d+ at once at most, each for up to \d+ minutes/,
    );
  });

  it("plans nothing that would not end in its window, and says never where no window is long enough", ({
    expect,
  }) => {
    const nights = question({ window: { name: "nights", own: null } });
    expect(nights.waves[0]?.shiftedMs).not.toBeNull();
    const own = [{ days: ["fri" as const], from: "22:00", to: "22:05", zone: "account" }];
    expect(question({ window: { name: null, own } }).waves[0]?.shiftedMs).toBeNull();
  });

  it("is refused where hooks do not fit into the longest hold at all", ({ expect }) => {
    const slow = facts({
      kiln: { data: { mixed: "never", migration: { ...migration, timeoutSeconds: 600 } } },
    });
    const found = (of: typeof world): readonly string[] =>
      checkPlan(onePlan(), {
        nowMs: FRIDAY,
        facts: of,
        windows: {},
        cohorts: ["general", "internal"],
      }).problems.map(({ message }) => message);
    expect(found(world)).toEqual([]);
    expect(found(slow)).toEqual([expect.stringContaining("its hooks may take 2520 s for one account")]);
  });
});

describe("maps that may answer", () => {
  const running = { id: "autumn", salt: "s", targets: { kiln: NEW.kiln }, moved: [0], held: [0] };
  const ask = (partial: object, mixed = true): boolean =>
    mayAnswer({
      root: root({ rollouts: [mixed ? { ...running, mixed: "never" } : running] }),
      product: "kiln",
      row: row({ group: 0 }),
      rowIsStale: false,
      ageMs: 60_000,
      freshMs: 60_000,
      ...partial,
    });

  it("must be fresh for accounts of a rollout whose versions must not mix, and for nobody else", ({
    expect,
  }) => {
    expect(ask({})).toBe(true);
    expect(ask({ ageMs: 60_001 })).toBe(false);
    expect(ask({ ageMs: null })).toBe(false);
    expect(ask({ rowIsStale: true })).toBe(false);
    expect(ask({ ageMs: null, row: null })).toBe(true);
    expect(ask({ ageMs: null, row: row({ group: -1 }) })).toBe(true);
    expect(ask({ ageMs: null, product: "fogbugz" })).toBe(true);
    expect(ask({ ageMs: null, rowIsStale: true }, false)).toBe(true);
  });
});
