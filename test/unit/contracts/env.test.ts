/** The environment is parsed once; everything wrong with it is listed together and no secret is quoted. */
import { describe, it } from "vitest";
import { parseEnv, type TextEnv } from "../../../src/contracts/env.ts";

const GOOD: TextEnv = {
  ADMIN_HOST: "admin.example.com",
  FALLBACK: '{"kiln":{"domains":["kiln.example.com"],"origin":"https://old.origins.example.net"}}',
  ORIGIN_ALLOW: "https://*.origins.example.net http://127.0.0.1:* binding:*",
  TRUSTED_PROXY: "cloudflare",
  FLIP_DELAY_SECONDS: "60",
  ADMIN_TOKENS: "ci:operator:s3cret ops:admin:with:colons",
  OVERRIDE_KEYS: "k2:0123456789abcdef k1:fedcba9876543210",
  ORIGIN_KEY: "o1:0123456789abcdef",
};

function problemsOf(change: TextEnv): readonly string[] {
  const parsed = parseEnv({ ...GOOD, ...change });
  return parsed.ok ? [] : parsed.error;
}

describe("parseEnv", () => {
  it("takes the environment's name as a plain word, which command lines hold as it is", ({ expect }) => {
    const nameOf = (change: TextEnv): unknown => {
      const parsed = parseEnv({ ...GOOD, ...change });
      return parsed.ok ? parsed.value.environment : null;
    };
    expect(nameOf({ ENVIRONMENT: "staging" })).toBe("staging");
    expect([nameOf({}), nameOf({ ENVIRONMENT: "" })]).toEqual([null, null]);
    expect(problemsOf({ ENVIRONMENT: "x; reboot" })).toEqual([expect.stringContaining("ENVIRONMENT")]);
  });

  it("turns a complete environment into the configuration", ({ expect }) => {
    const parsed = parseEnv(GOOD);
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        adminHost: "admin.example.com",
        fallback: { kiln: { domains: ["kiln.example.com"], origin: "https://old.origins.example.net" } },
        trustedProxy: { kind: "cloudflare" },
        flipDelayMs: 60_000,
        adminTokens: [
          { name: "ci", role: "operator", secret: "s3cret" },
          { name: "ops", role: "admin", secret: "with:colons" },
        ],
        overrideKeys: [
          { kid: "k2", secret: "0123456789abcdef" },
          { kid: "k1", secret: "fedcba9876543210" },
        ],
        originKey: { kid: "o1", secret: "0123456789abcdef" },
      },
    });
  });

  it("uses careful defaults for what may be left out", ({ expect }) => {
    const parsed = parseEnv({ ADMIN_HOST: "a.example", FALLBACK: '{"kiln":{"domains":["kiln.example"]}}' });
    expect(parsed).toMatchObject({
      ok: true,
      value: { trustedProxy: { kind: "none" }, flipDelayMs: 60_000, originAllow: [], originKey: null },
    });
  });

  it("lists every problem at once", ({ expect }) => {
    const problems = problemsOf({
      ADMIN_HOST: "Admin.example.com:8080",
      FALLBACK: '{"kiln":{"domains":[]}}',
      ORIGIN_ALLOW: "ftp://x",
      TRUSTED_PROXY: "yes",
      FLIP_DELAY_SECONDS: "soon",
      ADMIN_TOKENS: "nobody:emperor:x",
      OVERRIDE_KEYS: "k:short",
    });
    expect(problems.map((problem) => problem.split(/[ .:]/)[0])).toEqual([
      "ADMIN_HOST",
      "FALLBACK",
      "ORIGIN_ALLOW",
      "TRUSTED_PROXY",
      "FLIP_DELAY_SECONDS",
      "ADMIN_TOKENS",
      "OVERRIDE_KEYS",
    ]);
  });

  it("never quotes a secret", ({ expect }) => {
    const text = problemsOf({ ADMIN_TOKENS: "x:emperor:hunter2", OVERRIDE_KEYS: "hunter3" }).join("\n");
    expect(text).not.toMatch(/hunter/);
  });

  for (const [name, change, says] of [
    ["a missing admin host", { ADMIN_HOST: "" }, "ADMIN_HOST is missing"],
    ["a FALLBACK that is no JSON", { FALLBACK: "kiln" }, "FALLBACK must be a JSON object"],
    ["a FALLBACK without products", { FALLBACK: "{}" }, "FALLBACK names no product"],
    [
      "a base domain with a port",
      { FALLBACK: '{"kiln":{"domains":["kiln.example:80"]}}' },
      "is not a lower-case domain name",
    ],
    [
      "a fallback origin with a path",
      { FALLBACK: '{"kiln":{"domains":["k.example"],"origin":"https://o/x"}}' },
      "is not an origin",
    ],
    [
      "one domain of two products",
      { FALLBACK: '{"a":{"domains":["x.example"]},"b":{"domains":["x.example"]}}' },
      "belongs to both a and b",
    ],
    [
      "an admin host under a base domain",
      { ADMIN_HOST: "admin.kiln.example.com" },
      "needs a name of its own",
    ],
  ] as const) {
    it(`refuses ${name}`, ({ expect }) => {
      expect(problemsOf(change).join("\n")).toContain(says);
    });
  }

  const AUD = "0123456789abcdef".repeat(4);

  it.for(["acme", "acme.cloudflareaccess.com", " acme "])(
    "takes the team %j of Access",
    (team, { expect }) => {
      const parsed = parseEnv({ ...GOOD, ACCESS_TEAM: team, ACCESS_AUD: `${AUD}, ${"f".repeat(64)}` });
      expect(parsed).toMatchObject({
        ok: true,
        value: {
          access: {
            issuer: "https://acme.cloudflareaccess.com",
            keysUrl: "https://acme.cloudflareaccess.com/cdn-cgi/access/certs",
            audiences: [AUD, "f".repeat(64)],
          },
        },
      });
    },
  );

  it("has no Access without its variables", ({ expect }) => {
    expect(parseEnv({ ...GOOD, ACCESS_TEAM: "", ACCESS_AUD: " " })).toMatchObject({
      ok: true,
      value: { access: null },
    });
  });

  it.for([
    ["a team without a tag", { ACCESS_TEAM: "acme" }, "ACCESS_AUD is not"],
    ["a tag without a team", { ACCESS_AUD: AUD }, "ACCESS_TEAM is not"],
    ["an address for a team", { ACCESS_TEAM: "https://evil.example", ACCESS_AUD: AUD }, "name of the team"],
    ["a host for a team", { ACCESS_TEAM: "acme.evil.example", ACCESS_AUD: AUD }, "name of the team"],
    ["a path for a team", { ACCESS_TEAM: "acme/x", ACCESS_AUD: AUD }, "name of the team"],
    [
      "another machine",
      { ACCESS_TEAM: "http://127.0.0.1.evil.example:80", ACCESS_AUD: AUD },
      "name of the team",
    ],
    ["a name for a tag", { ACCESS_TEAM: "acme", ACCESS_AUD: "my-app" }, "64 hexadecimal digits"],
  ] as const)("refuses %s", ([, change, says], { expect }) => {
    expect(problemsOf(change)).toEqual([expect.stringContaining(says)]);
  });
});
