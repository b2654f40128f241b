/** What a root must satisfy in itself (checkRoot) and against the one before it (checkSuccession). */
import { describe, it } from "vitest";
import type { Root } from "../../../src/contracts/maps.ts";
import { checkRoot } from "../../../src/core/maps/root-limits.ts";
import { checkSuccession } from "../../../src/core/maps/succession.ts";
import { accounts, product, published, rollout, root, row } from "../../support/maps-builders.ts";

const many = <T>(count: number, make: (number: number) => T): T[] =>
  Array.from({ length: count }, (_, number) => make(number));
const faultOf = (partial: Partial<Root>): string | null => checkRoot(root(partial))?.fault ?? null;
const kiln = (partial: Parameters<typeof product>[1]): Partial<Root> => ({
  products: { kiln: product("kiln", partial) },
});
const replacement = (
  from: string,
  to: string,
  below = 1,
): { from: string; to: string; salt: string; below: number } => ({ from, to, salt: "x", below });

describe("checkRoot", () => {
  it("accepts an ordinary root, inline index or not", ({ expect }) => {
    expect(checkRoot(root())).toBeNull();
    expect(checkRoot(published({}, accounts(3000)).root)).toBeNull();
    expect(checkRoot(published({}, accounts(3000), { inline: true }).root)).toBeNull();
  });

  it("refuses a root without products", ({ expect }) => {
    expect(faultOf({ products: {} })).toBe("no-products");
  });

  it("refuses what is over a limit", ({ expect }) => {
    const versions = Object.fromEntries(
      many(33, (n) => [`1.${n}`, { origin: "https://a.example.net", state: "live" as const }]),
    );
    const groups = many(2001, () => 0);
    expect(faultOf({ products: Object.fromEntries(many(33, (n) => [`p${n}`, product(`p${n}`)])) })).toBe(
      "over-limit",
    );
    expect(faultOf(kiln({ versions: { ...product("kiln").versions, ...versions } }))).toBe("over-limit");
    expect(faultOf(kiln({ domains: many(17, (n) => `d${n}.example.com`) }))).toBe("over-limit");
    expect(faultOf({ rollouts: [rollout({ moved: groups, held: groups })] })).toBe("over-limit");
    expect(faultOf({ urgent: many(257, (n) => row({ slug: `a${n}` })) })).toBe("over-limit");
    expect(
      faultOf({
        urgent: many(200, (n) =>
          row({ slug: `a${n}-${"x".repeat(50)}`, pins: { kiln: "2.8.0", fogbugz: "2.8.0" } }),
        ),
      }),
    ).toBe("over-limit");
  });

  it("refuses more asset prefixes than it takes", ({ expect }) => {
    const version = (assets: readonly string[]) => ({
      ...product("kiln").versions,
      "2.8.0": { origin: "https://a.example.net", state: "live" as const, assets },
    });
    expect(faultOf(kiln({ versions: version(many(8, (n) => `/a/${n}/`)) }))).toBeNull();
    expect(faultOf(kiln({ versions: version(many(9, (n) => `/a/${n}/`)) }))).toBe("over-limit");
  });

  it("refuses references into nothing", ({ expect }) => {
    expect(faultOf(kiln({ default: "1.0.0" }))).toBe("shape");
    expect(faultOf(kiln({ stable: "constructor" }))).toBe("shape");
    expect(faultOf(kiln({ standby: "1.0.0" }))).toBe("shape");
    expect(faultOf(kiln({ replacements: [replacement("2.8.0", "1.0.0")] }))).toBe("shape");
    expect(faultOf({ rollouts: [rollout({ targets: { kiln: "1.0.0" } })] })).toBe("shape");
    expect(faultOf({ rollouts: [rollout({ targets: { trello: "2.9.0" } })] })).toBe("shape");
  });

  it("refuses what contradicts itself", ({ expect }) => {
    const shared = { kiln: product("kiln"), fogbugz: product("fogbugz", { domains: ["kiln.example.com"] }) };
    expect(faultOf({ products: shared })).toBe("shape");
    expect(faultOf({ rollouts: [rollout({ id: "a" }), rollout({ id: "b" })] })).toBe("shape");
    expect(faultOf({ urgent: [row(), row()] })).toBe("shape");
    expect(
      faultOf(kiln({ replacements: [replacement("2.8.0", "2.8.1"), replacement("2.8.1", "2.8.0")] })),
    ).toBe("shape");
    expect(
      faultOf(kiln({ replacements: [replacement("2.8.0", "2.8.1"), replacement("2.8.0", "2.9.0")] })),
    ).toBe("shape");
    expect(faultOf({ index: { ...root().index, hash: "0".repeat(32) } })).toBe("hash");
    expect(faultOf({ index: { ...root().index, shards: 2 } })).toBe("shape");
    expect(faultOf({ index: { ...root().index, shards: 3, inline: null } })).toBe("shape");
  });

  it("refuses thresholds outside 0-10,000 and lists of different length", ({ expect }) => {
    expect(faultOf({ rollouts: [rollout({ moved: [10_001], held: [0] })] })).toBe("shape");
    expect(faultOf({ rollouts: [rollout({ moved: [-1], held: [0] })] })).toBe("shape");
    expect(faultOf({ rollouts: [rollout({ moved: [0, 0], held: [0] })] })).toBe("shape");
    expect(faultOf(kiln({ replacements: [replacement("2.8.0", "2.8.1", 10_001)] }))).toBe("shape");
  });

  it("refuses an origin that is none", ({ expect }) => {
    const { versions } = product("kiln");
    expect(
      faultOf(kiln({ versions: { ...versions, "2.7.0": { origin: "https://u@h/x", state: "live" } } })),
    ).toBe("shape");
  });

  it("does not freeze everybody's maps for one bad urgent row", ({ expect }) => {
    expect(faultOf({ urgent: [row({ pins: { kiln: "1.0.0" } })] })).toBeNull();
  });
});

describe("checkSuccession", () => {
  const held = root({ generation: 5, accounts: 10_000, domains: 100, removed: { accounts: 7, domains: 0 } });
  const next = (partial: Partial<Root>): string | null =>
    checkSuccession(held, { ...held, generation: 6, ...partial })?.fault ?? null;

  it("accepts anything first, the same again, and a newer one", ({ expect }) => {
    expect(checkSuccession(null, held)).toBeNull();
    expect(checkSuccession(held, held)).toBeNull();
    expect(next({})).toBeNull();
    expect(next({ accounts: 2_000_000 })).toBeNull();
  });

  it("refuses an older generation, and the same with other content", ({ expect }) => {
    expect(next({ generation: 4 })).toBe("generation");
    expect(next({ generation: 5, halt: true })).toBe("generation");
  });

  it("allows 50 of 10,000 accounts to be missing, or 0.5 % of more, and a tenth of few", ({ expect }) => {
    expect(next({ accounts: 9950 })).toBeNull();
    expect(next({ accounts: 9949 })).toBe("shrunken");
    expect(next({ accounts: 7000 })).toBe("shrunken");
    expect(next({ domains: 90 })).toBeNull();
    expect(next({ domains: 89 })).toBe("shrunken");
  });

  it("allows what was removed on purpose since the held one, and no more", ({ expect }) => {
    expect(next({ accounts: 6950, removed: { accounts: 3007, domains: 0 } })).toBeNull();
    expect(next({ accounts: 6949, removed: { accounts: 3007, domains: 0 } })).toBe("shrunken");
    expect(next({ accounts: 9940, removed: { accounts: 0, domains: 0 } })).toBe("shrunken");
  });
});
