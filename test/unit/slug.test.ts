/** What may be an account's slug: one lower-case DNS label, and no punycode. */
import { describe, it } from "vitest";
import { isSlug } from "../../src/core/slug.ts";

describe("isSlug", () => {
  it.for(["a", "7", "acme", "acme-2", "a--b", "0-0", "xn-a", "xna--b", "a".repeat(63)])(
    "accepts %s",
    (text, { expect }) => {
      expect(isSlug(text)).toBe(true);
    },
  );

  it.for([
    ["the empty text", ""],
    ["64 characters", "a".repeat(64)],
    ["a leading hyphen", "-acme"],
    ["a trailing hyphen", "acme-"],
    ["a hyphen alone", "-"],
    ["upper case", "Acme"],
    ["a dot", "www.acme"],
    ["a trailing dot", "acme."],
    ["an underscore", "acme_1"],
    ["a space", "ac me"],
    ["a line end", "acme\n"],
    ["NUL", "acme\u0000"],
    ["a full-width letter", "\uff41cme"],
    ["a Cyrillic letter", "\u0430cme"],
    ["a percent escape", "%61cme"],
    ["punycode", "xn--acme-9na"],
    ["the punycode prefix and one letter", "xn--a"],
  ] as const)("refuses %s", ([, text], { expect }) => {
    expect(isSlug(text)).toBe(false);
  });

  it("agrees with the written grammar on every text of up to three characters of a small alphabet", ({
    expect,
  }) => {
    const alphabet = ["", "a", "z", "0", "9", "-", ".", "A", "_", "`", "{", "/", ":"];
    const grammar = /^(?!xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
    const texts = alphabet.flatMap((x) => alphabet.flatMap((y) => alphabet.map((z) => x + y + z)));
    expect(texts.filter((text) => isSlug(text) !== grammar.test(text))).toEqual([]);
  });
});
