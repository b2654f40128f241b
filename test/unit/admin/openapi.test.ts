/** The document says what is served, and what is served keeps to the document: valid inputs pass, hostile ones never break it. */
import { describe, it, type ExpectStatic } from "vitest";
import { PERMISSIONS } from "../../../src/admin/permissions.ts";
import { buildAdmin, type TestAdmin } from "../../support/admin-builders.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: { readonly example?: unknown; readonly $ref?: string };
}
interface Documented {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: unknown; readonly example?: unknown }>;
  };
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Documented>>;
  readonly components: {
    readonly schemas: Record<string, unknown>;
    readonly securitySchemes: Record<string, unknown>;
  };
}

const SAMPLES: Record<string, string> = {
  product: "kiln",
  version: "2.9.0",
  from: "2.8.0",
  account: "acme",
  name: "deploy-pipeline",
  probe: "options-hostless",
  id: "2026-11-autumn",
};

async function readDocument(at: TestAdmin): Promise<Document> {
  return (await at.call("/api/v1/openapi.json", { token: null })).json();
}

interface Route {
  readonly path: string;
  readonly method: string;
  readonly of: Documented;
}

function routesOf(document: Document): readonly Route[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => ({ path, method: method.toUpperCase(), of })),
  );
}

/** The path with samples in it, and the query that is required. */
function address({ path, of }: Route, samples: Record<string, string> = SAMPLES): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(samples[name] ?? ""),
  );
  const required = (of.parameters ?? []).filter(
    (parameter) => parameter.in === "query" && parameter.required === true,
  );
  const query = new URLSearchParams(required.map(({ name }) => [name, name === "reason" ? "because" : "1"]));
  return query.size === 0 ? filled : `${filled}?${query.toString()}`;
}

/** A body as documented: the example for JSON, one empty object for streams. */
function bodyOf({ of }: Route): { body?: string; headers?: Record<string, string> } {
  const [mediaType, content] = Object.entries(of.requestBody?.content ?? {})[0] ?? [];
  if (mediaType === undefined || content === undefined) return {};
  const body = mediaType === "application/json" ? JSON.stringify(content.example) : "{}\n";
  return { body, headers: { "content-type": mediaType } };
}

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

  it("refuses a token that may not do it", async ({ expect }) => {
    const permission = Object.entries(PERMISSIONS).find(([id]) => id === of.operationId)?.[1];
    if (permission === undefined) return;
    const fresh = buildAdmin();
    for (const role of ["viewer", "support", "deployer", "operator", "admin"] as const) {
      const allowed = permission.roles.some((each) => each === role);
      const response = await fresh.call(address(route), {
        method,
        token: fresh.issue({ role }),
        ...bodyOf(route),
      });
      expect([role, response.status === 403]).toEqual([role, !allowed]);
      await response.body?.cancel();
    }
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
    const needsNone = ["openapi", "ready", "explain", "status", "metrics", "maps.read", "whoami"];
    if (needsNone.includes(of.operationId)) expect(response.status).toBeLessThan(500);
    else {
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("5");
    }
    expect(await response.text()).not.toContain("secret internal words");
  });
});
