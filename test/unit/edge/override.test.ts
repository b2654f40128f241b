/** Tester overrides through the whole edge: the one that counts, and every way in which one does not. */
import { SignJWT } from "jose";
import { describe, it } from "vitest";
import { issueOverride } from "../../../src/adapters/override-token.ts";
import type { BreakGlass } from "../../../src/contracts/maps.ts";
import {
  buildEdge,
  buildRoot,
  buildRow,
  NOW_MS,
  OVERRIDE_KEY,
  type EdgeOptions,
} from "../../support/edge-builders.ts";

const HOST = "acme.kiln.example.com";
const request = { product: "kiln", account: "acme", version: "2.7.0", seconds: 600, jti: "j1" };

async function issue(
  changes: Partial<typeof request> = {},
  nowMs = NOW_MS,
  key = OVERRIDE_KEY,
): Promise<string> {
  const issued = await issueOverride([key], { ...request, ...changes }, nowMs);
  if (!issued.ok) throw new Error(issued.error);
  return issued.value.token;
}

/** Signs anything, as somebody with the key might. */
function sign(header: object, claims: Record<string, unknown>): Promise<string> {
  const issued = NOW_MS / 1000;
  return new SignJWT({
    aud: "firebreak",
    iat: issued,
    exp: issued + 600,
    jti: "j",
    product: "kiln",
    account: "acme",
    version: "2.7.0",
    ...claims,
  })
    .setProtectedHeader({ alg: "HS256", kid: "test", typ: "firebreak-override+jwt", ...header })
    .sign(new TextEncoder().encode(OVERRIDE_KEY.secret));
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function ask(
  token: string,
  { options = {}, host = HOST }: { options?: EdgeOptions; host?: string } = {},
) {
  const edge = buildEdge(options);
  const response = await edge.fetch(host, "/", { headers: { "Firebreak-Override": token, "X-Kept": "1" } });
  const origin = edge.seen[0];
  return {
    status: response.headers.get("firebreak-override-status"),
    origin: origin?.url.split(".")[0]?.slice("https://".length),
    headers: origin?.headers,
    response,
    refused: edge.refusedOverrides.length,
  };
}

type Ignored = readonly [why: string, make: () => Promise<string>, word: string];

const IGNORED: readonly Ignored[] = [
  ["another account", () => issue({ account: "other" }), "not-for-this-account"],
  ["another product", () => issue({ product: "fogbugz" }), "not-for-this-account"],
  ["an unknown version", () => issue({ version: "9.9.9" }), "unknown-version"],
  ["an inherited name as version", () => issue({ version: "constructor" }), "unknown-version"],
  ["an expired token", () => issue({ seconds: 60 }, NOW_MS - 121_000), "expired"],
  ["a token from the future", () => issue({}, NOW_MS + 61_000), "invalid"],
  [
    "another key under the same id",
    () => issue({}, NOW_MS, { kid: "test", secret: "x".repeat(32) }),
    "invalid",
  ],
  ["an unknown key id", () => issue({}, NOW_MS, { ...OVERRIDE_KEY, kid: "old" }), "invalid"],
  ["no key id", () => sign({ kid: undefined }, {}), "invalid"],
  ["another type", () => sign({ typ: "JWT" }, {}), "invalid"],
  ["another algorithm with the same key", () => sign({ alg: "HS512" }, {}), "invalid"],
  ["another audience", () => sign({}, { aud: "origin" }), "invalid"],
  ["more than an hour", () => sign({}, { exp: NOW_MS / 1000 + 3601 }), "invalid"],
  ["no expiry", () => sign({}, { exp: undefined }), "invalid"],
  ["no id", () => sign({}, { jti: undefined }), "invalid"],
  ["claims of the wrong type", () => sign({}, { version: 7 }), "invalid"],
  [
    "alg none",
    async () => {
      const [, payload] = (await issue()).split(".");
      return `${encode({ alg: "none", kid: "test", typ: "firebreak-override+jwt" })}.${payload}.`;
    },
    "invalid",
  ],
  [
    "a changed version under the old signature",
    async () => {
      const [header, payload = "", signature] = (await issue()).split(".");
      const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
      return `${header}.${encode({ ...claims, version: "2.8.0" })}.${signature}`;
    },
    "invalid",
  ],
  ["garbage", async () => "garbage", "invalid"],
  ["nothing", async () => "", "invalid"],
  ["a megabyte", async () => "a".repeat(100_000), "invalid"],
];

describe("a token in another spelling of the same bytes", () => {
  it.for<[string, (token: string) => string]>([
    ["with a blank before its signature", (token) => token.replace(/\.(?=[^.]*$)/, ". ")],
    ["with a tab in its claims", (token) => token.replace(".", ".\t")],
    ["with padding", (token) => `${token}=`],
    ["with the two bits set that nobody reads", (token) => token.slice(0, -1) + nextOf(token.at(-1) ?? "")],
  ])("%s is invalid", async ([, spell], { expect }) => {
    const { status, origin } = await ask(spell(await issue()));
    expect([status, origin]).toEqual(["invalid", "kiln-290"]);
  });
});

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The character that differs in its lowest bit. */
function nextOf(character: string): string {
  return BASE64URL[BASE64URL.indexOf(character) + 1] ?? "";
}

describe("an override", () => {
  it("puts its account on its version, and never reaches the origin", async ({ expect }) => {
    const { status, origin, headers, response } = await ask(await issue());
    expect([status, origin, response.status]).toEqual(["active", "kiln-270", 200]);
    expect(headers?.has("firebreak-override")).toBe(false);
    expect(headers?.get("firebreak")).toContain('version="2.7.0"');
    expect(await response.text()).toBe("from origin");
  });

  it("counts from its cookie, which is cut out alone", async ({ expect }) => {
    const edge = buildEdge();
    const cookie = `a=1; __Host-firebreak-override=${await issue()}; b=2`;
    const response = await edge.fetch(HOST, "/", { headers: { Cookie: cookie } });
    expect(response.headers.get("firebreak-override-status")).toBe("active");
    expect(edge.seen[0]?.headers.get("cookie")).toBe("a=1; b=2");
  });

  it("counts for an account that the maps do not know", async ({ expect }) => {
    const token = await issue({ account: "ghost" });
    expect(await ask(token, { host: "ghost.kiln.example.com" })).toMatchObject({
      status: "active",
      origin: "kiln-270",
    });
  });

  it("counts within a minute of clock skew, both ways", async ({ expect }) => {
    expect((await ask(await issue({}, NOW_MS + 59_000))).status).toBe("active");
    expect((await ask(await issue({ seconds: 60 }, NOW_MS - 119_000))).status).toBe("active");
  });

  it.for(IGNORED)("is ignored and flagged for %s", async ([, make, word], { expect }) => {
    const { status, origin, response, refused } = await ask(await make());
    expect([status, origin, response.status, refused]).toEqual([word, "kiln-290", 200, 1]);
  });

  it("is ignored once everything issued before was revoked", async ({ expect }) => {
    const token = await issue();
    const revoked = { root: buildRoot({ overrideEpoch: NOW_MS + 1 }) };
    expect(await ask(token, { options: revoked })).toMatchObject({ status: "revoked", origin: "kiln-290" });
    const atOnce = { root: buildRoot({ overrideEpoch: NOW_MS }) };
    expect(await ask(token, { options: atOnce })).toMatchObject({ status: "active", refused: 0 });
  });

  it("is weaker than break-glass and a hold, and says so", async ({ expect }) => {
    const token = await issue();
    const breakGlass: BreakGlass = {
      reason: "fire",
      expires: NOW_MS + 1,
      written: 0,
      instead: {},
      default: {},
      accounts: { acme: { kiln: "2.8.0" } },
      hold: { accounts: {}, products: {} },
      halt: false,
      holdGeneration: null,
    };
    expect(await ask(token, { options: { breakGlass } })).toMatchObject({
      status: "overruled",
      origin: "kiln-280",
    });
    const hold = { mode: "page", message: null, until: null } as const;
    const held = await ask(token, { options: { rows: [buildRow("acme", { hold })] } });
    expect([held.status, held.response.status]).toEqual(["overruled", 503]);
    const readOnly = { ...hold, mode: "readOnly" } as const;
    const read = await ask(token, { options: { rows: [buildRow("acme", { hold: readOnly })] } });
    expect([read.status, read.origin]).toEqual(["active", "kiln-270"]);
  });

  it("leaves the response without a word when there is no token", async ({ expect }) => {
    const response = await buildEdge().fetch(HOST, "/", { headers: { Cookie: "a=1" } });
    expect(response.headers.has("firebreak-override-status")).toBe(false);
  });
});

describe("issueOverride", () => {
  it("refuses without a key and beyond an hour", async ({ expect }) => {
    expect(await issueOverride([], request, NOW_MS)).toEqual({ ok: false, error: "no-key" });
    expect(await issueOverride([OVERRIDE_KEY], { ...request, seconds: 3601 }, NOW_MS)).toEqual({
      ok: false,
      error: "too-long",
    });
    for (const at of [NOW_MS + 1, NOW_MS + 333, NOW_MS + 999]) {
      const token = await issue({ seconds: 3600 }, at);
      expect((await ask(token)).status).toBe("active");
    }
  });
});
