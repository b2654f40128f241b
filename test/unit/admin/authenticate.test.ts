/** Who a request is from: tokens, what failing looks like, and what is left when the control plane is down. */
import { describe, it } from "vitest";
import { MAX_FAILURES, FAILURE_WINDOW_MS } from "../../../src/admin/failure-limiter.ts";
import { BOOT_TOKEN, buildAdmin, sha256 } from "../../support/admin-builders.ts";

const PATH = "/api/v1/products";

describe("authentication", () => {
  it("takes a bootstrap token without asking the control plane who it is", async ({ expect }) => {
    const at = buildAdmin();
    expect((await at.call(PATH)).status).toBe(200);
    expect(at.control.calls.map(({ name }) => name)).toEqual(["products"]);
  });

  it("takes a token that the control plane knows, asked by hash alone", async ({ expect }) => {
    const at = buildAdmin();
    const token = at.issue({ role: "viewer" });
    expect((await at.call(PATH, { token })).status).toBe(200);
    expect(at.control.calls[0]).toMatchObject({ name: "authenticate", input: sha256(token) });
    expect(JSON.stringify(at.control.calls)).not.toContain(token);
  });

  it.for([
    ["no header", {}],
    ["an unknown token", { authorization: "Bearer nope" }],
    ["an empty token", { authorization: "Bearer " }],
    ["another scheme", { authorization: `Basic ${btoa(`boot:${BOOT_TOKEN}`)}` }],
    ["the token without its scheme", { authorization: BOOT_TOKEN }],
    ["a token one character short", { authorization: `Bearer ${BOOT_TOKEN.slice(0, -1)}` }],
    ["a token one character long", { authorization: `Bearer ${BOOT_TOKEN}0` }],
    ["two tokens", { authorization: `Bearer ${BOOT_TOKEN}, Bearer ${BOOT_TOKEN}` }],
    ["a hash in place of the token", { authorization: `Bearer ${sha256(BOOT_TOKEN)}` }],
    ["a token of 100 kB", { authorization: `Bearer ${"a".repeat(100_000)}` }],
    ["a token with bytes that no token has", { authorization: "Bearer ÿÿÿ" }],
  ] as const)("answers %s like every other failure", async ([, headers], { expect }) => {
    const at = buildAdmin();
    const response = await at.call(PATH, { token: null, headers });
    const reference = await buildAdmin().call(PATH, { token: "another" });
    expect(response.status).toBe(401);
    expect([...response.headers]).toEqual([...reference.headers]);
    expect(await response.text()).toBe(await reference.text());
    expect(at.control.calls.map(({ name }) => name)).toEqual(["authenticate"]);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="firebreak"');
  });

  it("takes a session of a bootstrap token for as long as that token is configured", async ({ expect }) => {
    const at = buildAdmin();
    const session = { name: "boot", role: "admin", products: null } as const;
    at.control.state.actors.set(sha256("fbs_present"), { ...session, bootstrap: sha256(BOOT_TOKEN) });
    at.control.state.actors.set(sha256("fbs_removed"), {
      ...session,
      bootstrap: sha256("a token of yesterday"),
    });
    expect((await at.call(PATH, { token: "fbs_present" })).status).toBe(200);
    expect((await at.call(PATH, { token: "fbs_removed" })).status).toBe(401);
  });

  it("lets a session of a bootstrap token do what that token may do now", async ({ expect }) => {
    const at = buildAdmin();
    const whoami = async (token?: string): Promise<unknown> =>
      (await at.call("/api/v1/whoami", token === undefined ? {} : { token })).json();
    const then = { name: "before", role: "viewer", products: null } as const;
    at.control.state.actors.set(sha256("fbs_old"), { ...then, bootstrap: sha256(BOOT_TOKEN) });
    expect(await whoami("fbs_old")).toEqual(await whoami());
  });

  it("exchanges a token for a session, of which the control plane gets hashes alone", async ({ expect }) => {
    const at = buildAdmin();
    const answer = await at.call("/api/v1/sessions", { method: "POST" });
    const { secret, expires }: { secret: string; expires: string } = await answer.json();
    expect([answer.status, expires]).toEqual([201, "2026-11-24T00:00:00Z"]);
    expect(at.control.calls).toEqual([
      expect.objectContaining({
        name: "session.create",
        input: { sha256: sha256(secret), token: sha256(BOOT_TOKEN) },
      }),
    ]);
  });

  it("reads the scheme in any case", async ({ expect }) => {
    const at = buildAdmin();
    const response = await at.call(PATH, {
      token: null,
      headers: { authorization: `bEaReR  ${BOOT_TOKEN}` },
    });
    expect(response.status).toBe(200);
  });

  it("never writes a token to the log or into an answer", async ({ expect }) => {
    const at = buildAdmin();
    const texts = await Promise.all(
      [BOOT_TOKEN, "wrong-token-0001"].map(async (token) =>
        (await at.call("/api/v1/halt", { token, method: "PUT", json: { on: token } })).text(),
      ),
    );
    const written = [...at.log, ...texts].join("\n");
    expect(at.log.length).toBeGreaterThan(0);
    expect(written).not.toContain(BOOT_TOKEN);
    expect(written).not.toContain("wrong-token-0001");
  });
});

describe("authentication while the control plane is down", () => {
  it.for(["/api/v1/explain?host=acme.kiln.example.com", "/api/v1/status", "/api/v1/metrics"])(
    "lets bootstrap tokens read %s",
    async (path, { expect }) => {
      const at = buildAdmin();
      at.control.state.down = true;
      expect((await at.call(path)).status).toBe(200);
    },
  );

  it("answers every other token 503 with Retry-After, known or not", async ({ expect }) => {
    const at = buildAdmin();
    const token = at.issue({ role: "viewer" });
    at.control.state.down = true;
    const answers = await Promise.all(
      [token, "unknown", null].map((each) => at.call("/api/v1/status", { token: each })),
    );
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(answers.map(({ headers }) => headers.get("retry-after"))).toEqual(["5", "5", "5"]);
  });
});

describe("the limit on failed authentications", () => {
  const from = (address: string): Record<string, string> => ({ "cf-connecting-ip": address });

  it("refuses a client after too many failures, without asking the control plane, until the window is over", async ({
    expect,
  }) => {
    const at = buildAdmin();
    const attempt = (): Promise<Response> => at.call(PATH, { token: "guess", headers: from("192.0.2.1") });
    for (let n = 0; n < MAX_FAILURES; n++) expect((await attempt()).status).toBe(401);
    const limited = await attempt();
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get("retry-after"))).toBe(FAILURE_WINDOW_MS / 1000);
    expect(at.control.calls).toHaveLength(MAX_FAILURES);
    expect((await at.call(PATH, { token: "guess", headers: from("192.0.2.2") })).status).toBe(401);
    at.clock.nowMs += FAILURE_WINDOW_MS;
    expect((await attempt()).status).toBe(401);
  });

  it("never locks out bootstrap tokens, nor a token that was good here lately, at the same address", async ({
    expect,
  }) => {
    const at = buildAdmin();
    const good = at.issue({ role: "viewer" });
    const call = async (token: string): Promise<number> =>
      (await at.call(PATH, { token, headers: from("192.0.2.1") })).status;
    expect(await call(good)).toBe(200);
    for (let n = 0; n < MAX_FAILURES; n++) await call("guess");
    expect(await call("guess")).toBe(429);
    expect(await call(good)).toBe(200);
    expect(await call(BOOT_TOKEN)).toBe(200);
    at.control.state.actors.clear();
    expect(await call(good)).toBe(401);
  });

  it("is the location's too, where one is bound: whoever failed elsewhere waits here", async ({ expect }) => {
    const asked: string[] = [];
    const at = buildAdmin({
      isTooMany: async (client) => {
        asked.push(client);
        return client === "192.0.2.1" && asked.length > 1;
      },
    });
    const good = at.issue({ role: "viewer" });
    const call = (token: string, address = "192.0.2.1"): Promise<Response> =>
      at.call(PATH, { token, headers: from(address) });
    expect((await call(good)).status).toBe(200);
    expect((await call("guess")).status).toBe(401);
    const second = await call("guess");
    expect([second.status, second.headers.get("retry-after")]).toEqual([429, `${FAILURE_WINDOW_MS / 1000}`]);
    const calls = at.control.calls.length;
    expect((await call("guess")).status).toBe(429);
    expect(at.control.calls).toHaveLength(calls);
    expect((await call(good)).status).toBe(200);
    expect((await call("guess", "192.0.2.2")).status).toBe(401);
    // Only failures are counted.
    expect(asked).toEqual(["192.0.2.1", "192.0.2.1", "192.0.2.2"]);
  });

  it("is no location's where clients cannot be told apart", async ({ expect }) => {
    const at = buildAdmin({ config: { trustedProxy: { kind: "none" } }, isTooMany: async () => true });
    expect((await at.call(PATH, { token: "guess" })).status).toBe(401);
  });

  it("counts by what the deployment trusts: the address that the outermost trusted hop saw", async ({
    expect,
  }) => {
    const at = buildAdmin({ config: { trustedProxy: { kind: "hops", hops: 2 } } });
    const attempt = async (spoofed: string): Promise<number> =>
      (
        await at.call(PATH, {
          token: "guess",
          headers: { "x-forwarded-for": `${spoofed}, 192.0.2.9, 10.0.0.1` },
        })
      ).status;
    for (let n = 0; n < MAX_FAILURES; n++) await attempt(`198.51.100.${n}`);
    expect(await attempt("203.0.113.7")).toBe(429);
  });
});
