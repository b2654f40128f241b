/** The table of alarms: each condition at its edge, and what is told from one look to the next. */
import { describe, it } from "vitest";
import {
  ALARM_NAMES,
  type AlarmFacts,
  type AlarmFinding,
  type AlarmRollout,
  type EdgePulse,
} from "../../../src/contracts/alarms.ts";
import { findAlarms } from "../../../src/core/alarms/find.ts";
import { ALARM_TABLE, DAY_MS, MINUTE_MS } from "../../../src/core/alarms/table.ts";
import { turnAlarms } from "../../../src/core/alarms/turn.ts";

const NOW = Date.parse("2026-11-28T22:05:00Z");

const QUIET: AlarmFacts = {
  nowMs: NOW,
  wallMs: NOW,
  cronMs: NOW - MINUTE_MS,
  outbox: { oldestMs: null, blocked: null },
  published: { generation: 42, atMs: NOW - 60 * MINUTE_MS },
  pulse: null,
  halt: null,
  breakGlass: null,
  rollouts: [],
  notices: [],
  stuck: [],
  holds: { products: [], accounts: [], count: 0 },
  oldPins: { count: 0, accounts: [] },
  badInUse: [],
  fallbacks: [],
  dead: [],
};

const PULSE: EdgePulse = {
  requests: 1000,
  routerErrors: 0,
  lately: { known: 900, unknown: 100 },
  yesterday: { known: 9000, unknown: 1000 },
  isolates: [{ generation: 42, sinceMs: NOW - 30 * MINUTE_MS, requests: 100 }],
  refusedOverrides: 0,
};

const ROLLOUT: AlarmRollout = {
  id: "autumn",
  phase: "baking",
  reason: "it bakes",
  sinceMs: NOW - 60 * MINUTE_MS,
  deadlineMs: null,
  wantsApproval: false,
  automaticRollback: null,
};

function namesOf(facts: Partial<AlarmFacts>): readonly string[] {
  return findAlarms({ ...QUIET, ...facts }).map(({ name, subject }) => `${name} ${subject}`.trim());
}

function withPulse(pulse: Partial<EdgePulse>, more: Partial<AlarmFacts> = {}): readonly string[] {
  return namesOf({ pulse: { ...PULSE, ...pulse }, ...more });
}

describe("findAlarms", () => {
  it("finds nothing where all is well, and nothing where nothing is known", ({ expect }) => {
    expect(namesOf({ pulse: PULSE })).toEqual([]);
    expect(namesOf({ cronMs: null, published: { generation: 0, atMs: null } })).toEqual([]);
  });

  it("tells of cron that has been silent for more than five minutes", ({ expect }) => {
    expect(namesOf({ cronMs: NOW - 5 * MINUTE_MS })).toEqual([]);
    expect(namesOf({ cronMs: NOW - 5 * MINUTE_MS - 1 })).toEqual(["no-tick"]);
  });

  it("tells of the router's own 5xx by number and share", ({ expect }) => {
    expect(withPulse({ routerErrors: 9, requests: 9 })).toEqual([]);
    expect(withPulse({ routerErrors: 10, requests: 1001 })).toEqual([]);
    expect(withPulse({ routerErrors: 10, requests: 1000 })).toEqual(["router-5xx"]);
  });

  it("tells of a share of known hosts ten points below yesterday's, not of a few requests", ({ expect }) => {
    expect(withPulse({ lately: { known: 801, unknown: 199 } })).toEqual([]);
    expect(withPulse({ lately: { known: 790, unknown: 210 } })).toEqual(["known-share-falls"]);
    expect(withPulse({ lately: { known: 10, unknown: 189 } })).toEqual([]);
    expect(
      withPulse({ lately: { known: 10, unknown: 990 }, yesterday: { known: 150, unknown: 40 } }),
    ).toEqual([]);
    // More of them than yesterday is good news.
    expect(withPulse({ lately: { known: 1000, unknown: 0 } })).toEqual([]);
  });

  it("tells of edges that keep answering by old maps, not of ones that have just woken", ({ expect }) => {
    const old = (agoMs: number): Partial<EdgePulse> => ({
      isolates: [...PULSE.isolates, { generation: 41, sinceMs: NOW - agoMs, requests: 100 }],
    });
    expect(withPulse(old(2 * MINUTE_MS - 1))).toEqual([]);
    expect(withPulse(old(2 * MINUTE_MS))).toEqual(["edges-behind"]);
    const fresh = { published: { generation: 42, atMs: NOW - 5 * MINUTE_MS + 1 } };
    expect(withPulse(old(9 * MINUTE_MS), fresh)).toEqual([]);
    const pinned = { breakGlass: { reason: "r", expiresMs: NOW + 1, pins: true } };
    expect(withPulse(old(9 * MINUTE_MS), pinned)).toEqual(["break-glass-active"]);
  });

  it("tells of an outbox that is old or blocked", ({ expect }) => {
    expect(namesOf({ outbox: { oldestMs: NOW - 10 * MINUTE_MS + 1, blocked: null } })).toEqual([]);
    expect(namesOf({ outbox: { oldestMs: NOW - 10 * MINUTE_MS, blocked: null } })).toEqual(["outbox-old"]);
    expect(namesOf({ outbox: { oldestMs: null, blocked: "too many domains" } })).toEqual(["outbox-old"]);
  });

  it("tells of halt, break-glass, stuck undos, holds, pins, the fallback and dead letters", ({ expect }) => {
    expect(
      namesOf({
        halt: { by: "eve", reason: "unsure" },
        breakGlass: { reason: "2.9.0 loses uploads", expiresMs: NOW + DAY_MS, pins: false },
        stuck: [{ rollout: "autumn", accounts: ["acme"], count: 1 }],
        holds: { products: [{ product: "kiln", until: "2026-11-28" }], accounts: ["acme"], count: 7 },
        oldPins: { count: 1, accounts: ["acme"] },
        badInUse: [{ product: "kiln", version: "2", homes: 0, held: 1 }],
        fallbacks: [{ product: "kiln", fallback: "https://a", default: "2", origin: "https://b" }],
        dead: [{ receiver: "pager", count: 2, command: "firebreak webhook redeliver pager" }],
      }),
    ).toEqual([
      "halt-active",
      "break-glass-active",
      "undo-unconfirmed autumn",
      "hold-past-end kiln",
      "hold-past-end",
      "pin-old",
      "bad-in-use kiln 2",
      "fallback-old kiln",
      "dead-letters pager",
    ]);
    const badInUse = [{ product: "kiln", version: "2", homes: 1200, held: 1 }];
    expect(findAlarms({ ...QUIET, badInUse })[0]?.words).toBe(
      "kiln 2 is marked bad, and is the home of 1,200 accounts and named by 1 of the pins and quarantines: nothing moves them by itself",
    );
    const [held] = findAlarms({ ...QUIET, holds: { products: [], accounts: ["acme", "beta"], count: 7 } });
    expect(held?.words).toBe("Holds past their end: acme, beta and 5 more. Lift them, or set a new end");
  });

  it("says of one rollout the most telling thing alone", ({ expect }) => {
    const told = (level: "page" | "ticket"): Partial<AlarmFacts> => ({
      notices: [{ source: "rollout/autumn", level, words: "autumn paused: the gate failed" }],
    });
    const of = (rollout: Partial<AlarmRollout>, more: Partial<AlarmFacts> = {}): readonly string[] =>
      namesOf({ rollouts: [{ ...ROLLOUT, ...rollout }], ...more });
    expect(of({})).toEqual([]);
    expect(of({ deadlineMs: NOW })).toEqual([]);
    expect(of({ deadlineMs: NOW - 1 })).toEqual(["wave-overdue autumn"]);
    expect(of({ deadlineMs: NOW - 1 }, told("ticket"))).toEqual(["wave-overdue autumn"]);
    expect(of({ deadlineMs: NOW - 1 }, told("page"))).toEqual(["rollout-page autumn"]);
    expect(of({ wantsApproval: true }, told("ticket"))).toEqual(["rollout-ticket autumn"]);
    expect(of({ wantsApproval: true, sinceMs: NOW - DAY_MS }, told("ticket"))).toEqual([
      "approval-old autumn",
    ]);
    expect(of({ automaticRollback: "goes back by itself" }, told("page"))).toEqual([
      "automatic-rollback autumn",
    ]);
    expect(namesOf({ notices: [{ source: "replacement/kiln/2.8.0", level: "page", words: "w" }] })).toEqual([
      "rollout-page kiln 2.8.0",
    ]);
  });
});

describe("turnAlarms", () => {
  const halted: AlarmFinding = { name: "halt-active", subject: "", words: "halted" };
  const behind: AlarmFinding = { name: "edges-behind", subject: "", words: "behind" };

  it("raises and clears each alarm once", ({ expect }) => {
    const first = turnAlarms([], [halted], NOW);
    expect(first.raised.map(({ name }) => name)).toEqual(["halt-active"]);
    const second = turnAlarms(first.alarms, [{ ...halted, words: "halted still" }], NOW + MINUTE_MS);
    expect([second.raised, second.cleared]).toEqual([[], []]);
    expect(second.alarms[0]).toMatchObject({ words: "halted still", sinceMs: NOW, raisedMs: NOW });
    const third = turnAlarms(second.alarms, [], NOW + 2 * MINUTE_MS);
    expect([third.alarms, third.raised]).toEqual([[], []]);
    expect(third.cleared.map(({ name }) => name)).toEqual(["halt-active"]);
    expect(turnAlarms(third.alarms, [], NOW + 3 * MINUTE_MS).cleared).toEqual([]);
  });

  it("waits as long as the table says, and tells nothing of what was over before", ({ expect }) => {
    const { forMs } = ALARM_TABLE["edges-behind"];
    const first = turnAlarms([], [behind], NOW);
    expect([first.raised, first.alarms[0]?.raisedMs]).toEqual([[], null]);
    const early = turnAlarms(first.alarms, [behind], NOW + forMs - 1);
    expect(early.raised).toEqual([]);
    expect(turnAlarms(early.alarms, [], NOW + forMs).cleared).toEqual([]);
    expect(turnAlarms(early.alarms, [behind], NOW + forMs).raised).toHaveLength(1);
  });

  it("keeps subjects apart", ({ expect }) => {
    const of = (subject: string): AlarmFinding => ({ name: "fallback-old", subject, words: subject });
    const first = turnAlarms([], [of("kiln")], NOW);
    const second = turnAlarms(first.alarms, [of("kiln"), of("fogbugz")], NOW + DAY_MS);
    expect(second.raised.map(({ subject }) => subject)).toEqual(["kiln"]);
  });
});

describe("ALARM_TABLE", () => {
  it("has for every alarm a condition and a command that names no machine", ({ expect }) => {
    expect(Object.keys(ALARM_TABLE).toSorted()).toEqual([...ALARM_NAMES].toSorted());
    for (const { condition, firstCommand } of Object.values(ALARM_TABLE)) {
      expect(condition.length).toBeGreaterThan(20);
      expect(firstCommand).toMatch(/^(?:firebreak|npx wrangler) [a-z]/);
    }
  });
});
