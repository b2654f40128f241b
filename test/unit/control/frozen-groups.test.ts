/** What a rollout keeps of its accounts, there and back: groups that fit one part of buckets, and one that needs more. */
import { describe, it } from "vitest";
import type { FrozenGroup } from "../../../src/contracts/rollout.ts";
import { loadFrozen, saveFrozen } from "../../../src/control/store/rollouts.ts";
import { migrate } from "../../../src/control/migrations.ts";
import { createMemoryDb } from "../../support/control-db.ts";

const MOST_OF_A_PART = 200_000;

function groupOf(group: number, buckets: Uint16Array, more: Partial<FrozenGroup> = {}): FrozenGroup {
  return {
    cohort: "early",
    zone: "Europe/Paris",
    window: null,
    cell: null,
    variant: "",
    group,
    labels: null,
    buckets,
    ...more,
  };
}

describe("what a rollout has frozen", () => {
  it("is read as it was saved, in its order, and replaced as a whole", ({ expect }) => {
    const db = createMemoryDb();
    migrate(db);
    const many = Uint16Array.from({ length: 2 * MOST_OF_A_PART + 1 }, (_, at) => at % 10_000);
    const groups = [
      groupOf(7, many, { cell: "eu-1", labels: { tier: "gold" } }),
      groupOf(3, new Uint16Array(0)),
      groupOf(4, Uint16Array.from([0, 255, 256, 9999]).subarray(1), { labels: {} }),
    ];
    saveFrozen(db, "r", groups);
    saveFrozen(db, "other", [groupOf(1, new Uint16Array(1))]);
    expect(loadFrozen(db, "r")).toEqual(groups);
    saveFrozen(db, "r", groups.slice(1));
    expect(loadFrozen(db, "r")).toEqual(groups.slice(1));
    expect(loadFrozen(db, "nobody")).toEqual([]);
  });

  it("lies there low byte first, whatever reads it", ({ expect }) => {
    const db = createMemoryDb();
    migrate(db);
    saveFrozen(db, "r", [groupOf(1, Uint16Array.from([1, 0x1234]))]);
    expect(db.rows("SELECT hex(buckets) AS hex FROM rollout_buckets")).toEqual([{ hex: "01003412" }]);
  });
});
