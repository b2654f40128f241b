/** A rollout that is stopped while homes are written: a rollback afterwards must still know that there are some. */
import { describe, it } from "vitest";
import type { RolloutState } from "../../../src/contracts/rollout.ts";
import { stop } from "../../../src/core/rollout/commands/stop-rollback.ts";
import { createRollout } from "../../../src/core/rollout/state.ts";
import { onePlan } from "../../support/rollout-builders.ts";

describe("stop while homes are written", () => {
  it("does not forget that they are", ({ expect }) => {
    const settling: RolloutState = {
      ...createRollout(onePlan({}), "salt", 0),
      phase: "settling",
      settle: { askedMs: 5, into: "completed" },
    };
    const context = { nowMs: 6, by: "olga", facts: {}, frozen: [] };
    const stopped = stop(settling, { kind: "stop", reason: "enough" }, context);
    expect(stopped.ok ? stopped.value.state.settle : null).toEqual({ askedMs: 5, into: "stopped" });
  });
});
