/** A plan that was written down can be read back: as a plan file it means the same plan, in the same spelling. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { RolloutInputSchema } from "../../src/contracts/api/rollouts.ts";
import { inputOfPlan } from "../../src/core/rollout/plan-input.ts";
import { normalisePlan } from "../../src/core/rollout/plan-normalise.ts";

const percent = fc.integer({ min: 1, max: 10_000 }).map((bp) => bp / 100);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const days = fc.uniqueArray(fc.constantFrom("mon", "tue", "sat"), { minLength: 1 });
const own = fc.record({ from: fc.constant("22:00"), to: fc.constant("04:00"), zone: fc.constant("account") });
const fixed = fc.record({
  days,
  from: fc.constant("10:00"),
  to: fc.constant("15:00"),
  zone: fc.constant("America/New_York"),
});
const window = fc.oneof(fc.constant("weekend-nights"), own, fc.array(own, { minLength: 1, maxLength: 3 }));
const bake = fc.record(
  { minutes: fc.nat(600), requests: fc.nat(5000), workdays: fc.constantFrom(0, 0.5, 1) },
  { requiredKeys: [] },
);
const wave = fc.record(
  {
    name: fc.constantFrom("staff", "forty", "rest"),
    cohorts: fc.array(fc.constantFrom("*", "internal", "early"), { minLength: 1, maxLength: 4 }),
    percent,
    window,
    percentPerMinute: percent,
    maxPerTick: fc.integer({ min: 1, max: 1000 }),
    bake,
    approve: fc.constant("before"),
  },
  { requiredKeys: ["name", "cohorts", "percent"] },
);
const gate = fc.record(
  {
    errorIncreasePercent: fc.constantFrom(0.5, 1, 5),
    onFail: fc.constantFrom("pause", "rollback"),
    onInconclusive: fc.constantFrom("hold", "approve"),
    mustHave: fc.constant(["tickets"]),
    latency: fc.constantFrom(null, { ratio: 2 }),
    actions: fc.constant({ errors: "rollback" }),
    dryRun: fc.constant(["latency"]),
  },
  { requiredKeys: [] },
);
const mirror = fc.oneof(
  fc.boolean(),
  fc
    .record({ minutes: fc.integer({ min: 1, max: 31 * 24 * 60 }), percent, more: maybe(fc.nat(100)) })
    .map(({ minutes, percent: share, more }) => ({
      minutes,
      percent: share,
      ...(more === undefined ? {} : { waitMinutes: Math.min(31 * 24 * 60, minutes + more) }),
    })),
);
const step = fc.record(
  { move: fc.boolean(), afterDays: fc.nat(30), window: fixed, approve: fc.constant("before"), mirror },
  { requiredKeys: ["move"] },
);
const data = fc.record(
  {
    maxFailures: fc.nat(50),
    batch: fc.integer({ min: 1, max: 2000 }),
    maxHoldMinutes: fc.double({ min: 1, max: 240, noNaN: true }),
  },
  { requiredKeys: [] },
);
const input = fc.record(
  {
    id: fc.constant("2026-11-autumn"),
    targets: fc.constantFrom({ kiln: "2.9.0" }, { kiln: "2.9.0", fogbugz: "8.8.0" }),
    waves: fc.array(wave, { minLength: 1, maxLength: 4 }),
    gate,
    default: step,
    data,
  },
  { requiredKeys: ["id", "targets", "waves"] },
);

describe("inputOfPlan", () => {
  it("gives back what means the same plan, and the same text the second time", ({ expect }) => {
    fc.assert(
      fc.property(input, (written) => {
        const plan = normalisePlan(RolloutInputSchema.parse(written));
        const shown = inputOfPlan(plan);
        const again = normalisePlan(RolloutInputSchema.parse(JSON.parse(JSON.stringify(shown))));
        expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(JSON.stringify(plan)));
        expect(JSON.stringify(inputOfPlan(again))).toBe(JSON.stringify(shown));
      }),
    );
  });
});
