/**
 * Codecs of the published maps over generated maps: reading gives back what was written, equal maps are equal bytes,
 * a shard answers like a Map, and no damaged text is ever accepted or throws.
 */
import fc from "fast-check";
import { describe, it } from "vitest";
import { NO_GROUP, type AccountRow, type Hold, type Root } from "../../src/contracts/maps.ts";
import { parseBreakGlass } from "../../src/core/maps/break-glass.ts";
import { decodeIndex, encodeIndex } from "../../src/core/maps/index-codec.ts";
import { shardOf } from "../../src/core/maps/key-hash.ts";
import { decodeRoot, encodeRoot } from "../../src/core/maps/root-codec.ts";
import { encodeShard, openShard } from "../../src/core/maps/shard-codec.ts";
import { contentHash } from "../../src/core/sha256.ts";
import { isSlug } from "../../src/core/slug.ts";
import { product, rollout, root } from "../support/maps-builders.ts";

const slug = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,12}[a-z0-9])?$/).filter(isSlug);
const host = fc.tuple(slug, slug).map(([a, b]) => `${a}.${b}.example`);
const version = fc.constantFrom("2.7.0", "2.8.0", "2.9.0-rc.1+b", "constructor");
const versions = fc.dictionary(fc.constantFrom("kiln", "fogbugz", "valueof"), version, {
  noNullPrototype: true,
});
const hold: fc.Arbitrary<Hold> = fc.record({
  mode: fc.constantFrom("page", "readOnly"),
  message: fc.option(fc.string({ unit: "binary", maxLength: 20 })),
  until: fc.option(fc.nat()),
});

const row: fc.Arbitrary<AccountRow> = fc
  .record({
    slug,
    host: fc.option(host),
    homes: versions,
    group: fc.integer({ min: NO_GROUP, max: 1999 }),
    cell: fc.option(fc.constantFrom("eu1", "us-2")),
    deleted: fc.boolean(),
    pins: fc.option(versions),
    quarantine: fc.option(versions),
    hold: fc.option(hold),
  })
  .map(({ host: custom, ...rest }) => ({
    ...rest,
    key: custom ?? rest.slug,
    product: custom === null ? null : "kiln",
  }));

const rows = fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 60 });

const anyRoot: fc.Arbitrary<Root> = fc
  .record({
    generation: fc.integer({ min: 1 }),
    publishedAt: fc.maxSafeNat(),
    accounts: fc.nat(),
    domains: fc.nat(),
    removed: fc.record({ accounts: fc.nat(), domains: fc.nat() }),
    halt: fc.boolean(),
    overrideEpoch: fc.maxSafeNat(),
    urgent: fc.uniqueArray(row, { selector: ({ key }) => key, maxLength: 5 }),
    moved: fc.array(fc.nat(10_000), { maxLength: 30 }),
    productHold: fc.option(hold),
  })
  .map(({ moved, productHold, ...rest }) =>
    root({
      ...rest,
      products: { kiln: product("kiln", { hold: productHold }) },
      rollouts: [rollout({ moved, held: moved })],
    }),
  );

describe("shards", () => {
  it("answer like a Map, in every shard count", ({ expect }) => {
    fc.assert(
      fc.property(
        rows,
        fc.constantFrom(1, 2, 8),
        fc.array(fc.oneof(slug, host, fc.string()), { maxLength: 20 }),
        (all, shards, others) => {
          const wanted = new Map(all.map((one) => [one.key, one]));
          const opened = Array.from({ length: shards }, (_, shard) => {
            const text = encodeShard({
              shard,
              shards,
              rows: all.filter((one) => shardOf(one.key, shards) === shard),
            });
            const result = openShard(text, contentHash(text));
            if (!result.ok) throw new Error(result.error.detail);
            return result.value;
          });
          for (const key of [...wanted.keys(), ...others]) {
            expect(opened[shardOf(key, shards)]?.find(key)).toEqual(wanted.get(key) ?? null);
          }
          expect(opened.flatMap((shard) => [...shard.list()]).length).toBe(all.length);
        },
      ),
    );
  });

  it("are the same bytes for the same rows in any order", ({ expect }) => {
    fc.assert(
      fc.property(
        rows.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          expect(encodeShard({ shard: 0, shards: 1, rows: shuffled })).toBe(
            encodeShard({ shard: 0, shards: 1, rows: all }),
          );
        },
      ),
    );
  });

  it("never open when a character was changed, even under the name of the changed text", ({ expect }) => {
    fc.assert(
      fc.property(
        rows,
        fc.nat(),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
        (all, at, char) => {
          const text = encodeShard({ shard: 0, shards: 1, rows: all });
          const place = at % text.length;
          const changed = text.slice(0, place) + char + text.slice(place + 1);
          expect(openShard(changed, contentHash(text)).ok).toBe(changed === text);
          const renamed = openShard(changed, contentHash(changed));
          // Whatever still opens must be whole: as many rows as it says, each found by its own key.
          if (renamed.ok)
            for (const one of renamed.value.list()) expect(renamed.value.find(one.key)).toEqual(one);
        },
      ),
    );
  });
});

describe("roots", () => {
  it("come back as they were written", ({ expect }) => {
    fc.assert(
      fc.property(anyRoot, (one) => {
        expect(decodeRoot(encodeRoot(one))).toEqual({ ok: true, value: one });
      }),
    );
  });

  it("are refused, never half read, when a character was changed", ({ expect }) => {
    fc.assert(
      fc.property(anyRoot, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (one, at, char) => {
        const text = encodeRoot(one);
        const place = at % text.length;
        const changed = text.slice(0, place) + char + text.slice(place + 1);
        fc.pre(changed !== text && changed.trimEnd() !== text);
        expect(decodeRoot(changed).ok).toBe(false);
      }),
    );
  });
});

describe("decoders", () => {
  it("return a value for any text at all", ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
        for (const result of [
          decodeRoot(text),
          openShard(text, contentHash(text)),
          decodeIndex(text, contentHash(text)),
        ]) {
          expect(result.ok).toBe(false);
        }
        const document = parseBreakGlass(text);
        expect(document.ok ? document.value : "refused").toBe(document.ok ? null : "refused");
      }),
    );
  });

  it("read any index back", ({ expect }) => {
    const hashes = fc
      .nat(6)
      .chain((log) =>
        fc.array(fc.stringMatching(/^[0-9a-f]{32}$/), { minLength: 2 ** log, maxLength: 2 ** log }),
      );
    fc.assert(
      fc.property(hashes, (list) => {
        const text = encodeIndex(list);
        expect(decodeIndex(text, contentHash(text))).toEqual({ ok: true, value: list });
      }),
    );
  });
});
