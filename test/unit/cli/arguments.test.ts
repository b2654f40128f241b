/** What single words on the command line mean, and which ones are refused. */
import { describe, it } from "vitest";
import {
  commaList,
  oneOf,
  repeated,
  splitPair,
  toInput,
  toInstant,
  toProductVersion,
  toReversible,
  toShare,
  toSlug,
  toTimeout,
  toZone,
  wholeFrom,
} from "../../../scripts/cli/arguments.ts";
import { TimeZoneSchema } from "../../../src/contracts/api/common.ts";
import { PinInputSchema } from "../../../src/contracts/api/accounts.ts";

describe("a time zone of the API", () => {
  it("is kept in the spelling of the zone database", ({ expect }) => {
    expect(TimeZoneSchema.parse("europe/paris")).toBe("Europe/Paris");
    expect(TimeZoneSchema.parse("Asia/Kolkata")).toBe("Asia/Kolkata");
    expect(TimeZoneSchema.safeParse("Europe/Pariss").success).toBe(false);
  });
});

describe("words of one kind", () => {
  it.for([
    ["a whole number", wholeFrom(1), "7", 7],
    ["a share", toShare, "0.05", 0.05],
    ["a share without a leading zero", toShare, ".5", 0.5],
    ["one of some words", oneOf("a", "b"), "b", "b"],
    ["reversible true", toReversible, "true", true],
    ["reversible until", toReversible, "2026-12-31T00:00:00Z", "2026-12-31T00:00:00Z"],
    ["a time-out", toTimeout, "/export=600", { prefix: "/export", seconds: 600 }],
    ["a time-out whose path has an equals sign", toTimeout, "/a=b=5", { prefix: "/a=b", seconds: 5 }],
    ["an instant with an offset", toInstant, "2026-11-28T22:05:00+01:00", "2026-11-28T22:05:00+01:00"],
    ["a time zone", toZone(), "Europe/Paris", "Europe/Paris"],
    ["a time zone in small letters", toZone(), "europe/paris", "Europe/Paris"],
    ["a time zone in capitals", toZone(), "AMERICA/NEW_YORK", "America/New_York"],
    ["a time zone by the name that somebody chose", toZone(), "Asia/Kolkata", "Asia/Kolkata"],
    ["a word beside the time zones", toZone("account"), "account", "account"],
    ["a product and version", toProductVersion, "kiln/2.9.1", { product: "kiln", version: "2.9.1" }],
  ] as const)("reads %s", ([, parse, text, value], { expect }) => {
    expect(parse(text)).toEqual(value);
  });

  it.for([
    ["a number below the lowest", wholeFrom(1), "0"],
    ["a number with a fraction", wholeFrom(0), "1.5"],
    ["a negative number", wholeFrom(0), "-1"],
    ["a share above one", toShare, "1.5"],
    ["a word that is not among those", oneOf("a", "b"), "c"],
    ["a time-out without a leading slash", toTimeout, "export=600"],
    ["a time-out without seconds", toTimeout, "/export"],
    ["an instant without an offset", toInstant, "2026-11-28T22:05:00"],
    ["a slug that climbs out of its path", toSlug, ".."],
    ["a slug in upper case", toSlug, "Acme"],
    ["a product without a version", toProductVersion, "kiln"],
    ["reversible with another word", toReversible, "yes"],
  ] as const)("refuses %s", ([, parse, text], { expect }) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "commander.invalidArgument" }) as Error,
    );
  });

  it("collects what is repeated, and what stands apart by commas", ({ expect }) => {
    expect(repeated(String)("b", ["a"])).toEqual(["a", "b"]);
    expect(commaList(toSlug)(" a, b ,,c", undefined)).toEqual(["a", "b", "c"]);
    expect(splitPair("key=a=b", "")).toEqual(["key", "a=b"]);
  });
});

describe("toInput", () => {
  it("fills in the contract's defaults", ({ expect }) => {
    expect(toInput(PinInputSchema, { version: "2.8.0", reason: " why " })).toEqual({
      version: "2.8.0",
      reason: "why",
      expires: null,
    });
  });

  it("lists every problem of the flags and exits 2", ({ expect }) => {
    const parse = () => toInput(PinInputSchema, { version: "../x", reason: " " });
    expect(parse).toThrow(/version: .*\nreason: say why/);
    expect(parse).toThrow(expect.objectContaining({ exitCode: 2 }) as Error);
  });
});
