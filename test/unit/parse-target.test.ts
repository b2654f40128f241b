/** The request target: its forms, what is refused in each, and the limit on its size. */
import { describe, it } from "vitest";
import { MAX_TARGET_BYTES } from "../../src/contracts/limits.ts";
import { parseTarget, type TargetFault } from "../../src/core/parse-target.ts";

const acme = { kind: "name", name: "acme.kiln.example", port: null } as const;

describe("parseTarget", () => {
  it("takes the asterisk alone for the asterisk form", ({ expect }) => {
    expect(parseTarget("*")).toEqual({ form: "asterisk" });
  });

  it.for([
    "/",
    "/a",
    "/a/b?c=d",
    "/?//",
    "/a//b",
    "/a/../..//b",
    "/a\\b",
    "/%2f%2fevil",
    "/@",
    "/*",
    "/a:b",
    "/\u00fc?\u20ac=\ud83d\udd25",
  ])("keeps the bytes of the path %s", (rawUrl, { expect }) => {
    expect(parseTarget(rawUrl)).toEqual({ form: "origin", pathAndQuery: rawUrl });
  });

  it.for([
    ["http://acme.kiln.example/a?b", "http", acme, "/a?b"],
    ["https://acme.kiln.example/", "https", acme, "/"],
    ["hTTpS://ACME.kiln.Example./x", "https", acme, "/x"],
    ["http://acme.kiln.example", "http", acme, "/"],
    ["http://acme.kiln.example?", "http", acme, "/?"],
    ["http://acme.kiln.example?a=/b@c", "http", acme, "/?a=/b@c"],
    ["http://acme.kiln.example/?//", "http", acme, "/?//"],
    ["http://acme.kiln.example:8080/x", "http", { ...acme, port: 8080 }, "/x"],
    ["http://acme.kiln.example:/x", "http", acme, "/x"],
    ["http://192.0.2.1:80", "http", { kind: "ip", name: "192.0.2.1", port: 80 }, "/"],
    ["https://[2001:DB8::1]:443?x", "https", { kind: "ip", name: "[2001:db8::1]", port: 443 }, "/?x"],
  ] as const)("splits the absolute form %s", ([rawUrl, scheme, authority, pathAndQuery], { expect }) => {
    expect(parseTarget(rawUrl)).toEqual({ form: "absolute", scheme, authority, pathAndQuery });
  });

  it.for<[rawUrl: string, reason: TargetFault]>([
    ["", "empty-target"],
    ["//evil.example/p", "double-slash"],
    ["//", "double-slash"],
    ["/\\evil.example/p", "double-slash"],
    ["http://acme.kiln.example//p", "double-slash"],
    ["http://acme.kiln.example/\\p", "double-slash"],
    ["**", "unknown-form"],
    ["*?x", "unknown-form"],
    ["?x", "unknown-form"],
    ["\\\\evil.example", "unknown-form"],
    ["evil.example", "unknown-form"],
    ["acme.kiln.example:443", "unknown-form"],
    ["ftp://acme.kiln.example/", "unknown-form"],
    ["httpx://acme.kiln.example/", "unknown-form"],
    ["http:/acme.kiln.example/", "unknown-form"],
    ["http:\\\\acme.kiln.example/", "unknown-form"],
    ["file:///etc/passwd", "unknown-form"],
    ["http://", "bad-authority"],
    ["http:///p", "bad-authority"],
    ["http://?p", "bad-authority"],
    ["http://:80/", "bad-authority"],
    ["http://acme_1.kiln.example/", "bad-authority"],
    ["http://acme%2ekiln.example/", "bad-authority"],
    ["http://acme.kiln.example:0/", "bad-authority"],
    ["http://acme.kiln.example\\p", "bad-authority"],
    ["http://\\acme.kiln.example", "bad-authority"],
    ["http://a.kiln.example,b.kiln.example/", "bad-authority"],
    ["http://acme.kiln.example*", "bad-authority"],
    ["http://[::1/", "bad-authority"],
    ["http://@acme.kiln.example/", "userinfo"],
    ["http://acme.kiln.example@evil.example/", "userinfo"],
    ["http://u:p@acme.kiln.example/", "userinfo"],
    ["/#", "fragment"],
    ["/a#b", "fragment"],
    ["#", "fragment"],
    ["http://acme.kiln.example#/", "fragment"],
    [" /", "control-byte"],
    ["/ ", "control-byte"],
    ["/\t/evil.example", "control-byte"],
    ["ht\ntp://acme.kiln.example/", "control-byte"],
    ["/\r\nHost:evil.example", "control-byte"],
    ["/\u0000", "control-byte"],
    ["/\u007f", "control-byte"],
  ])("refuses %j as %s", ([rawUrl, reason], { expect }) => {
    expect(parseTarget(rawUrl)).toEqual({ form: "malformed", reason });
  });

  it("takes a target of exactly the limit and refuses one byte more as too long", ({ expect }) => {
    const longest = "/".padEnd(MAX_TARGET_BYTES, "a");
    expect(parseTarget(longest)).toEqual({ form: "origin", pathAndQuery: longest });
    expect(parseTarget(`${longest}a`)).toEqual({ form: "too-long" });
    const absolute = "http://acme.kiln.example/".padEnd(MAX_TARGET_BYTES, "a");
    expect(parseTarget(absolute).form).toBe("absolute");
    expect(parseTarget(`${absolute}a`)).toEqual({ form: "too-long" });
  });

  it.for(["a", "\u00fc", "\u20ac", "\ud83d\udd25"])(
    "counts %s in bytes as UTF-8 has them",
    (character, { expect }) => {
      const bytes = new TextEncoder().encode(character).length;
      const filled = `/${character.repeat(Math.floor((MAX_TARGET_BYTES - 1) / bytes))}`;
      expect(parseTarget(filled).form).toBe("origin");
      expect(parseTarget(filled + character)).toEqual({ form: "too-long" });
    },
  );

  it("calls a target too long before it looks for other faults", ({ expect }) => {
    expect(parseTarget("#".repeat(MAX_TARGET_BYTES + 1))).toEqual({ form: "too-long" });
    expect(parseTarget(`//#${"\u00fc".repeat(MAX_TARGET_BYTES - 8)}`)).toEqual({ form: "too-long" });
  });
});
