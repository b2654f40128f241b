/** Who a rollout moves, and the flap brake across rollouts. */
import { describe, it } from "vitest";
import { leftBehindReason } from "../../../src/core/rollout/eligible.ts";
import { account, DAY, FRIDAY, facts, HOUR, NEW, OLD } from "../../support/rollout-builders.ts";

const query = { targets: NEW, facts: facts(), nowMs: FRIDAY, again: false };

describe("leftBehindReason", () => {
  it("keeps back who was rolled back within a day, until somebody says again", ({ expect }) => {
    const back = (ago: number) => account("a", { rolledBackMs: FRIDAY - ago });
    expect(leftBehindReason(back(DAY - 1), query)).toBe("flapping");
    expect(leftBehindReason(back(DAY), query)).toBeNull();
    expect(leftBehindReason(back(HOUR), { ...query, again: true })).toBeNull();
  });

  it("honours upgradesFrom, pairs and every obstacle, whole accounts at a time", ({ expect }) => {
    expect(leftBehindReason(account("a"), query)).toBeNull();
    expect(leftBehindReason(account("a", { homes: { ...OLD, kiln: "2.7.0" } }), query)).toBe("incompatible");
    expect(leftBehindReason(account("a"), { ...query, targets: { kiln: NEW.kiln } })).toBe("incompatible");
    expect(leftBehindReason(account("a", { homes: { kiln: OLD.kiln } }), query)).toBeNull();
    expect(leftBehindReason(account("a", { pinned: ["fogbugz"] }), query)).toBe("pinned");
    expect(leftBehindReason(account("a", { quarantined: ["kiln"] }), query)).toBe("quarantined");
    expect(leftBehindReason(account("a", { homes: NEW }), query)).toBe("already-there");
    expect(leftBehindReason(account("a", { homes: { other: "1" } }), query)).toBe("no-product");
  });
});
