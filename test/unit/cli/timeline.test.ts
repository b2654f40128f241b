/**
 * `timeline` as a post-mortem draft: over a recorded night (the drill's forced default, a rollout that a gate sends back)
 * handed to it as plain facts, so that each sentence can be held against what was recorded.
 */
import { describe, it } from "vitest";
import type { Facts } from "../../../scripts/cli/timeline/facts.ts";
import { renderStory } from "../../../scripts/cli/timeline/markdown.ts";
import { duration } from "../../../scripts/cli/timeline/measures.ts";
import { tellStory } from "../../../scripts/cli/timeline/summary.ts";
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import { buildRolloutView } from "../../support/rollout-views.ts";

const PAPER = { zone: "America/New_York", url: "https://admin.example.com", now: "2026-11-29T09:00:00.000Z" };

let seq = 0;
function entry(at: string, action: string, target: string, more: Partial<AuditEntry> = {}): AuditEntry {
  seq += 1;
  return {
    seq,
    at: `2026-11-28T${at}.000Z`,
    actor: "rollout",
    role: "system",
    action,
    target,
    reason: null,
    detail: {},
    previous: "",
    hash: "",
    ...more,
  };
}

const MINA = { actor: "mina", role: "operator" };
const ID = "2026-11-autumn";

function forcedDefault(): readonly AuditEntry[] {
  const turn = (before: string, after: string): AuditEntry["detail"] => ({
    before: { default: before },
    after: { default: after },
    forced: true,
  });
  return [
    entry("22:00:00", "product.default.set", "product/kiln", {
      ...MINA,
      reason: "all | waves *baked*",
      detail: turn("2.8.0", "2.9.0"),
    }),
    entry("22:00:45", "halt.set", "halt", { ...MINA, reason: "5xx", detail: { before: false, after: true } }),
    entry("22:12:00", "product.default.set", "product/kiln", { ...MINA, detail: turn("2.9.0", "2.8.0") }),
  ];
}

function sentBack(): readonly AuditEntry[] {
  const target = `rollout/${ID}`;
  const published = (at: string, reason: string, moved: number): AuditEntry =>
    entry(at, "rollout.published", target, { reason, detail: { moved, step: 1, wave: 0 } });
  return [
    entry("22:00:00", "rollout.start", target, { ...MINA, detail: { accounts: 200 } }),
    published("22:01:00", 'wave "forty": 20 accounts', 20),
    entry("22:01:00", "rollout.phase", target, {
      reason: "moving",
      detail: { phase: "shifting", cause: "moving" },
    }),
    published("22:02:00", 'wave "forty": 30 accounts', 50),
    published("22:03:00", 'wave "forty": 30 accounts', 80),
    entry("22:20:00", "account.quarantine.set", "account/acme", {
      actor: "gate",
      reason: "worse than its own past",
      detail: { rollout: ID, product: "kiln", version: "2.8.0", was: "2.9.0" },
    }),
    entry("22:31:00", "version.bad.mark", "version/kiln/2.9.0", { reason: "gate failed" }),
    published("22:31:00", "rolled back 80 accounts", 0),
  ];
}

function facts(entries: readonly AuditEntry[], more: Partial<Facts> = {}): Facts {
  const from = entries[0]?.at ?? "";
  return {
    asked: null,
    from,
    to: "2026-11-28T23:00:00.000Z",
    now: PAPER.now,
    entries,
    rollouts: [],
    ...more,
  };
}

describe("a default that was forced and put back", () => {
  it("is told with who, how long, local time and UTC, and asked about", ({ expect }) => {
    const story = tellStory(facts(forcedDefault()));
    expect(story.defaults).toEqual([
      {
        product: "kiln",
        version: "2.9.0",
        from: "2026-11-28T22:00:00.000Z",
        to: "2026-11-28T22:12:00.000Z",
        minutes: 12,
        forced: true,
        by: "mina",
      },
    ]);
    const text = renderStory(story, PAPER);
    expect(text).toContain(
      "The default of kiln (unknown accounts, not counted) was 2.9.0 from 2026-11-28 17:00:00 (2026-11-28 22:00:00 UTC), forced by mina, for 12 min.",
    );
    expect(text).toContain("mina: Default of kiln (unknown accounts) put back on 2.8.0");
    expect(story.questions).toContain(
      "mina forced the default of kiln to 2.9.0 past its preflight, for 12 min. Why, and who should have been asked?",
    );
    expect(story.questions).toContain("The halt is still on. Who ends it, and when?");
  });

  it("tells which alarms came and went, but for those that say again what was just told", ({ expect }) => {
    const alarm = (at: string, what: "raised" | "cleared", name: string): AuditEntry =>
      entry(at, `alarm.${what}`, `alarm/${name}`, {
        actor: "tick",
        reason: "10 of 400 requests",
        detail: { name, subject: "", level: "page", firstCommand: "firebreak status" },
      });
    const night = [
      ...forcedDefault(),
      alarm("22:02:00", "raised", "router-5xx"),
      alarm("22:02:00", "raised", "halt-active"),
      alarm("22:13:00", "cleared", "router-5xx"),
    ].toSorted((a, b) => a.at.localeCompare(b.at));
    const text = renderStory(tellStory(facts(night)), PAPER);
    expect(text).toContain("Alarm (page): 10 of 400 requests");
    expect(text).toContain("Alarm router-5xx is over");
    expect(text).not.toContain("halt-active");
  });

  it("cannot break out of its table by a reason", ({ expect }) => {
    const text = renderStory(tellStory(facts(forcedDefault())), PAPER);
    expect(text).toContain("“all \\| waves \\*baked\\*”");
  });

  it("is told once where the reader's zone is UTC", ({ expect }) => {
    const text = renderStory(tellStory(facts(forcedDefault())), { ...PAPER, zone: "UTC" });
    expect(text).toContain("| UTC | who | what |");
    expect(text).not.toContain("| local |");
  });
});

describe("a rollout that a gate sent back", () => {
  const view = buildRolloutView({
    id: ID,
    phase: "rolled-back",
    targets: { kiln: "2.9.0" },
    accounts: 200,
    moved: 0,
    leftBehind: [
      { reason: "rolled-back", accounts: 80, examples: [] },
      { reason: "not-reached", accounts: 117, examples: [] },
      { reason: "pinned", accounts: 3, examples: [] },
    ],
  });
  const point = { accountsMoved: 80, increase: null, p95Ms: { moved: null, notMoved: null } };
  const sides = (rate: number): { accounts: number; requests: number; failures: number; rate: number } => ({
    accounts: 80,
    requests: 480,
    failures: Math.round(480 * rate),
    rate,
  });
  const gates = {
    waves: [
      {
        wave: 0,
        name: "forty",
        product: "kiln",
        verdict: null,
        points: [
          {
            ...point,
            at: "2026-11-28T22:10:00.000Z",
            verdict: "inconclusive" as const,
            moved: sides(0),
            notMoved: sides(0),
          },
          {
            ...point,
            at: "2026-11-28T22:20:00.000Z",
            verdict: "inconclusive" as const,
            moved: sides(0.02),
            notMoved: sides(0),
          },
          {
            ...point,
            at: "2026-11-28T22:30:00.000Z",
            verdict: "fail" as const,
            moved: sides(0.05),
            notMoved: sides(0),
          },
        ],
      },
    ],
    signals: [],
    putBack: [],
  };
  const hurt = [
    {
      account: "acme",
      product: "kiln",
      minutes: 3.5,
      failures: 40,
      requests: 90,
      putBackAt: "2026-11-28T22:20:00.000Z",
      putBackBy: "gate" as const,
    },
    {
      account: "blue",
      product: "kiln",
      minutes: 9,
      failures: 80,
      requests: 90,
      putBackAt: null,
      putBackBy: null,
    },
  ];
  const story = tellStory(facts(sentBack(), { asked: ID, rollouts: [{ view, gates, hurt }] }));
  const text = renderStory(story, PAPER);

  it("says how many accounts it moved at most, for how long, and whom it hurt", ({ expect }) => {
    expect(story.touched).toMatchObject([
      {
        movedAtMost: 80,
        movedNow: 0,
        firstMoveAt: "2026-11-28T22:01:00.000Z",
        backAt: "2026-11-28T22:31:00.000Z",
        minutes: 30,
        // 20 and then 50 for a minute each, 80 for 28 minutes.
        accountHours: 38.5,
        takenBack: 80,
        notReached: 117,
        leftBehind: 3,
        hurt: { accounts: 2, failures: 120, stillThere: 1 },
      },
    ]);
    expect(text).toContain("moved 80 of 200 accounts to kiln 2.9.0 at most");
    expect(text).toContain("| blue | kiln | 9 | 80 | 90 | no |");
    expect(text).toContain(`npm run -s firebreak -- rollout impact ${ID} --csv`);
  });

  it("tells the steps of a wave as one line, and a verdict when it becomes another", ({ expect }) => {
    const lines = story.happenings.map(({ what }) => what);
    expect(lines.filter((line) => line.startsWith('Wave "forty"'))).toEqual([
      'Wave "forty": 80 accounts moved, 80 in all',
    ]);
    expect(lines.filter((line) => line.startsWith("Gate of"))).toEqual([
      expect.stringContaining("inconclusive"),
      expect.stringContaining(
        "fail. Failures of moved accounts 5 % (80 accounts, 480 requests), of not moved ones 0 %",
      ),
    ]);
  });

  it("lists what was put back, in order, and asks what is open", ({ expect }) => {
    expect(story.putBack.map(({ what }) => what)).toEqual([
      "acme put back alone on kiln 2.8.0 (was on 2.9.0)",
      "Rolled back 80 accounts; 0 stay moved",
    ]);
    expect(story.questions).toEqual([
      "What was wrong with kiln 2.9.0, and which change brought it in?",
      expect.stringMatching(
        /^Between the first account that moved and the first sign \(Gate of wave "forty".* lay 29 min\./,
      ),
      "2 accounts met failures. Who tells them, and is any of their data to be repaired?",
      "1 account that met failures was not put back. Why?",
      "Version kiln 2.9.0 is marked bad. Which version takes its place?",
    ]);
  });
});

describe("duration", () => {
  it.for([
    [0.02, "1 s"],
    [1.5, "2 min"],
    [119, "119 min"],
    [150, "2 h 30 min"],
    [60 * 50, "2 days 2 h"],
  ] as const)("%d minutes are %s", ([minutes, text], { expect }) => {
    expect(duration(minutes)).toBe(text);
  });
});
