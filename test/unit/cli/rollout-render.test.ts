/** Rollouts and plans as people see them: what is said of each phase, what to do in it, and the numbers of a plan. */
import { describe, it } from "vitest";
import { rolloutAdvice } from "../../../scripts/cli/rollout-advice.ts";
import { rollbackText } from "../../../scripts/cli/rollout-back.ts";
import { pathText, renderPlan } from "../../../scripts/cli/rollout-plan-render.ts";
import { duration, renderRollout, renderRollouts, rolloutLine } from "../../../scripts/cli/rollout-render.ts";
import { eraseLines } from "../../../scripts/cli/rollout-watch.ts";
import {
  conditionsText,
  findApproval,
  findWave,
  toCondition,
  toWhere,
} from "../../../scripts/cli/rollout-words.ts";
import type { RolloutView } from "../../../src/contracts/api/rollouts.ts";
import { ROLLOUT_PHASES, TERMINAL_PHASES } from "../../../src/contracts/rollout.ts";
import {
  buildRollback,
  buildPlan,
  buildRollbackPreview,
  buildRolloutView,
  buildWave,
} from "../../support/rollout-views.ts";

const AT = "2026-12-01T00:00:00.000Z";

describe("duration", () => {
  it.for([
    [0, ""],
    [-5, ""],
    [400, "1 s"],
    [59_000, "59 s"],
    [60_000, "1 min"],
    [3_600_000, "1 h"],
    [3_600_000 * 27 + 60_000 * 5, "1 d 3 h"],
    [86_400_000 + 60_000, "1 d"],
    [86_400_000 * 400, "400 d"],
  ] as const)("tells %d ms as %j", ([ms, text], { expect }) => {
    expect(duration(ms)).toBe(text);
  });
});

describe("a rollout", () => {
  it("shows phase, reason, next step and its waves", ({ expect }) => {
    const text = renderRollout(buildRolloutView());
    expect(text).toMatch(/^phase +shifting$/m);
    expect(text).toMatch(/^next at +2026-11-28T21:01:00Z \(in 1 min\)$/m);
    expect(text).toMatch(/^moved +1,030 of 10,000 accounts \(10\.3 %\)$/m);
    expect(text).toMatch(/^#\s+WAVE\s+ACCOUNTS\s+MOVED\s+PROGRESS\s+VERDICT\s+STATE$/m);
    expect(text).toMatch(/^0\s+staff\s+40\s+40\s+100 %\s+pass\s+done$/m);
    expect(text).toMatch(/^1\s+forty\s+3,960\s+990\s+25 %\s+–\s+moving$/m);
    expect(text).toMatch(/^2\s+rest\s+6,000\s+0\s+0 %\s+–\s+ahead$/m);
    expect(text).toMatch(/^kiln\s+pending/m);
    expect(text).toMatch(/^pinned\s+7\s+a, b, c, d, e, …$/m);
  });

  it("shows what a target was seen to answer, and how many requests a bake has counted", ({ expect }) => {
    const seen = (real: number, synthetic: number) => ({ real, synthetic });
    const view = buildRolloutView({
      phase: "baking",
      waves: [buildWave(), buildWave({ name: "forty", requests: 1234 })],
      coverage: [
        {
          product: "kiln",
          version: "2.9.0",
          known: seen(1234, 1),
          unknown: seen(0, 3),
          none: seen(0, 4),
          ip: seen(0, 0),
        },
      ],
    });
    const text = renderRollout(view);
    expect(text).toMatch(/^requests +1,234 since the wave was done$/m);
    expect(text).toMatch(/^kiln 2\.9\.0\s+1,234 \+ 1 probe\s+0 \+ 3 probes\s+0 \+ 4 probes\s+never$/m);
    expect(renderRollout(buildRolloutView())).not.toMatch(/^HAS ANSWERED/m);
  });

  it("says who took it back, and where that leaves its waves", ({ expect }) => {
    const back = buildWave({ name: "forty", accounts: 3960, moved: 0, progress: 0, bakedAt: null });
    const begun = { firstMoveAt: AT, shiftedAt: AT };
    const waves = [
      buildWave(begun),
      { ...back, ...begun },
      buildWave({ name: "rest", moved: 0, firstMoveAt: null, shiftedAt: null, bakedAt: null }),
    ];
    const view = buildRolloutView({ phase: "rolled-back", waves, rollback: buildRollback(), moved: 0 });
    const text = renderRollout(view);
    expect(text).toMatch(/^rolled back by +jo, 2026-11-28T21:00:00Z: attachments fail$/m);
    expect(text).toMatch(/^ended +2026-11-28T21:00:00Z$/m);
    expect(text).toMatch(/^requests +–$/m);
    const states = text.split("\n").filter((line) => /^\d  /.test(line));
    expect(states.map((line) => line.split(/\s{2,}/).at(-1))).toEqual([
      "rolled back",
      "rolled back",
      "not begun",
    ]);
    const rollback = buildRollback({ by: "rollout", automatic: true, reason: "its gate failed" });
    expect(renderRollout({ ...view, rollback })).toMatch(
      /^rolled back by +the rollout itself, \S+: its gate failed$/m,
    );
  });

  it("tells which waves go back while a rollback is under way", ({ expect }) => {
    const rollback = buildRollback({ scope: "to-wave", toWave: 0, stage: "lowering" });
    const text = renderRollout(buildRolloutView({ phase: "rolling-back", rollback }));
    expect(text).toMatch(/^being rolled back by +jo, /m);
    expect(text).toMatch(/^0\s+staff\s.*done$/m);
    expect(text).toMatch(/^1\s+forty\s.*going back$/m);
    expect(text).toMatch(/^2\s+rest\s.*ahead$/m);
  });

  it("says who paused it and why, without letting the reason rewrite the screen", ({ expect }) => {
    const paused = { by: "jo", at: "2026-11-28T21:00:00.000Z", reason: "slow\u001b[2J\nsearches" };
    const text = renderRollout(buildRolloutView({ phase: "paused", cause: "operator", paused }));
    expect(text).toMatch(/^paused by +jo, 2026-11-28T21:00:00Z: slow\[2J searches$/m);
  });

  it("is one line in a list and while it is watched", ({ expect }) => {
    const view = buildRolloutView();
    expect(renderRollouts([view])).toMatch(
      /^2026-11-autumn\s+kiln=2\.9\.0, fogbugz=8\.8\.0\s+shifting\s+forty\s+1,030\/10,000/m,
    );
    expect(rolloutLine(view)).toBe(
      "2026-11-autumn is shifting, 1,030 of 10,000 accounts (10.3 %) moved: Wave forty is moving; next at 2026-11-28T21:01:00Z",
    );
  });

  it("names the wave that needs a yes, and how many accounts it moves", ({ expect }) => {
    const view = buildRolloutView({ phase: "awaiting-approval", cause: "approval", wave: 2 });
    expect(renderRollout(view)).toMatch(/^2\s+rest.*needs approval$/m);
    expect(rolloutAdvice(view)).toBe(
      "`npm run -s firebreak -- rollout approve 2026-11-autumn rest`, or `npm run -s firebreak -- rollout stop 2026-11-autumn --reason …`. It moves 6,000 accounts.",
    );
  });
});

describe("advice", () => {
  it.for(ROLLOUT_PHASES)("is there in phase %s", (phase, { expect }) => {
    const text = rolloutAdvice(buildRolloutView({ phase, leftBehind: [] }));
    expect(text).toMatch(/\S.*\.$/);
    expect(text).not.toMatch(/undefined|null/);
    if (TERMINAL_PHASES.includes(phase)) expect(text).toContain("is over");
  });

  it.for(ROLLOUT_PHASES)(
    "in phase %s names no command without the reason that it needs",
    (phase, { expect }) => {
      const causes = ["halted", "gate", "approval", "coverage", "freeze", "version"] as const;
      for (const cause of [undefined, ...causes]) {
        const text = rolloutAdvice(buildRolloutView({ phase, ...(cause === undefined ? {} : { cause }) }));
        const needy = /`[^`]*(?:halt off|rollout (?:pause|stop|rollback|waive-gate))\b[^`]*`/g;
        for (const [command] of text.matchAll(needy)) expect(command).toContain("--reason");
      }
    },
  );

  it.for([
    ["waiting", "halted", /halt off --reason/],
    ["waiting", "gate", /waive-gate 2026-11-autumn forty/],
    ["baking", "coverage", /preflight PRODUCT VERSION/],
    ["waiting", "freeze", /freeze list/],
    ["default-pending", "approval", /approve 2026-11-autumn default\/kiln/],
    ["default-pending", "default", /by itself/],
  ] as const)("in phase %s because of %s says how it ends", ([phase, cause, text], { expect }) => {
    expect(rolloutAdvice(buildRolloutView({ phase, cause }))).toMatch(text);
  });
});

describe("mirrored requests", () => {
  const mirror = {
    state: "too-few",
    percent: 10,
    minutes: { mirrored: 240, wanted: 30 },
    compared: 12,
    wanted: 200,
    same: 10,
    different: 1,
    worse: 1,
    worsePercent: 8.33,
    toleratedPercent: 10,
    slower: 2,
    skipped: 0,
    meanMs: { default: 20, candidate: 31.5 },
    waived: null,
  } as const;
  const defaults: RolloutView["defaults"] = [{ product: "kiln", state: "pending", at: null, mirror }];

  it("are told with their numbers", ({ expect }) => {
    const text = renderRollout(buildRolloutView({ defaults }));
    expect(text).toContain("Mirrored requests of unknown accounts\n");
    expect(text).toMatch(
      /^kiln +too-few +240 of 30 +12 of 200 +1 \(8\.33 %, tolerated 10 %\) +1 +2 +31\.5, default 20$/m,
    );
    expect(renderRollout(buildRolloutView())).not.toContain("Mirrored requests");
  });

  it("that were too few say what a person can do", ({ expect }) => {
    const view = buildRolloutView({ phase: "default-pending", cause: "approval", wave: null, defaults });
    expect(rolloutAdvice(view)).toBe(
      "`npm run -s firebreak -- rollout approve 2026-11-autumn default/kiln` moves it without; `npm run -s firebreak -- rollout pause 2026-11-autumn --reason …` and `resume` measure again.",
    );
  });
});

describe("words of a rollout", () => {
  const view = buildRolloutView();

  it.for([
    ["forty", 1],
    ["0", 0],
    ["2", 2],
  ] as const)("finds wave %s", ([word, index], { expect }) => {
    expect(findWave(word, view)).toBe(index);
  });

  it("takes a name before a number", ({ expect }) => {
    expect(findWave("0", { ...view, waves: [buildWave({ name: "a" }), buildWave({ name: "0" })] })).toBe(1);
  });

  it.for(["3", "fourty", "-1", "1.0"])("refuses wave %s, naming those there are", (word, { expect }) => {
    expect(() => findWave(word, view)).toThrow(/has no wave/);
  });

  it.for([
    ["rest", { kind: "wave", wave: 2 }],
    ["default", { kind: "default", product: "kiln" }],
    ["default/fogbugz", { kind: "default", product: "fogbugz" }],
  ] as const)("understands the approval of %s", ([word, approval], { expect }) => {
    expect(findApproval(word, view)).toEqual(approval);
  });

  it("refuses the default of another product, and of none", ({ expect }) => {
    expect(() => findApproval("default/other", view)).toThrow(/moves no default of "other"/);
    expect(() => findApproval("default", { ...view, defaults: [] })).toThrow(/No default waits/);
  });

  it("makes conditions of --where", ({ expect }) => {
    const conditions = ["cohort=early", "cell=eu1", "tier=gold", "label.cohort=x=y"].map(toCondition);
    expect(toWhere(conditions)).toEqual({
      cohort: "early",
      cell: "eu1",
      labels: { tier: "gold", cohort: "x=y" },
    });
    expect(conditionsText(conditions)).toBe(
      "cohort=early and cell=eu1 and label tier=gold and label cohort=x=y",
    );
  });

  it.for(["cohort", "cohort=", "=x", "cohort=Not A Cohort", "cell=_"])(
    "refuses the condition %j",
    (text, { expect }) => {
      expect(() => toCondition(text)).toThrow();
    },
  );

  it("refuses the same condition twice", ({ expect }) => {
    expect(() => toWhere([toCondition("tier=gold"), toCondition("tier=iron")])).toThrow(/twice/);
  });
});

describe("a rollback in numbers", () => {
  const targets = { kiln: "2.9.0", fogbugz: "8.8.0" };
  const text = (changes: Parameters<typeof buildRollbackPreview>[0], conditions: string[] = []): string =>
    rollbackText(buildRollbackPreview(changes), { targets, conditions: conditions.map(toCondition) });

  it("counts everybody", ({ expect }) => {
    expect(text({})).toBe("Takes 1,030 accounts back from kiln=2.9.0, fogbugz=8.8.0 (staff 40, forty 990).");
  });

  it("counts who goes and who stays", ({ expect }) => {
    expect(text({ accounts: 990, stay: 40, waves: [{ name: "forty", accounts: 990 }] })).toBe(
      "Takes 990 accounts back from kiln=2.9.0, fogbugz=8.8.0 (forty 990). 40 accounts that moved stay.",
    );
  });

  it("says which defaults go back and which stay", ({ expect }) => {
    const defaults = [
      { product: "kiln", to: "2.8.0", problem: null },
      { product: "fogbugz", to: null, problem: "fogbugz 8.7.0 is marked bad" },
    ];
    expect(text({ defaults })).toMatch(
      /The default of kiln goes back too\. The default of fogbugz stays: fogbugz 8\.7\.0 is marked bad\.$/,
    );
  });

  it("names the conditions, what is marked bad and what must be confirmed", ({ expect }) => {
    const changes = { marksBad: ["kiln 2.9.0"], confirm: ["kiln 2.9.0 is not declared reversible"] };
    expect(text(changes, ["cohort=early"])).toBe(
      "Takes 1,030 accounts with cohort=early back from kiln=2.9.0, fogbugz=8.8.0 (staff 40, forty 990). Marks kiln 2.9.0 bad. Takes --confirmed as well: kiln 2.9.0 is not declared reversible.",
    );
  });

  it("says that it would be refused", ({ expect }) => {
    expect(text({ refused: "autumn is draft" })).toBe("It would be refused: autumn is draft.");
  });
});

describe("a plan", () => {
  it("shows what a freeze would change beside what is planned", ({ expect }) => {
    const whatIf = {
      freeze: { from: "2026-11-27", to: "2026-11-30", zone: "account", scope: {} },
      waves: [{ name: "staff", accounts: 40, startAt: AT, shiftedAt: AT, bakedAt: AT }],
      defaults: [],
      endAt: "2026-12-09T00:00:00.000Z",
      notReached: { accounts: 1200, zones: ["Europe/Paris"] },
    };
    const text = renderPlan(buildPlan({ whatIf }));
    expect(text).toContain("With a freeze from 2026-11-27 to 2026-11-30 (account)");
    expect(text).toMatch(/^staff +\S.*2026-12-01/m);
    expect(text).toMatch(/^rest +never +never$/m);
    expect(text).toMatch(/^the end +never +2026-12-09/m);
    expect(text).toContain("1,200 accounts instead of 17.");
    expect(renderPlan(buildPlan())).not.toContain("With a freeze");
  });

  it("says how who was moved back goes forward again", ({ expect }) => {
    const leftBehind = [{ reason: "flapping" as const, accounts: 3996, examples: ["acme"] }];
    expect(renderPlan(buildPlan({ leftBehind }))).toContain("`rollout start … --again` takes them along");
    expect(renderPlan(buildPlan())).not.toContain("--again");
  });

  it("shows waves, moves in local time and UTC, the path, who is not reached, who cannot come back", ({
    expect,
  }) => {
    const text = renderPlan(buildPlan());
    expect(text).toMatch(/^moves +10,000 accounts in 210 groups$/m);
    expect(text).toMatch(/^ends +never$/m);
    expect(text).toMatch(
      /^not reached +17 accounts before 2026-12-20T00:00:00Z, in Asia\/Tokyo, Europe\/Paris$/m,
    );
    expect(text).toMatch(/^cannot go back +9,960 accounts, from wave "rest" on \(kiln 2\.9\.0\)/m);
    expect(text).toMatch(
      /^staff\s+Europe\/Paris\s+1\s+40\s+Fri 2026-11-27 20:00\s+Fri 2026-11-27 20:00\s+Fri 2026-11-27 19:00\s/m,
    );
    expect(renderPlan(buildPlan(), true)).toMatch(
      /^staff\s+Europe\/Paris\s+40\s+Fri 2026-11-27 20:00 \+01:00\s.*\s2026-11-27T19:00:00Z\s/m,
    );
    expect(text).toMatch(/^1\s+rest\s+9,960\s+2026-11-27T20:00:00Z\s+never\s+never\s+kiln 2\.9\.0$/m);
    expect(text).toMatch(/^wave "staff" bakes\s+.*\s1 h$/m);
    expect(text).toMatch(/^rest\s+\(without\)\s+9,900$/m);
    expect(text).toMatch(/^deferred\s+2\s+acme, tyrell$/m);
    expect(text).toContain('? wave "rest": 2 groups have no window within 400 days');
    expect(text).toContain(`rollout start 2026-11-autumn --digest ${"cd".repeat(32)}`);
  });

  it("says how many its waves move, and how many they leave", ({ expect }) => {
    const text = renderPlan(buildPlan({ moves: 4001 }));
    expect(text).toMatch(/^moves +4,001 of 10,000 accounts in 210 groups; 5,999 keep their version$/m);
  });

  it("begins with what is wrong and offers no start", ({ expect }) => {
    const problems = [{ path: ["waves", 1, "window"], message: 'there is no window "nights"' }];
    const text = renderPlan(buildPlan({ problems }));
    expect(text).toMatch(/^! waves\[1\]\.window: there is no window "nights"\n/);
    expect(text).not.toContain("rollout start");
  });

  it("of a file says that nothing is written down", ({ expect }) => {
    expect(renderPlan(buildPlan({ salt: null }))).toContain("rollout create FILE");
  });

  it("spells a path as the file does", ({ expect }) => {
    expect(pathText(["waves", 0, "bake", "minutes"])).toBe("waves[0].bake.minutes");
  });
});

describe("redrawing", () => {
  it("goes up over what was drawn, wrapped lines counted", ({ expect }) => {
    expect(eraseLines("", 80)).toBe("");
    expect(eraseLines("one\ntwo\n", 80)).toBe("\u001b[2A\u001b[J");
    expect(eraseLines(`${"x".repeat(81)}\n\n`, 80)).toBe("\u001b[3A\u001b[J");
  });
});
