/** Rollouts and plans as the API shows them, for tests of what is made of them. */
import type { RollbackPreview, RolloutPlanAnswer } from "../../src/contracts/api/rollout-plan.ts";
import type { RolloutView, WaveView } from "../../src/contracts/api/rollouts.ts";

export function buildWave(changes: Partial<WaveView> = {}): WaveView {
  return {
    name: "staff",
    accounts: 40,
    moved: 0,
    progress: 0,
    verdict: null,
    requests: null,
    threshold: 10_000,
    approved: null,
    firstMoveAt: null,
    shiftedAt: null,
    bakedAt: null,
    ...changes,
  };
}

/** Staff has moved and baked, forty is moving, rest needs a yes. */
export function buildRolloutView(changes: Partial<RolloutView> = {}): RolloutView {
  return {
    id: "2026-11-autumn",
    targets: { kiln: "2.9.0", fogbugz: "8.8.0" },
    phase: "shifting",
    cause: "moving",
    reason: "Wave forty is moving",
    nextAt: "2026-11-28T21:01:00.000Z",
    deadline: null,
    wave: 1,
    waves: [
      buildWave({
        moved: 40,
        progress: 1,
        verdict: "pass",
        firstMoveAt: "2026-11-27T20:00:00.000Z",
        shiftedAt: "2026-11-27T20:00:00.000Z",
        bakedAt: "2026-11-27T21:00:00.000Z",
      }),
      buildWave({
        name: "forty",
        accounts: 3960,
        moved: 990,
        progress: 0.25,
        threshold: 3980,
        firstMoveAt: "2026-11-28T21:00:00.000Z",
      }),
      buildWave({ name: "rest", accounts: 6000 }),
    ],
    coverage: [],
    defaults: [
      { product: "kiln", state: "pending", at: null },
      { product: "fogbugz", state: "pending", at: null },
    ],
    paused: null,
    rollback: null,
    accounts: 10_000,
    moved: 1030,
    digest: "ab".repeat(32),
    salt: "salt",
    startedAt: "2026-11-27T19:00:00.000Z",
    clock: "2026-11-28T21:00:00.000Z",
    leftBehind: [{ reason: "pinned", accounts: 7, examples: ["a", "b", "c", "d", "e", "f"] }],
    revision: 12,
    ...changes,
  };
}

/** Of everybody, by a person, and done. */
export function buildRollback(
  changes: Partial<NonNullable<RolloutView["rollback"]>> = {},
): NonNullable<RolloutView["rollback"]> {
  return {
    by: "jo",
    automatic: false,
    at: "2026-11-28T21:00:00.000Z",
    reason: "attachments fail",
    scope: "all",
    toWave: null,
    stage: "done",
    ...changes,
  };
}

export function buildPlan(changes: Partial<RolloutPlanAnswer> = {}): RolloutPlanAnswer {
  return {
    id: "2026-11-autumn",
    targets: { kiln: "2.9.0" },
    digest: "cd".repeat(32),
    salt: "salt",
    at: "2026-11-27T19:00:00.000Z",
    problems: [],
    warnings: [],
    accounts: 10_000,
    moves: 10_000,
    groups: 210,
    waves: [
      {
        name: "staff",
        accounts: 40,
        threshold: 10_000,
        startAt: "2026-11-27T19:00:00.000Z",
        shiftedAt: "2026-11-27T19:00:00.000Z",
        bakedAt: "2026-11-27T20:00:00.000Z",
        zones: [
          {
            zone: "Europe/Paris",
            accounts: 40,
            first: { local: "2026-11-27T20:00:00+01:00", utc: "2026-11-27T19:00:00Z" },
            last: { local: "2026-11-27T20:00:00+01:00", utc: "2026-11-27T19:00:00Z" },
          },
        ],
        oneWay: [],
        warnings: [],
        labels: null,
      },
      {
        name: "rest",
        accounts: 9960,
        threshold: 10_000,
        startAt: "2026-11-27T20:00:00.000Z",
        shiftedAt: null,
        bakedAt: null,
        zones: [],
        oneWay: ["kiln 2.9.0"],
        warnings: ["2 groups have no window within 400 days"],
        labels: { gold: 60, "": 9900 },
      },
    ],
    criticalPath: [
      {
        what: 'wave "staff" bakes',
        from: "2026-11-27T19:00:00.000Z",
        until: "2026-11-27T20:00:00.000Z",
      },
    ],
    endAt: null,
    irreversible: ["kiln 2.9.0"],
    leftBehind: [{ reason: "deferred", accounts: 2, examples: ["acme", "tyrell"] }],
    notReached: {
      before: "2026-12-20T00:00:00.000Z",
      accounts: 17,
      zones: ["Asia/Tokyo", "Europe/Paris"],
    },
    ...changes,
  };
}

/** Everybody of `buildRolloutView` who has moved goes back. */
export function buildRollbackPreview(changes: Partial<RollbackPreview> = {}): RollbackPreview {
  return {
    id: "2026-11-autumn",
    accounts: 1030,
    stay: 0,
    waves: [
      { name: "staff", accounts: 40 },
      { name: "forty", accounts: 990 },
    ],
    defaults: [],
    confirm: [],
    refused: null,
    marksBad: [],
    ...changes,
  };
}
