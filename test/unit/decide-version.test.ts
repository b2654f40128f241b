/**
 * decideVersion over the golden table of vectors/decisions.json: each case changes a small world (test/support/
 * maps-builders: acme at home on kiln 2.8.0, in group 0) and names the part of the decision that must come out.
 * The buckets behind the thresholds (acme: 2851 with salt s1, 1625 with h1, 9557 with h2) are those of buckets.json.
 */
import { describe, it } from "vitest";
import type { AccountRow, BreakGlass, RootProduct, RootRollout } from "../../src/contracts/maps.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import type { Override } from "../../src/core/decision.ts";
import { breakGlass, product, rollout, root, row } from "../support/maps-builders.ts";
import cases from "../vectors/decisions.json" with { type: "json" };

interface Given {
  readonly product?: string;
  readonly slug?: string | null;
  readonly row?: Partial<AccountRow> | null;
  readonly rollouts?: readonly Partial<RootRollout>[];
  readonly kiln?: Partial<RootProduct>;
  readonly breakGlass?: Partial<BreakGlass>;
  readonly override?: Override;
}

function decide(given: Given) {
  return decideVersion({
    root: root({
      generation: 7,
      products: { kiln: product("kiln", given.kiln), fogbugz: product("fogbugz") },
      rollouts: (given.rollouts ?? []).map(rollout),
    }),
    breakGlass: given.breakGlass === undefined ? null : breakGlass(given.breakGlass),
    product: given.product ?? "kiln",
    slug: given.slug === undefined ? "acme" : given.slug,
    row: given.row === null ? null : row({ group: 0, ...given.row }),
    override: given.override ?? null,
  });
}

describe("decideVersion", () => {
  for (const { name, given, expect: wanted } of cases as { name: string; given: Given; expect: object }[]) {
    it(name, ({ expect }) => {
      expect(decide(given)).toMatchObject({ product: given.product ?? "kiln", generation: 7, ...wanted });
    });
  }

  it("has a case for every reason and kind", ({ expect }) => {
    const wanted = cases.map((one) => one.expect as { kind: string; reason?: string });
    expect(new Set(wanted.map(({ kind }) => kind))).toEqual(new Set(["forward", "hold", "unresolved"]));
    const reasons = ["break-glass", "hold", "override", "quarantine", "pin", "rollout", "home", "default"];
    expect(new Set(wanted.flatMap(({ reason }) => reason ?? []))).toEqual(new Set(reasons));
  });
});
