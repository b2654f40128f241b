/** The hand-written document: strict about spelling, generous about what may be left out. */
import { describe, it } from "vitest";
import { chooseBreakGlass, parseBreakGlass } from "../../../src/core/maps/break-glass.ts";
import { breakGlass } from "../../support/maps-builders.ts";

const detailOf = (document: unknown): string => {
  const parsed = parseBreakGlass(typeof document === "string" ? document : JSON.stringify(document));
  return parsed.ok ? "accepted" : `${parsed.error.fault}: ${parsed.error.detail}`;
};
const LEAST = { reason: "2.9.0 is down", expires: "2026-11-28T22:05:00Z" };

describe("parseBreakGlass", () => {
  it("takes an empty text or object for not in use", ({ expect }) => {
    for (const text of ["", " \n", "{}", "{ }"])
      expect(parseBreakGlass(text)).toEqual({ ok: true, value: null });
  });

  it("needs a reason and an expiry and fills in the rest", ({ expect }) => {
    const expires = Date.parse(LEAST.expires);
    expect(parseBreakGlass(JSON.stringify(LEAST))).toEqual({
      ok: true,
      value: breakGlass({ reason: LEAST.reason, expires }),
    });
    expect(detailOf({ reason: "x" })).toContain("expires");
    expect(detailOf({ expires: 1 })).toContain("reason");
    expect(detailOf({ ...LEAST, reason: "" })).toContain("why");
  });

  it("reads everything it knows", ({ expect }) => {
    const hold = { mode: "readOnly", message: "soon", until: 5 } as const;
    const given = {
      ...LEAST,
      expires: 9,
      written: "2026-11-28T22:05+01:00",
      instead: { kiln: { "2.9.0": "2.8.0" } },
      default: { kiln: "2.8.0" },
      accounts: { acme: { kiln: "2.8.0" } },
      hold: { accounts: { acme: true }, products: { kiln: hold } },
      halt: true,
      holdGeneration: 41,
    };
    const page = { mode: "page", message: null, until: null } as const;
    const written = Date.parse("2026-11-28T21:05:00Z");
    const wanted = breakGlass({
      ...given,
      written,
      hold: { accounts: { acme: page }, products: { kiln: hold } },
    });
    expect(parseBreakGlass(JSON.stringify(given))).toEqual({ ok: true, value: wanted });
  });

  it("refuses what it would otherwise ignore, naming the place", ({ expect }) => {
    expect(detailOf({ ...LEAST, insted: {} })).toContain("insted is not known");
    expect(detailOf({ ...LEAST, hold: { acme: true } })).toContain("hold.acme");
    expect(detailOf({ ...LEAST, expires: "2026-11-28 22:05" })).toContain("expires");
    expect(detailOf({ ...LEAST, expires: "2026-13-45T99:05:00Z" })).toContain("expires");
    expect(detailOf({ ...LEAST, instead: { kiln: "2.8.0" } })).toContain("instead.kiln");
    expect(detailOf({ ...LEAST, accounts: { ACME: {} } })).toContain("accounts.ACME");
    expect(detailOf({ ...LEAST, holdGeneration: "41" })).toContain("holdGeneration");
    expect(["[]", "{", "null", "x".repeat(70_000)].map((text) => detailOf(text).slice(0, 12))).toEqual(
      Array(4).fill("break-glass:"),
    );
  });
});

describe("chooseBreakGlass", () => {
  const older = breakGlass({ reason: "older", written: 1, expires: 100 });
  const newer = breakGlass({ reason: "newer", written: 2, expires: 50 });

  it("takes the one written later while it is in force", ({ expect }) => {
    expect(chooseBreakGlass(older, newer, 49)).toBe(newer);
    expect(chooseBreakGlass(newer, older, 49)).toBe(newer);
    expect(chooseBreakGlass(older, newer, 50)).toBe(older);
    expect(chooseBreakGlass(older, newer, 100)).toBeNull();
  });

  it("takes the first on a tie, and the only one there is", ({ expect }) => {
    const twin = breakGlass({ reason: "twin", written: 1, expires: 100 });
    expect(chooseBreakGlass(older, twin, 0)).toBe(older);
    expect(chooseBreakGlass(null, twin, 0)).toBe(twin);
    expect(chooseBreakGlass(null, null, 0)).toBeNull();
  });
});
