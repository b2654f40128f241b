/** What holds for every request: addresses, methods, bodies, conditions, where it comes from, and what answers look like. */
import { describe, it } from "vitest";
import { MAX_JSON_BYTES } from "../../../src/admin/request-guards.ts";
import { buildAdmin, buildRequest } from "../../support/admin-builders.ts";

interface Invalid {
  readonly type: string;
  readonly detail: string;
  readonly instance: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

const HALT = { on: true, reason: "because" };

describe("addresses and methods", () => {
  it.for([
    "/",
    "/api/v1",
    "/api/v1/product",
    "/api/v1/products/",
    "/api/v2/products",
    "/readyz/",
    "//api/v1/products",
    "/API/v1/products",
  ])("answers 404 to %s", async (path, { expect }) => {
    const response = await buildAdmin().call(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      type: "urn:firebreak:problem:not-found",
      instance: "req-1",
    });
  });

  it.for([
    ["/api/v1/products", "DELETE", "GET, HEAD"],
    ["/api/v1/accounts/acme", "PATCH", "GET, HEAD, PUT, DELETE"],
    ["/api/v1/halt", "OPTIONS", "GET, HEAD, PUT"],
  ] as const)("answers 405 to %s %s, and says what it takes", async ([path, method, allow], { expect }) => {
    const response = await buildAdmin().call(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("reads an account that is called import", async ({ expect }) => {
    const at = buildAdmin();
    expect((await at.call("/api/v1/accounts/import")).status).toBe(200);
    expect(at.control.calls[0]).toMatchObject({ name: "account", input: { account: "import" } });
  });

  it("answers HEAD like GET, without a body", async ({ expect }) => {
    const response = await buildAdmin().call("/api/v1/products/kiln", { method: "HEAD" });
    expect([response.status, response.headers.get("etag"), await response.text()]).toEqual([200, '"7"', ""]);
  });

  it("answers 500 without a word of what went wrong, and logs it", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.products = null as never;
    const response = await at.call("/api/v1/products");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/null|undefined|filter/);
    expect(at.log.join("\n")).toContain("admin.bug");
  });

  it("carries the request id, and headers that keep an answer from being cached, framed or sniffed", async ({
    expect,
  }) => {
    const response = await buildAdmin().call("/api/v1/products/kiln");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "firebreak-request-id": "req-1",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
  });
});

describe("bodies", () => {
  it.for([
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
    "",
    "application/jsonp",
    "application/json-patch+json",
  ])("refuses a change sent as %j", async (type, { expect }) => {
    const at = buildAdmin();
    const response = await at.call("/api/v1/halt", {
      method: "PUT",
      body: JSON.stringify(HALT),
      headers: { "content-type": type },
    });
    expect(response.status).toBe(415);
    expect(at.control.calls).toEqual([]);
  });

  it("takes application/json with a charset, in any case", async ({ expect }) => {
    const headers = { "content-type": "Application/JSON; charset=utf-8" };
    expect((await buildAdmin().call("/api/v1/halt", { method: "PUT", json: HALT, headers })).status).toBe(
      200,
    );
  });

  it("refuses more than 1 MiB, announced or not, and reads no further", async ({ expect }) => {
    const text = JSON.stringify({ ...HALT, reason: "x".repeat(MAX_JSON_BYTES) });
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
      },
    });
    const headers = { "content-type": "application/json" };
    const answers = [
      await buildAdmin().call("/api/v1/halt", { method: "PUT", body: text, headers }),
      await buildAdmin().call("/api/v1/halt", { method: "PUT", body: endless, headers }),
      await buildAdmin().call("/api/v1/halt", {
        method: "PUT",
        body: text,
        headers: { ...headers, "content-length": String(text.length) },
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([413, 413, 413]);
    expect(pulled).toBeLessThan(30);
  });

  it.for(["", "{", '{"on":true', "\u0000", '{"reason":"secret-in-a-broken-body",}'])(
    "answers 400 to %j, without repeating it",
    async (body, { expect }) => {
      const response = await buildAdmin().call("/api/v1/halt", {
        method: "PUT",
        body,
        headers: { "content-type": "application/json" },
      });
      expect(response.status).toBe(400);
      expect(await response.text()).not.toContain("secret-in-a-broken-body");
    },
  );

  it.for(['"__proto__"', String.raw`"\u005F_proto__"`])(
    "refuses a member called %s, which would be lost",
    async (name, { expect }) => {
      const at = buildAdmin();
      const body = `{"timeZone":"Europe/Berlin","cohort":"a","labels":{"tier":"gold",${name}:"x"}}`;
      const headers = { "content-type": "application/json" };
      const response = await at.call("/api/v1/accounts/acme", { method: "PUT", body, headers });
      expect(response.status).toBe(400);
      expect(((await response.json()) as Invalid).detail).toContain("__proto__");
      expect(at.control.calls).toEqual([]);
    },
  );

  it("answers 400 to bytes that are no UTF-8", async ({ expect }) => {
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]);
    expect(
      (
        await buildAdmin().call("/api/v1/halt", {
          method: "PUT",
          body,
          headers: { "content-type": "application/json" },
        })
      ).status,
    ).toBe(400);
  });

  it("lists every field that is wrong, of path, query, header and body together", async ({ expect }) => {
    const json = { domains: ["A b"], timeouts: [{ prefix: "x", seconds: 0 }], unknown: 1 };
    const headers = { "if-match": "soon" };
    const response = await buildAdmin().call("/api/v1/products/K?dry=1&dry=2", {
      method: "PUT",
      json,
      headers,
    });
    const problem: Invalid = await response.json();
    expect(response.status).toBe(400);
    expect(problem.errors.map(({ path }) => path).toSorted()).toEqual([
      "body",
      "body.domains[0]",
      "body.timeouts[0].prefix",
      "body.timeouts[0].seconds",
      "header.if-match",
      "path.product",
      "query",
      "query.dry",
    ]);
    expect(problem.detail).toContain("Correct and send again");
  });

  it("refuses a mistyped query parameter instead of ignoring it", async ({ expect }) => {
    const at = buildAdmin();
    const headers = { "content-type": "application/x-ndjson" };
    const response = await at.call("/api/v1/accounts/import?dryrun=true", {
      method: "POST",
      body: "",
      headers,
    });
    const problem: Invalid = await response.json();
    expect([response.status, problem.errors[0]?.message]).toEqual([400, expect.stringContaining("dryrun")]);
    expect(at.control.calls).toEqual([]);
  });

  it("bounds what it says about a body that is all wrong", async ({ expect }) => {
    const json = { domains: Array.from({ length: 5000 }, () => "A b".repeat(10)) };
    const text = await (await buildAdmin().call("/api/v1/products/kiln", { method: "PUT", json })).text();
    expect(text.length).toBeLessThan(10_000);
  });
});

describe("conditions", () => {
  const conditionsOf = async (headers: Record<string, string>): Promise<unknown> => {
    const at = buildAdmin();
    const json = { mode: "page", reason: "r" };
    await at.call("/api/v1/accounts/acme/hold", { method: "PUT", json, headers });
    const context = at.control.calls.at(-1)?.context;
    return context === undefined || context === null
      ? null
      : [context.ifMatch, context.idempotencyKey, context.actor.name];
  };

  it.for([
    [{}, [null, null, "boot"]],
    [{ "if-match": '"7"' }, [7, null, "boot"]],
    [{ "if-match": "7" }, [7, null, "boot"]],
    [{ "if-match": 'W/"7"' }, [7, null, "boot"]],
    [{ "if-match": "*" }, [null, null, "boot"]],
    [{ "idempotency-key": '"abc"' }, [null, "abc", "boot"]],
    [{ "idempotency-key": "abc" }, [null, "abc", "boot"]],
    [{ "if-match": '"7", "8"' }, null],
    [{ "if-match": '"seven"' }, null],
    [{ "idempotency-key": "a b" }, null],
    [{ "idempotency-key": "a".repeat(201) }, null],
  ] as [Record<string, string>, unknown][])("passes %j on as %j", async ([headers, expected], { expect }) => {
    expect(await conditionsOf(headers)).toEqual(expected);
  });

  it("carries the revision out as ETag", async ({ expect }) => {
    expect((await buildAdmin().call("/api/v1/accounts/acme")).headers.get("etag")).toBe('"4"');
    expect((await buildAdmin().call("/api/v1/halt")).headers.get("etag")).toBeNull();
  });

  it("passes a refusal of the control plane on as its problem", async ({ expect }) => {
    const at = buildAdmin();
    at.control.state.refusal = {
      problem: "stale-revision",
      detail: "It has revision 8.",
      extensions: { revision: 8 },
    };
    const response = await at.call("/api/v1/halt", { method: "PUT", json: HALT });
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      type: "urn:firebreak:problem:stale-revision",
      revision: 8,
      instance: "req-1",
    });
  });
});

describe("where a request comes from", () => {
  it.for([
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ origin: "https://acme.kiln.example.com" }, 403],
    [{ origin: "null" }, 403],
    [{ "sec-fetch-site": "same-origin", origin: "https://admin.example.com" }, 200],
    [{ "sec-fetch-site": "none" }, 200],
    [{}, 200],
  ] as [Record<string, string>, number][])(
    "lets a change with %j through or not: %i",
    async ([headers, status], { expect }) => {
      expect((await buildAdmin().call("/api/v1/halt", { method: "PUT", json: HALT, headers })).status).toBe(
        status,
      );
    },
  );

  it("lets pages of other sites link to what is open", async ({ expect }) => {
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await buildAdmin().call("/api/v1/openapi.json", { token: null, headers })).status).toBe(200);
  });

  it("looks at the site before the token", async ({ expect }) => {
    const at = buildAdmin();
    const request = buildRequest("/api/v1/halt", {
      method: "PUT",
      token: "guess",
      json: HALT,
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect((await at.admin(request, { waitUntil: () => undefined })).status).toBe(403);
    expect(at.control.calls).toEqual([]);
  });
});
