/**
 * Tokens of Cloudflare Access, signed with real RSA keys that a real server publishes: what is wrong with one refuses it like
 * any credential that is none, and the audit says what it was.
 */
import { createHmac } from "node:crypto";
import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, it } from "vitest";
import { MAX_ASSERTION_CHARS } from "../../../src/adapters/access-token.ts";
import { startTeam, AUDIENCE, type Team } from "../../support/access-team.ts";
import { NOW_MS } from "../../support/admin-builders.ts";
import { createDashboardWorld, type DashboardWorld } from "../../support/dashboard-world.ts";
import { refusedEntry } from "../../support/refused-entries.ts";

const WHO = "/api/v1/whoami";
const ALICE = "alice@example.com";
const seconds = (from: number): number => Math.floor(NOW_MS / 1000) + from;

const clock = { nowMs: NOW_MS };
let team: Team;
beforeAll(async () => {
  team = await startTeam(clock);
});
afterAll(() => team.stop());

async function worldWith(granted: string | null = ALICE): Promise<DashboardWorld> {
  const made = await createDashboardWorld(undefined, team);
  made.admin.clock.nowMs = NOW_MS;
  if (granted !== null) await grant(made, granted, { role: "operator" });
  return made;
}

async function grant(made: DashboardWorld, identity: string, json: unknown): Promise<Response> {
  return made.admin.call(`/api/v1/access/${encodeURIComponent(identity)}`, { method: "PUT", json });
}

function come(made: DashboardWorld, assertion: string, headers = {}): Promise<Response> {
  return made.admin.call(WHO, { token: null, headers: { "cf-access-jwt-assertion": assertion, ...headers } });
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signed with the text of the public key as an HMAC secret: what a verifier that believes `alg` would accept. */
async function signedWithThePublicKey(): Promise<string> {
  const good = await team.sign(ALICE);
  const [, payload = ""] = good.split(".");
  const answer = await fetch(team.config.keysUrl);
  const { keys }: { keys: unknown[] } = await answer.json();
  const input = `${base64url({ alg: "HS256", kid: "key-1", typ: "JWT" })}.${payload}`;
  return `${input}.${createHmac("sha256", JSON.stringify(keys[0])).update(input).digest("base64url")}`;
}

async function signedByAnother(header: Record<string, unknown>): Promise<string> {
  const { privateKey } = await generateKeyPair("RS256");
  const claims = { aud: [AUDIENCE], email: ALICE, exp: seconds(3600), iat: seconds(0) };
  return new SignJWT({ ...claims, iss: team.config.issuer })
    .setProtectedHeader({ alg: "RS256", ...header })
    .sign(privateKey);
}

async function unsigned(header: Record<string, unknown>): Promise<string> {
  const [, payload = ""] = (await team.sign(ALICE)).split(".");
  return `${base64url(header)}.${payload}.`;
}

const BAD: readonly (readonly [what: string, kind: string, make: () => Promise<string>])[] = [
  ["expired", "expired", () => team.sign(ALICE, { claims: { exp: seconds(-61) } })],
  ["of the future", "expired", () => team.sign(ALICE, { claims: { nbf: seconds(62) } })],
  ["for another application", "audience", () => team.sign(ALICE, { claims: { aud: ["b".repeat(64)] } })],
  ["for no application", "malformed", () => team.sign(ALICE, { claims: { aud: undefined } })],
  ["for an empty list", "audience", () => team.sign(ALICE, { claims: { aud: [] } })],
  [
    "of another team",
    "issuer",
    () => team.sign(ALICE, { claims: { iss: "https://evil.cloudflareaccess.com" } }),
  ],
  [
    "of a team that only begins alike",
    "issuer",
    () => team.sign(ALICE, { claims: { iss: `${team.config.issuer}.evil.example` } }),
  ],
  ["of no team", "malformed", () => team.sign(ALICE, { claims: { iss: undefined } })],
  ["without an end", "malformed", () => team.sign(ALICE, { claims: { exp: undefined } })],
  ["with an end in words", "malformed", () => team.sign(ALICE, { claims: { exp: "never" } })],
  ["without a name", "malformed", () => team.sign(ALICE, { claims: { email: undefined } })],
  ["with an empty name", "malformed", () => team.sign("")],
  ["with a list for a name", "malformed", () => team.sign(ALICE, { claims: { email: [ALICE] } })],
  ["with a name that looks like another", "malformed", () => team.sign("alice@example\u212aom.com")],
  ["with a name in two lines", "malformed", () => team.sign(`${ALICE}\nadmin@example.com`)],
  ["alg: none", "algorithm", () => unsigned({ alg: "none", kid: "key-1" })],
  ["alg: None", "algorithm", () => unsigned({ alg: "None", kid: "key-1" })],
  ["without alg", "algorithm", () => unsigned({ kid: "key-1" })],
  ["RS256 without a signature", "signature", () => unsigned({ alg: "RS256", kid: "key-1" })],
  ["HS256 with the public key", "algorithm", signedWithThePublicKey],
  ["of another key under our key's name", "signature", () => signedByAnother({ kid: "key-1" })],
  ["of a key nobody published", "unknown-key", () => signedByAnother({ kid: "key-99" })],
  ["without a key's name", "malformed", () => signedByAnother({})],
  ["with an empty key's name", "malformed", () => signedByAnother({ kid: "" })],
  [
    "with a key of its own",
    "unknown-key",
    () => signedByAnother({ kid: "own", jku: "https://evil.example/keys", jwk: { kty: "RSA" } }),
  ],
  [
    "with a critical extension",
    "malformed",
    async () => (await unsigned({ alg: "RS256", kid: "key-1", crit: ["x"], x: 1 })) + "AAAA",
  ],
  ["too long", "malformed", () => team.sign(ALICE, { claims: { groups: "g".repeat(MAX_ASSERTION_CHARS) } })],
  ["cut off", "malformed", async () => (await team.sign(ALICE)).split(".").slice(0, 2).join(".")],
  ["no token at all", "malformed", async () => "alice@example.com"],
  ["nothing", "malformed", async () => ""],
];

describe("a token of Cloudflare Access", () => {
  it("lets in whom something is granted to, as that name, and the audit has it", async ({ expect }) => {
    const made = await worldWith();
    const answer = await come(made, await team.sign("Alice@Example.com"));
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { name: ALICE, role: "operator", products: null },
    ]);
    const json = { on: true, reason: "errors in two regions" };
    const headers = { "cf-access-jwt-assertion": await team.sign(ALICE) };
    const done = await made.admin.call("/api/v1/halt", { method: "PUT", token: null, json, headers });
    expect(done.status).toBe(200);
    const audit = await made.world.control.query("audit", {
      cursor: null,
      limit: 1,
      target: null,
      actor: ALICE,
    });
    expect(audit).toMatchObject({ ok: true, value: { items: [{ action: "halt.set", role: "operator" }] } });
  });

  it("lets in a service token by its client id", async ({ expect }) => {
    const made = await worldWith("E367826F93B8D711.access");
    const claims = { email: undefined, sub: "", common_name: "e367826f93b8d711.access", aud: AUDIENCE };
    const answer = await come(made, await team.sign("", { claims }));
    expect(await answer.json()).toMatchObject({ name: "e367826f93b8d711.access", role: "operator" });
  });

  it("counts up to a minute after its end and before its beginning", async ({ expect }) => {
    const made = await worldWith();
    for (const claims of [{ exp: seconds(-59) }, { nbf: seconds(60) }])
      expect((await come(made, await team.sign(ALICE, { claims }))).status).toBe(200);
  });

  it(
    "is refused like no credential when anything is wrong with it",
    { timeout: 60_000 },
    async ({ expect }) => {
      const made = await worldWith();
      const same = (text: string): string => text.replace(/req-\d+/, "");
      const reference = await made.admin.call(WHO, { token: "another" });
      const [text, names] = [same(await reference.text()), [...reference.headers.keys()]];
      for (const [n, [what, kind, make]] of BAD.entries()) {
        // Each from an address of its own, or most would only be slowed.
        const answer = await come(made, await make(), { "cf-connecting-ip": `192.0.2.${n}` });
        expect([answer.status, same(await answer.text())], what).toEqual([401, text]);
        expect([...answer.headers.keys()], what).toEqual(names);
        const line: unknown = JSON.parse(made.admin.log.at(-1) ?? "");
        expect(line, what).toMatchObject({ event: "admin.authentication-failed", kind: `access-${kind}` });
      }
      // The last is told once the notes that wait have been handed over.
      for (const kind of new Set(BAD.map(([, each]) => each)))
        expect(await refusedEntry(made, `refused.access-${kind}`), kind).toMatchObject({
          actor: "anonymous",
        });
    },
  );

  it("is read from its own header alone", async ({ expect }) => {
    const made = await worldWith();
    const good = await team.sign(ALICE);
    const headers = {
      cookie: `CF_Authorization=${good}`,
      "cf-access-authenticated-user-email": ALICE,
      "x-cf-access-jwt-assertion": good,
    };
    expect((await made.admin.call(WHO, { token: null, headers })).status).toBe(401);
  });

  it("means nothing where Access is not configured", async ({ expect }) => {
    const made = await createDashboardWorld();
    await grant(made, ALICE, { role: "admin" });
    expect((await come(made, await team.sign(ALICE))).status).toBe(401);
  });

  it("is not looked at beside a bearer token, good or bad", async ({ expect }) => {
    const made = await worldWith();
    const headers = { "cf-access-jwt-assertion": await team.sign(ALICE) };
    const good = await made.admin.call(WHO, { headers });
    expect(await good.json()).toMatchObject({ name: "boot" });
    expect((await made.admin.call(WHO, { token: "no-such-token", headers })).status).toBe(401);
    expect((await come(made, await team.sign(ALICE), { authorization: "Basic eDp5" })).status).toBe(401);
  });

  it("is not exchanged for a session", async ({ expect }) => {
    const made = await worldWith();
    const headers = { "cf-access-jwt-assertion": await team.sign(ALICE) };
    const answer = await made.admin.call("/api/v1/sessions", { method: "POST", token: null, headers });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("needs no session");
  });
});

describe("what is granted", () => {
  it("is needed: without it somebody is refused by name, with the command that helps", async ({ expect }) => {
    const made = await worldWith(null);
    const answer = await come(made, await team.sign(ALICE));
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("firebreak access grant alice@example.com --role viewer");
    expect(await refusedEntry(made, "refused.access-no-role")).toMatchObject({
      actor: ALICE,
      role: "nobody",
    });
  });

  it("counts from the next request on, changed and taken away as well", async ({ expect }) => {
    const made = await worldWith();
    const assertion = await team.sign(ALICE);
    const role = async (): Promise<unknown> =>
      ((await (await come(made, assertion)).json()) as { role: unknown }).role;
    expect(await role()).toBe("operator");
    await grant(made, ALICE, { role: "viewer", products: ["kiln"] });
    expect(await role()).toBe("viewer");
    const path = `/api/v1/access/${ALICE}?reason=left`;
    expect((await made.admin.call(path, { method: "DELETE" })).status).toBe(200);
    expect((await come(made, assertion)).status).toBe(403);
  });

  it("limits to products, and ends when it says", async ({ expect }) => {
    const made = await worldWith();
    const expires = new Date(made.world.clock.now + 3_600_000).toISOString();
    await grant(made, ALICE, { role: "operator", products: ["kiln"], expires });
    const headers = { "cf-access-jwt-assertion": await team.sign(ALICE) };
    const get = async (path: string): Promise<number> =>
      (await made.admin.call(path, { token: null, headers })).status;
    expect([await get("/api/v1/products/kiln"), await get("/api/v1/products/fogbugz")]).toEqual([200, 403]);
    made.world.clock.now += 3_600_000;
    expect(await get("/api/v1/products/kiln")).toBe(403);
  });
});
