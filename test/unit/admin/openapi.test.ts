/** The document says what is served, and what is served keeps to the document: valid inputs pass, hostile ones never break it. */
import { describe, it, type ExpectStatic } from "vitest";
import { PERMISSIONS } from "../../../src/admin/permissions.ts";
import { buildAdmin } from "../../support/admin-builders.ts";
import { address, bodyOf, readDocument, routesOf } from "../../support/documented-api.ts";

const at = buildAdmin();
const document = await readDocument(at);
const routes = routesOf(document);

describe("the OpenAPI document", () => {
  it("is OpenAPI 3.1 with a bearer scheme", ({ expect }) => {
    expect(document.openapi).toBe("3.1.0");
    expect(document.components.securitySchemes).toMatchObject({ token: { type: "http", scheme: "bearer" } });
  });

  it("names every operation of the role table, once, and the two open ones", ({ expect }) => {
    const ids = routes.map(({ of }) => of.operationId);
    expect(ids.toSorted()).toEqual([...Object.keys(PERMISSIONS), "openapi", "ready"].toSorted());
  });

  it("resolves all its references", ({ expect }) => {
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name ?? "",
    );
    expect(names.filter((name) => !(name in document.components.schemas))).toEqual([]);
    expect(names.length).toBeGreaterThan(50);
  });

  it.for(routes)(
    "documents the path parameters, answer and problems of $method $path",
    ({ path, of }, { expect }) => {
      const named = (of.parameters ?? [])
        .filter((parameter) => parameter.in === "path")
        .map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(Object.keys(of.responses).some((status) => status.startsWith("2"))).toBe(true);
      const guarded = of.operationId in PERMISSIONS;
      expect(of.security.length).toBe(guarded ? 1 : 0);
      if (guarded)
        expect(Object.keys(of.responses)).toEqual(
          expect.arrayContaining(["400", "401", "403", "429", "503"]),
        );
    },
  );

  it("tells of query parameters by the schema that checks them", ({ expect }) => {
    const query = (id: string): string[] =>
      (routes.find(({ of }) => of.operationId === id)?.of.parameters ?? [])
        .filter((parameter) => parameter.in === "query")
        .map(({ name }) => name);
    expect(query("accounts.import").toSorted()).toEqual(["dryRun", "expectRemoved", "id", "mode"]);
    expect(query("explain").toSorted()).toEqual(["at", "host", "method", "rollout"]);
    expect(query("accounts.delete")).toEqual(["reason"]);
  });
});

/** What may never happen, whatever was sent. */
async function expectSound(response: Response, expect: ExpectStatic): Promise<void> {
  expect(response.status).not.toBe(500);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  const text = await response.text();
  if (response.status < 400) return;
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(JSON.parse(text)).toMatchObject({
    type: expect.stringMatching(/^urn:firebreak:problem:/),
    instance: expect.stringMatching(/^req-/),
  });
}

describe.for(routes)("$method $path", (route) => {
  const { method, of } = route;
  const success = Number(Object.keys(of.responses).find((status) => status.startsWith("2")));

  it("answers what it documents to what it documents", async ({ expect }) => {
    // Maps come from KV, which is empty here: streams of them have tests of their own.
    const expected = of.operationId === "maps.read" ? 404 : success;
    const response = await buildAdmin().call(address(route), { method, ...bodyOf(route) });
    expect(response.status).toBe(expected);
    const mediaType = (response.headers.get("content-type") ?? "").split(";")[0];
    const documented = Object.keys(of.responses[String(expected)]?.content ?? {}).map(
      (type) => type.split(";")[0],
    );
    expect(documented).toContain(mediaType);
  });

  it("refuses a request without a token, and one whose token is unknown, alike", async ({ expect }) => {
    if (of.security.length === 0) return;
    const answers = await Promise.all(
      [null, "no-such-token"].map((token) =>
        buildAdmin().call(address(route), { method, token, ...bodyOf(route) }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401]);
    const [missing, unknown] = await Promise.all(answers.map((answer) => answer.text()));
    expect(missing).toBe(unknown);
    expect([...(answers[0]?.headers ?? [])]).toEqual([...(answers[1]?.headers ?? [])]);
  });

  it("never breaks on hostile paths, queries, headers and bodies", async ({ expect }) => {
    const fresh = buildAdmin();
    const hostile = [
      "..%2f..%2fetc",
      "%00",
      "%",
      "%E0%A4%A",
      "é",
      "__proto__",
      "constructor",
      "a".repeat(5000),
      "xn--a",
      "<script>",
      "' OR 1=1 --",
    ];
    for (const text of hostile) {
      const path = route.path.replaceAll(/\{\w+\}/g, text);
      await expectSound(
        await fresh.call(`${path}?__proto__=1&${encodeURIComponent(text)}=x`, { method, ...bodyOf(route) }),
        expect,
      );
    }
    const clean = address(route);
    const glue = clean.includes("?") ? "&" : "?";
    await expectSound(
      await fresh.call(`${clean}${glue}reason=%FF&limit=1e9&limit=2`, { method, ...bodyOf(route) }),
      expect,
    );
    for (const value of ['"x"', "-1", '"9999999999999999999"', "1, 2"]) {
      const headers = { ...bodyOf(route).headers, "if-match": value, "idempotency-key": value };
      await expectSound(await fresh.call(clean, { method, ...bodyOf(route), headers }), expect);
    }
    if (method === "GET") return;
    const bodies = [
      "",
      "null",
      "[]",
      "0",
      '"x"',
      "{",
      "{}",
      '{"__proto__":{"a":1}}',
      '{"constructor":{"prototype":1}}',
      "[".repeat(100_000),
      '{"a":1e999}',
      "\u0000",
      '{"reason":{}}',
      "\ufeff{}",
    ];
    for (const body of bodies) {
      await expectSound(
        await fresh.call(clean, {
          method,
          body,
          headers: { "content-type": Object.keys(of.requestBody?.content ?? {})[0] ?? "application/json" },
        }),
        expect,
      );
    }
  });

  it("answers 503, or what this node knows, when the control plane is down", async ({ expect }) => {
    const fresh = buildAdmin();
    fresh.control.state.down = true;
    const response = await fresh.call(address(route), { method, ...bodyOf(route) });
    const needsNone = [
      "openapi",
      "ready",
      "explain",
      "traffic",
      "accounts.traffic.get",
      "failed-requests.list",
      "status",
      "metrics",
      "alarms.list",
      "maps.read",
      "whoami",
    ];
    if (needsNone.includes(of.operationId)) expect(response.status).toBeLessThan(500);
    else {
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("5");
    }
    expect(await response.text()).not.toContain("secret internal words");
  });
});
