/** Rollouts move accounts one way only: sticky, monotone, and never anybody who was not asked for. */
import fc from "fast-check";
import { describe, it } from "vitest";
import type { AccountRow, BreakGlass } from "../../src/contracts/maps.ts";
import { bucketOf } from "../../src/core/bucket.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import type { Decision } from "../../src/core/decision.ts";
import { breakGlass, product, rollout, root, row } from "../support/maps-builders.ts";

const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,14}$/);
const threshold = fc.nat(10_000);
const GROUPS = 4;
const thresholds = fc.array(threshold, { minLength: GROUPS, maxLength: GROUPS });
const version = fc.constantFrom("2.7.0", "2.8.0", "2.8.1", "2.9.0", "1.0.0");

interface World {
  readonly salt?: string;
  readonly moved: readonly number[];
  readonly document?: BreakGlass;
}

function decide(one: AccountRow | null, { salt = "s", moved, document }: World): Decision {
  const maps = root({ rollouts: [rollout({ salt, moved: [...moved], held: moved.map(() => 0) })] });
  const rest = { breakGlass: document ?? null, product: "kiln", override: null };
  return decideVersion({ root: maps, slug: one?.slug ?? "ghost", row: one, ...rest });
}

const reasonOf = (decision: Decision): string =>
  decision.kind === "forward" ? decision.reason : decision.kind;

describe("decideVersion", () => {
  it("never moves anybody back while thresholds rise", ({ expect }) => {
    fc.assert(
      fc.property(
        slug,
        fc.string(),
        fc.nat(GROUPS - 1),
        thresholds,
        thresholds,
        (name, salt, group, first, rise) => {
          const later = first.map((moved, index) => Math.min(10_000, moved + (rise[index] ?? 0)));
          const one = row({ slug: name, group });
          if (reasonOf(decide(one, { salt, moved: first })) === "rollout") {
            expect(reasonOf(decide(one, { salt, moved: later }))).toBe("rollout");
          }
        },
      ),
    );
  });

  it("moves an account when its group's threshold passes its bucket, whatever other groups do", ({
    expect,
  }) => {
    fc.assert(
      fc.property(slug, fc.nat(GROUPS - 1), thresholds, (name, group, moved) => {
        const wanted = bucketOf("s", name) < (moved[group] ?? 0) ? "rollout" : "home";
        expect(reasonOf(decide(row({ slug: name, group }), { moved }))).toBe(wanted);
      }),
    );
  });

  it("gives the same answer to the same question", ({ expect }) => {
    fc.assert(
      fc.property(slug, fc.nat(GROUPS), thresholds, (name, group, moved) => {
        const one = row({ slug: name, group });
        expect(decide(one, { moved })).toEqual(decide(structuredClone(one), { moved }));
      }),
    );
  });

  it("leaves unknown accounts, accounts without group, pinned and quarantined ones where they are", ({
    expect,
  }) => {
    fc.assert(
      fc.property(slug, thresholds, (name, moved) => {
        expect(decide(null, { moved })).toMatchObject({ version: "2.8.0", reason: "default" });
        expect(decide(row({ slug: name }), { moved })).toMatchObject({ version: "2.8.0", reason: "home" });
        const kept = { slug: name, group: 0, pins: { kiln: "2.7.0" } };
        expect(decide(row(kept), { moved })).toMatchObject({ version: "2.7.0", reason: "pin" });
        expect(decide(row({ ...kept, quarantine: { kiln: "2.8.1" } }), { moved })).toMatchObject({
          version: "2.8.1",
        });
      }),
    );
  });

  it("completing a rollout moves nobody: homes written, rollout gone, same versions", ({ expect }) => {
    fc.assert(
      fc.property(slug, fc.nat(GROUPS - 1), thresholds, (name, group, moved) => {
        const before = decide(row({ slug: name, group }), { moved });
        if (before.kind !== "forward") throw new Error("must forward");
        const settled = row({ slug: name, group, homes: { kiln: before.version } });
        expect(decide(settled, { moved })).toMatchObject({ version: before.version });
        expect(decide(settled, { moved: [] })).toMatchObject({ version: before.version });
      }),
    );
  });

  it("never sends a known account to a version that nothing named for it, break-glass included", ({
    expect,
  }) => {
    const versions = fc.dictionary(version, version, { noNullPrototype: true });
    const documents = fc.record({
      instead: versions,
      account: fc.option(version),
      fallback: fc.option(version),
    });
    fc.assert(
      fc.property(slug, version, version, documents, (name, home, pin, given) => {
        const document = breakGlass({
          instead: { kiln: given.instead },
          accounts: given.account === null ? {} : { [name]: { kiln: given.account } },
          default: given.fallback === null ? {} : { kiln: given.fallback },
        });
        const decision = decide(row({ slug: name, homes: { kiln: home }, pins: { kiln: pin } }), {
          moved: [],
          document,
        });
        if (decision.kind === "forward") {
          expect([pin, given.instead[pin], given.account]).toContain(decision.version);
          expect(decision.origin).toBe(product("kiln").versions[decision.version]?.origin);
          expect(decision.standby).toBeNull();
        } else {
          expect(decision).toMatchObject({ kind: "unresolved" });
          expect(pin).toBe("1.0.0");
        }
      }),
    );
  });
});
