/** Where the router may forward to. A rule that says too little lets nothing through. */
import { describe, it } from "vitest";
import {
  originForCell,
  parseOrigin,
  parseOriginAllow,
  refuseOrigin,
  type OriginRule,
} from "../../../src/contracts/origin-rules.ts";

function rules(text: string): readonly OriginRule[] {
  const parsed = parseOriginAllow(text);
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  return parsed.value;
}

const OWN = { adminHost: "admin.example.com", domains: ["kiln.example.com"] };
const ALLOW = rules(
  "https://*.origins.example.net https://one.example.org:8443 http://127.0.0.1:* binding:*",
);

describe("parseOrigin", () => {
  for (const text of [
    "https://a.origins.example.net",
    "http://127.0.0.1:8080",
    "https://{cell}.origins.example.net",
    "https://kiln-{cell}.origins.example.net:8443",
    "binding:KILN_2_9",
  ]) {
    it(`takes ${text}`, ({ expect }) => expect(parseOrigin(text).ok).toBe(true));
  }

  for (const text of [
    "",
    "ftp://a.example",
    "https://a.example/path",
    "https://a.example/",
    "https://a.example?x",
    "https://user@a.example",
    "https://user:pw@a.example",
    "https://a.example:0",
    "https://a.example:65536",
    "https://A.example",
    "https://a..example",
    "https://a.example#x",
    "https://a.example\\@b.example",
    "https://[::1]",
    "https://{other}.example",
    "//a.example",
    "binding:kiln",
    "binding:",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, ({ expect }) => expect(parseOrigin(text).ok).toBe(false));
  }
});

describe("refuseOrigin", () => {
  for (const origin of [
    "https://a.origins.example.net",
    "https://deep.a.origins.example.net",
    "https://{cell}.origins.example.net",
    "https://one.example.org:8443",
    "http://127.0.0.1:1234",
    "binding:KILN",
  ]) {
    it(`allows ${origin}`, ({ expect }) => expect(refuseOrigin(origin, ALLOW, OWN)).toBeNull());
  }

  for (const [origin, says] of [
    ["https://origins.example.net", "ORIGIN_ALLOW"],
    ["http://a.origins.example.net", "ORIGIN_ALLOW"],
    ["https://a.origins.example.net:8443", "ORIGIN_ALLOW"],
    ["https://evil-origins.example.net", "ORIGIN_ALLOW"],
    ["https://one.example.org", "ORIGIN_ALLOW"],
    ["http://169.254.169.254", "ORIGIN_ALLOW"],
    ["https://127.0.0.1", "ORIGIN_ALLOW"],
    ["https://{cell}", "ORIGIN_ALLOW"],
    ["https://admin.example.com", "own hosts"],
    ["https://kiln.example.com", "own hosts"],
    ["https://acme.kiln.example.com", "own hosts"],
    ["https://{cell}.kiln.example.com", "own hosts"],
    ["not an origin", "must be"],
  ] as const) {
    it(`refuses ${origin}`, ({ expect }) => expect(refuseOrigin(origin, ALLOW, OWN)).toContain(says));
  }

  it("allows nothing where nothing is listed", ({ expect }) => {
    expect(refuseOrigin("https://a.origins.example.net", [], OWN)).toContain("ORIGIN_ALLOW");
    expect(refuseOrigin("binding:KILN", [], OWN)).toContain("ORIGIN_ALLOW");
  });
});

describe("originForCell", () => {
  it("fills the cell in, and says null where an account has none", ({ expect }) => {
    expect(originForCell("https://{cell}.o.example", "eu1")).toBe("https://eu1.o.example");
    expect(originForCell("https://{cell}.o.example", null)).toBeNull();
    expect(originForCell("https://o.example", null)).toBe("https://o.example");
  });
});
