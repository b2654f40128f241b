/**
 * While today's fleet serves a product, no known account of it ever gets anything else than the fleet's answer, whatever
 * the maps say: rollouts, pins, quarantine, replacements, rows that cannot be read. Other products are answered as if the
 * mode were not there. Asked of the edge itself, beside the same edge without the mode.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { RootFleet } from "../../src/contracts/fleet.ts";
import { FLEET_SCHEMA, MAPS_SCHEMA, type AccountRow, type Root } from "../../src/contracts/maps.ts";
import type { Decision } from "../../src/core/decision.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { leavesReadsToFleet, outranksFleet } from "../../src/core/fleet.ts";
import { buildEdge, buildProduct, buildRoot, buildRow, type TestEdge } from "../support/edge-builders.ts";
import { breakGlass, rollout } from "../support/maps-builders.ts";

const FLEET = "https://fleet.origins.example.net";
const RUNS = 150;
const SLUGS = ["acme", "beta", "gamma"];
const version = fc.constantFrom("2.7.0", "2.8.0", "2.9.0", "9.9.9");
const hold = fc.option(
  fc.record({
    mode: fc.constantFrom("page" as const, "readOnly" as const),
    message: fc.constant(null),
    until: fc.constant(null),
  }),
  { freq: 4 },
);
const world = fc.record({
  rows: fc.tuple(
    ...SLUGS.map((slug) =>
      fc
        .record({
          homes: fc.record({ kiln: version, fogbugz: version }, { requiredKeys: [] }),
          group: fc.integer({ min: -1, max: 1 }),
          pins: fc.option(fc.record({ kiln: version })),
          quarantine: fc.option(fc.record({ kiln: version })),
          hold,
        })
        .map((partial): AccountRow => buildRow(slug, partial)),
    ),
  ),
  moved: fc.array(fc.nat(10_000), { minLength: 2, maxLength: 2 }),
  below: fc.nat(10_000),
  unreadable: fc.subarray(SLUGS),
  mode: fc.constantFrom("pass-through" as const, "compare" as const),
  emergency: fc.option(fc.record({ acme: fc.record({ kiln: version }) }), { freq: 3 }),
  said: fc.option(fc.string()),
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function edgeOf(one: World, fleet: RootFleet | null): TestEdge {
  const replacements = [{ from: "2.8.0", to: "2.9.0", salt: "s", below: one.below }];
  const root: Root = buildRoot({
    schema: fleet === null ? MAPS_SCHEMA : FLEET_SCHEMA,
    products: {
      kiln: buildProduct({ replacements, ...(fleet === null ? {} : { fleet }) }),
      fogbugz: buildProduct({ domains: ["fogbugz.example.com"] }),
    },
    rollouts: [rollout({ moved: one.moved })],
  });
  const headers = new Headers();
  if (one.said !== null && /^[\x21-\x7e]*$/.test(one.said)) headers.set("X-Version", one.said);
  return buildEdge({
    root,
    rows: one.rows,
    unreadable: one.unreadable,
    breakGlass: one.emergency === null ? null : breakGlass({ accounts: one.emergency }),
    origin: () => new Response(null, { headers }),
  });
}

async function ask(edge: TestEdge, host: string): Promise<{ status: number; origin: string | null }> {
  const before = edge.seen.length;
  const { status } = await edge.fetch(host);
  const url = edge.seen[before]?.url;
  return { status, origin: url === undefined ? null : new URL(url).origin };
}

describe("a product that today's fleet serves", { timeout: 60_000 }, () => {
  it("never gives a known account anything but the fleet's answer, and touches no other product", async ({
    expect,
  }) => {
    await fc.assert(
      fc.asyncProperty(world, async (one) => {
        const fleet: RootFleet = { mode: one.mode, origin: FLEET, versionHeader: "X-Version", run: "r" };
        const served = edgeOf(one, fleet);
        const active = edgeOf(one, null);
        for (const slug of [...SLUGS, "nobody"]) {
          const other = `${slug}.fogbugz.example.com`;
          expect(await ask(served, other)).toEqual(await ask(active, other));
          const kiln = `${slug}.kiln.example.com`;
          const first = comesFirst(active, one, slug);
          const wanted = first === null ? { status: 200, origin: FLEET } : await ask(active, kiln);
          const got = await ask(served, kiln);
          expect(got, kiln).toEqual(wanted);
        }
        expect(served.compared.every(({ product }) => product === "kiln")).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Break-glass and holds, as far as the maps can be read; null: nothing comes before the fleet. */
function comesFirst(active: TestEdge, { rows, unreadable, emergency }: World, slug: string): Decision | null {
  const snapshot = active.maps.current({ nowMs: 0, waitUntil: () => undefined });
  if (snapshot instanceof Promise || snapshot.root === null) throw new Error("maps of tests are there");
  const row = unreadable.includes(slug) ? null : (rows.find((each) => each.slug === slug) ?? null);
  const document = emergency === null ? null : breakGlass({ accounts: emergency });
  const decision = decideVersion({
    root: snapshot.root,
    breakGlass: document,
    product: "kiln",
    slug,
    row,
    override: null,
  });
  const isReadByFleet = decision.kind === "hold" && leavesReadsToFleet(decision);
  return outranksFleet(decision) && !isReadByFleet ? decision : null;
}
