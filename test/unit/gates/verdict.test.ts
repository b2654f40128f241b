/** What a gate says and wants done, told as the stories an operator would tell. Design §5.2. */
import { describe, it } from "vitest";
import type { GateInput } from "../../../src/contracts/gate.ts";
import { judgeGate, worstVerdict } from "../../../src/core/gates/verdict.ts";
import {
  alike,
  blocks,
  BOUNDS_MS,
  failing,
  gateInput,
  latencyAt,
  NOW_MS,
  policyOf,
  sideOf,
} from "../../support/gate-builders.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

function signal(changes: Partial<GateInput["signals"][number]> = {}): GateInput["signals"][number] {
  return {
    name: "checkout",
    source: "probe-farm",
    verdict: "pass",
    reason: "all orders went through",
    atMs: NOW_MS - MINUTE_MS,
    expiresMs: NOW_MS + HOUR_MS,
    ...changes,
  };
}

describe("judgeGate, error rate", () => {
  it("passes a version that is as good as before, with the bounds it rests on", ({ expect }) => {
    const verdict = judgeGate(gateInput());
    expect(verdict).toMatchObject({
      verdict: "pass",
      cause: "fine",
      action: null,
      notify: null,
      missing: [],
    });
    expect(verdict.errors.increase?.upper).toBeLessThan(0.01);
    expect(verdict.sentence).toMatch(
      /^kiln 2\.9\.0: moved accounts fail 1 % of 30,000 requests \(60 accounts\)/,
    );
  });

  it("fails when moved accounts fail five percent and the others one, and does what the plan says", ({
    expect,
  }) => {
    const verdict = judgeGate(gateInput({ moved: sideOf(alike(60, 100, 0.05)) }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "errors", action: "rollback", notify: "page" });
    expect(verdict.errors.increase?.lower).toBeGreaterThan(0.01);
    expect(verdict.sentence).toContain("points more than not moved ones, where +1 are tolerated");
  });

  it("does not fail a version without a failure because the others have mended what used to fail", ({
    expect,
  }) => {
    const mended = sideOf(alike(90, 500, 0, 0.05));
    const verdict = judgeGate(gateInput({ moved: sideOf(alike(60, 500, 0)), notMoved: mended }));
    expect(verdict.errors.increase?.estimate).toBe(0);
    expect(verdict.verdict).toBe("pass");
  });

  it("says nothing about three requests, and what is missing", ({ expect }) => {
    const verdict = judgeGate(gateInput({ moved: sideOf(alike(3, 1, 1, 0)) }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", cause: "too-little", action: "hold" });
    expect(verdict.planMayAdvance).toBe(true);
    expect(verdict.missing.slice(0, 2)).toMatchObject([
      { what: "accounts", have: 3, need: 20, sentence: "3 of 20 moved accounts with traffic" },
      { what: "requests", have: 3, need: 300, sentence: "3 of 300 requests of moved accounts" },
    ]);
  });

  it("counts probes towards the minimum of requests, never towards accounts", ({ expect }) => {
    const few = { moved: sideOf(alike(25, 8, 0, 0)), synthetic: { requests: 200, failures: 0 } };
    expect(judgeGate(gateInput(few)).parts[0]?.cause).toBe("undecided");
    expect(judgeGate(gateInput({ ...few, moved: sideOf(alike(5, 40, 0, 0)) })).parts[0]?.cause).toBe(
      "too-little",
    );
  });

  it("tells how many requests would decide while the bounds do not", ({ expect }) => {
    const verdict = judgeGate(gateInput({ moved: sideOf(alike(30, 50, 0.02, 0.02)) }));
    const [precision] = verdict.missing;
    expect(verdict.cause).toBe("undecided");
    expect(precision).toMatchObject({ what: "precision", have: 1500 });
    expect(precision?.need).toBeGreaterThan(1500);
    // The promise is kept: with twice that many requests at the same rates it is decided.
    const more = Math.ceil((2 * (precision?.need ?? 0)) / 30);
    expect(judgeGate(gateInput({ moved: sideOf(alike(30, more, 0.02, 0.02)) })).verdict).toBe("pass");
  });

  it("is neither stopped nor calmed by one account with most of the requests", ({ expect }) => {
    const whale = { requests: 50_000, failures: 25_000, pastShare: 0.01 };
    const loud = judgeGate(gateInput({ moved: sideOf([whale, ...alike(60, 300, 0.01)]) }));
    expect(loud.parts[0]?.verdict).not.toBe("fail");
    const silent = { requests: 50_000, failures: 0, pastShare: 0.01 };
    const hidden = judgeGate(gateInput({ moved: sideOf([silent, ...alike(60, 300, 0.06)]) }));
    expect(hidden.parts[0]?.verdict).toBe("fail");
  });

  it("does not hold a cohort's own habits against the version", ({ expect }) => {
    const usual = judgeGate(gateInput({ moved: sideOf(alike(60, 500, 0.05, 0.05)) }));
    expect(usual.verdict).toBe("pass");
    const better = judgeGate(gateInput({ moved: sideOf(alike(60, 500, 0.05, 0.01)) }));
    expect(better.verdict).toBe("fail");
  });

  it("compares with the own past once nobody is left to compare with", ({ expect }) => {
    const gone = { notMoved: sideOf([]), latency: { ...gateInput().latency, past: latencyAt(200) } };
    expect(judgeGate(gateInput(gone))).toMatchObject({ verdict: "pass", errors: { against: "own-past" } });
    const worse = judgeGate(gateInput({ ...gone, moved: sideOf(alike(60, 500, 0.05)) }));
    expect(worse.verdict).toBe("fail");
    expect(worse.sentence).toContain("than in their own past");
    const unknown = judgeGate(gateInput({ ...gone, past: "none" }));
    expect(unknown).toMatchObject({ verdict: "inconclusive", cause: "nothing-to-compare" });
    expect(unknown.missing[0]).toMatchObject({ what: "not-moved-accounts", have: 0, need: 20 });
  });
});

describe("judgeGate, few accounts", () => {
  it("knows nothing of a version from one account, and keeps its numbers finite", ({ expect }) => {
    const one = sideOf(alike(1, 50_000, 0.5));
    const verdict = judgeGate(gateInput({ policy: policyOf({ minAccounts: 1 }), moved: one }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", cause: "nothing-to-compare" });
    expect(verdict.errors.increase).toBeNull();
    expect(verdict.missing[0]).toMatchObject({ what: "accounts", have: 1, need: 2 });
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  });
});

describe("judgeGate, measuring", () => {
  it("takes silence for silence: no report is neither health nor failure", ({ expect }) => {
    const measurement = { newestMs: null, flushes: 0, lost: 0, staleShare: 0 };
    const verdict = judgeGate(gateInput({ moved: sideOf([]), measurement }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", cause: "not-measured", planMayAdvance: false });
    expect(verdict.sentence).toContain("no edge has reported since the accounts moved");
  });

  it("does not pass while reports are old, lost, or from before the move", ({ expect }) => {
    const well = gateInput().measurement;
    for (const [trouble, words] of [
      [{ newestMs: NOW_MS - 10 * MINUTE_MS }, "no edge has reported for 10 minutes"],
      [{ lost: 100 }, "9.09 % of the reports were lost"],
      [{ staleShare: 0.2 }, "20 % of the requests were still decided under maps from before the move"],
    ] as const) {
      const verdict = judgeGate(gateInput({ measurement: { ...well, ...trouble } }));
      expect(verdict).toMatchObject({ verdict: "inconclusive", cause: "not-measured", notify: "ticket" });
      expect(verdict.sentence).toContain(words);
    }
  });

  it("lets a failure stand that was proven before the silence, and one that no lost report could undo", ({
    expect,
  }) => {
    const bad = { moved: sideOf(alike(60, 300, 0.5)) };
    const silent = { newestMs: NOW_MS - HOUR_MS, flushes: 100, lost: 0, staleShare: 0 };
    expect(judgeGate(gateInput({ ...bad, measurement: silent })).verdict).toBe("fail");
    const holes = { ...silent, newestMs: NOW_MS, lost: 10 };
    expect(judgeGate(gateInput({ ...bad, measurement: holes })).verdict).toBe("fail");
  });

  it("does not take a small failure for proven when what was lost could undo it", ({ expect }) => {
    const holes = { newestMs: NOW_MS, flushes: 100, lost: 10, staleShare: 0 };
    const verdict = judgeGate(gateInput({ moved: sideOf(alike(60, 500, 0.04)), measurement: holes }));
    expect(verdict).toMatchObject({ verdict: "inconclusive", cause: "not-measured" });
  });
});

describe("judgeGate, baseline", () => {
  it("does not act on the version when everybody fails, and rings", ({ expect }) => {
    const everybody = gateInput({
      moved: sideOf(alike(60, 500, 0.4)),
      notMoved: sideOf(alike(90, 500, 0.3)),
      accounts: { ...gateInput().accounts, suspects: [failing("acme", 1)] },
    });
    const verdict = judgeGate(everybody);
    expect(verdict).toMatchObject({
      verdict: "inconclusive",
      cause: "baseline-bad",
      action: "hold",
      notify: "page",
      planMayAdvance: false,
      quarantine: [],
    });
    expect(verdict.sentence).toContain("not moved accounts are bad as well");
  });

  it("knows a bad baseline by its own past, and by itself when it fails outright", ({ expect }) => {
    const worse = judgeGate(gateInput({ notMoved: sideOf(alike(90, 500, 0.06)) }));
    expect(worse.cause).toBe("baseline-bad");
    const always = judgeGate(gateInput({ notMoved: sideOf(alike(90, 500, 0.06, 0.06)) }));
    expect(always.cause).not.toBe("baseline-bad");
    const chronic = judgeGate(gateInput({ notMoved: sideOf(alike(90, 500, 0.3, 0.3)) }));
    expect(chronic.cause).not.toBe("baseline-bad");
    const outright = judgeGate(gateInput({ past: "none", notMoved: sideOf(alike(90, 500, 0.5, 0)) }));
    expect(outright.cause).toBe("baseline-bad");
  });

  it("still obeys a signal from outside", ({ expect }) => {
    const signals = [signal({ verdict: "fail", reason: "orders get lost" })];
    const verdict = judgeGate(gateInput({ notMoved: sideOf(alike(90, 500, 0.3)), signals }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "signal", action: "rollback" });
  });
});

describe("judgeGate, single accounts", () => {
  const family = gateInput().accounts;

  it("puts one account back alone, and lets the wave go on", ({ expect }) => {
    const accounts = { ...family, suspects: [failing("acme", 0.8), failing("globex", 0.01)] };
    const verdict = judgeGate(gateInput({ accounts }));
    expect(verdict).toMatchObject({ verdict: "pass", action: null, notify: "ticket" });
    expect(verdict.quarantine.map(({ account }) => account)).toEqual(["acme"]);
    expect(verdict.sentence).toContain("to be put back alone: acme (80 % now, 1 % before)");
  });

  it("stops the wave beyond the limit, and says how many", ({ expect }) => {
    const suspects = ["acme", "globex", "initech"].map((account) => failing(account, 0.9));
    const policy = policyOf({ quarantineLimit: 2 });
    const verdict = judgeGate(gateInput({ policy, accounts: { ...family, suspects } }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "accounts", action: "rollback", notify: "page" });
    expect(verdict.quarantine).toHaveLength(2);
    expect(verdict.sentence).toContain("3 accounts clearly worse than their own past, where 2 are tolerated");
  });

  it("counts those that were put back before", ({ expect }) => {
    const policy = policyOf({ quarantineLimit: 2 });
    const accounts = { ...family, suspects: [failing("acme", 0.9)], quarantined: 2 };
    const verdict = judgeGate(gateInput({ policy, accounts }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "accounts", quarantine: [] });
    expect(verdict.suspects).toHaveLength(1);
  });

  it("holds the wave where the version cannot be left again", ({ expect }) => {
    const accounts = { ...family, suspects: [failing("acme", 0.9)] };
    const verdict = judgeGate(gateInput({ reversible: false, accounts }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "accounts", action: "hold", quarantine: [] });
    expect(verdict.suspects.map(({ account }) => account)).toEqual(["acme"]);
  });

  it("names the strongest evidence first", ({ expect }) => {
    const suspects = [failing("acme", 0.5), failing("globex", 1), failing("initech", 0.5)];
    const verdict = judgeGate(gateInput({ accounts: { ...family, suspects } }));
    expect(verdict.quarantine.map(({ account }) => account)).toEqual(["globex", "acme", "initech"]);
  });

  it("expects no more of an account than of the not moved ones today", ({ expect }) => {
    const accounts = { ...family, suspects: [failing("acme", 0.25, 60)] };
    expect(judgeGate(gateInput({ accounts })).suspects).toHaveLength(1);
    const badDay = { accounts, notMoved: sideOf(alike(90, 50, 0.15)) };
    expect(judgeGate(gateInput(badDay)).suspects).toHaveLength(0);
  });
});

describe("judgeGate, latency", () => {
  const slow = { moved: latencyAt(800), notMoved: latencyAt(400) };
  const quick = { moved: latencyAt(400), notMoved: latencyAt(400) };
  const windows = (
    ...list: readonly { moved: readonly number[]; notMoved: readonly number[] }[]
  ): GateInput["latency"] => ({
    boundsMs: BOUNDS_MS,
    windows: list.map((counts, index) => ({
      startMs: index * 300_000,
      endMs: (index + 1) * 300_000,
      ...counts,
    })),
    past: null,
  });

  it("holds when the p95 has doubled in two windows in a row", ({ expect }) => {
    const verdict = judgeGate(gateInput({ latency: windows(quick, slow, slow) }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "latency", action: "hold", notify: "ticket" });
    expect(verdict.latency).toMatchObject({ slowWindows: 2, windows: 3 });
  });

  it("waits after one slow window, and forgets one that is over", ({ expect }) => {
    const once = judgeGate(gateInput({ latency: windows(quick, slow) }));
    expect(once).toMatchObject({ verdict: "inconclusive", cause: "undecided" });
    expect(judgeGate(gateInput({ latency: windows(slow, slow, quick) })).verdict).toBe("pass");
  });

  it("does not call four milliseconds slow because two are less", ({ expect }) => {
    const tiny = { moved: latencyAt(200), notMoved: latencyAt(100) };
    expect(judgeGate(gateInput({ latency: windows(tiny, tiny, tiny) })).verdict).toBe("pass");
  });

  it("puts quiet windows together, and says nothing about too few answers", ({ expect }) => {
    const quiet = { moved: latencyAt(800, 50), notMoved: latencyAt(400, 500) };
    const four = judgeGate(gateInput({ latency: windows(quiet, quiet, quiet, quiet) }));
    expect(four.latency).toMatchObject({ windows: 1, slowWindows: 1 });
    const three = judgeGate(gateInput({ latency: windows(quiet, quiet, quiet) }));
    expect(three).toMatchObject({ verdict: "inconclusive", cause: "too-little" });
    expect(three.missing).toMatchObject([{ part: "latency", what: "windows", have: 150, need: 200 }]);
  });

  it("compares with the past once nobody is left, and has no opinion without one", ({ expect }) => {
    const alone = { moved: latencyAt(800), notMoved: latencyAt(400, 0) };
    const past = { ...windows(alone, alone), past: latencyAt(400) };
    expect(judgeGate(gateInput({ latency: past })).cause).toBe("latency");
    const verdict = judgeGate(gateInput({ latency: windows(alone, alone) }));
    expect(verdict.parts[2]).toMatchObject({ verdict: "pass", cause: "nothing-to-compare" });
  });

  it("is left alone by a plan that does not watch it", ({ expect }) => {
    const policy = policyOf({ latency: null });
    expect(judgeGate(gateInput({ policy, latency: windows(slow, slow) })).verdict).toBe("pass");
  });
});

describe("judgeGate, signals", () => {
  it("stops a wave whose answers are all 200 when a signal says fail", ({ expect }) => {
    const signals = [signal({ verdict: "fail", reason: "orders get lost" })];
    const verdict = judgeGate(gateInput({ moved: sideOf(alike(60, 500, 0)), signals }));
    expect(verdict).toMatchObject({ verdict: "fail", cause: "signal", action: "rollback" });
    expect(verdict.sentence).toContain('signal "checkout" of probe-farm says fail: orders get lost');
  });

  it("does not pass without a signal the plan must have, or with one that has expired", ({ expect }) => {
    const policy = policyOf({ mustHave: ["checkout"] });
    const missing = judgeGate(gateInput({ policy }));
    expect(missing).toMatchObject({ verdict: "inconclusive", cause: "must-have", planMayAdvance: false });
    const expired = judgeGate(gateInput({ policy, signals: [signal({ expiresMs: NOW_MS })] }));
    expect(expired.sentence).toContain('signal "checkout" has expired');
    const undecided = judgeGate(gateInput({ policy, signals: [signal({ verdict: "inconclusive" })] }));
    expect(undecided.verdict).toBe("inconclusive");
    expect(judgeGate(gateInput({ policy, signals: [signal()] })).verdict).toBe("pass");
  });

  it("goes by the newest word of a name", ({ expect }) => {
    const old = signal({ verdict: "fail", atMs: NOW_MS - HOUR_MS });
    expect(judgeGate(gateInput({ signals: [signal(), old] })).verdict).toBe("pass");
    const expired = signal({ verdict: "fail", expiresMs: NOW_MS - 1 });
    expect(judgeGate(gateInput({ signals: [expired] })).verdict).toBe("pass");
  });
});

describe("judgeGate, actions", () => {
  const bad = { moved: sideOf(alike(60, 300, 0.2)) };
  const actions = policyOf().actions;

  it("only warns where the plan says so, and passes on everything else", ({ expect }) => {
    const policy = policyOf({ actions: { ...actions, errors: "warn" } });
    const verdict = judgeGate(gateInput({ ...bad, policy }));
    expect(verdict).toMatchObject({ verdict: "pass", cause: "errors", action: "warn", notify: "ticket" });
    expect(verdict.sentence).toContain("warning: moved accounts fail 20 %");
  });

  it("says what a dry part would have done, and does nothing", ({ expect }) => {
    const policy = policyOf({ dryRun: ["errors", "accounts"] });
    const accounts = { ...gateInput().accounts, suspects: [failing("acme", 0.9)] };
    const verdict = judgeGate(gateInput({ ...bad, policy, accounts }));
    expect(verdict).toMatchObject({ verdict: "pass", action: null, wouldDo: "rollback", quarantine: [] });
    expect(verdict.suspects).toHaveLength(1);
    expect(verdict.sentence).toContain("would rollback, but runs dry: moved accounts fail 20 %");
  });

  it("takes the strongest action of all that failed", ({ expect }) => {
    const policy = policyOf({ actions: { ...actions, errors: "pause", signals: "rollback" } });
    const signals = [signal({ verdict: "fail" })];
    expect(judgeGate(gateInput({ ...bad, policy, signals })).action).toBe("rollback");
  });

  it("lets unhealthy beat inconclusive", ({ expect }) => {
    const policy = policyOf({ mustHave: ["checkout"] });
    expect(judgeGate(gateInput({ ...bad, policy })).verdict).toBe("fail");
  });

  it("pauses on an inconclusive verdict where the plan asks for it", ({ expect }) => {
    const policy = policyOf({ onInconclusive: "pause" });
    expect(judgeGate(gateInput({ policy, moved: sideOf([]) })).action).toBe("pause");
  });

  it("answers for a world in which nothing at all was counted", ({ expect }) => {
    const nothing = gateInput({
      moved: sideOf([]),
      notMoved: sideOf([]),
      latency: { boundsMs: BOUNDS_MS, windows: [], past: null },
      accounts: { size: 0, suspects: [], past: blocks(0, 0), quarantined: 0 },
    });
    const verdict = judgeGate(nothing);
    expect(verdict.verdict).toBe("inconclusive");
    expect(verdict.errors.increase).toBeNull();
    expect(verdict.sentence).not.toMatch(/NaN|Infinity/);
  });
});

describe("worstVerdict", () => {
  it("is the worst of all products with the strongest action, and says all that are as bad", ({ expect }) => {
    const good = judgeGate(gateInput());
    const bad = judgeGate(gateInput({ product: "fogbugz", moved: sideOf(alike(60, 300, 0.2)) }));
    const quiet = judgeGate(gateInput({ moved: sideOf([]) }));
    expect(worstVerdict([good, bad, quiet])).toMatchObject({
      verdict: "fail",
      action: "rollback",
      notify: "page",
    });
    expect(worstVerdict([good, quiet])).toMatchObject({ verdict: "inconclusive", action: "hold" });
    expect(worstVerdict([good, good])?.sentence).toContain("; kiln 2.9.0:");
    expect(worstVerdict([])).toBeNull();
  });

  it("may not be advanced past when one of the products may not", ({ expect }) => {
    const measurement = { newestMs: null, flushes: 0, lost: 0, staleShare: 0 };
    const unmeasured = judgeGate(gateInput({ measurement, moved: sideOf([]) }));
    const quiet = judgeGate(gateInput({ moved: sideOf([]) }));
    expect(worstVerdict([quiet, unmeasured])).toMatchObject({ planMayAdvance: false, cause: "not-measured" });
  });
});
