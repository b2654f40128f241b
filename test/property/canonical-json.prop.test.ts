/** Hashes and names of objects are over this text: it must stay what it always was, byte for byte. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { canonicalJson } from "../../src/core/maps/canonical.ts";

/** The definition: JSON with sorted members, written by a replacer, in ASCII. */
function defined(value: unknown): string {
  const sorted = (_name: string, member: unknown): unknown =>
    typeof member !== "object" || member === null || Array.isArray(member)
      ? member
      : Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(value, sorted).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Names that look like numbers come first in objects, whatever is sorted; `__proto__` is a name like others. */
const name = fc.oneof(fc.string(), fc.constantFrom("10", "9", "007", "-1", "__proto__", "é", "\u{1f525}"));
const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
  ),
  tree: fc.oneof(
    { maxDepth: 4 },
    tie("leaf"),
    fc.array(tie("tree"), { maxLength: 5 }),
    fc.dictionary(name, tie("tree"), { maxKeys: 5, noNullPrototype: false }),
  ),
}));

describe("canonical JSON", () => {
  it("is what its definition gives, for any data", ({ expect }) => {
    fc.assert(
      fc.property(tree, (value) => {
        if (value === undefined) return;
        expect(canonicalJson(value)).toBe(defined(value));
      }),
    );
  });

  it("is the same whatever the order of members, and reads as the same data", ({ expect }) => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, fc.json()), { selector: ([key]) => key }), (members) => {
        const [there, back] = [members, members.toReversed()].map((list) => Object.fromEntries(list));
        expect(canonicalJson(there)).toBe(canonicalJson(back));
        expect(JSON.parse(canonicalJson(there))).toEqual(there);
      }),
    );
  });
});
