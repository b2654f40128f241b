/**
 * The bundle that `npm run build` makes, as it would be deployed, on workerd: it starts, answers health, refuses what it
 * must, loads its admin surface on demand, and routes by the maps it has published itself. Everything else is tested
 * from source; this finds what only bundling breaks.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, it } from "vitest";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { createAdminClient } from "../../scripts/local/admin-client.ts";
import { waitUntilPublished } from "../../scripts/local/demo/seed.ts";
import { startDemoOrigin, type DemoOrigin } from "../../scripts/local/demo/origin.ts";
import { buildAdmin } from "../support/admin-builders.ts";
import { readDocument, routesOf } from "../support/documented-api.ts";
import { makeStateFolder } from "../support/local-instance.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const DIST = join(ROOT, "dist");
const ENTRY = "index.mjs";
const ACME = request("GET /x HTTP/1.1", "Host: acme.kiln.example.com");

interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

/** What the entry imports, at once or when it is asked for. */
function partsOf(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".mjs") && name !== ENTRY);
}

/** Runs the bundle with wrangler.toml's own bindings, and what only a deployment can know. */
async function run(storage: string): Promise<Running> {
  const {
    workerOptions: { modulesRules: _, rootPath: __, ...worker },
  } = unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"));
  const bindings = {
    ...(worker["bindings"] as Record<string, string>),
    ADMIN_HOST: "localhost",
    ADMIN_TOKENS: "test:admin:test-admin-token",
    ORIGIN_ALLOW: "http://127.0.0.1:*",
    TRUSTED_PROXY: "none",
    FLIP_DELAY_SECONDS: "0",
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      port: 0,
      resourcePersistencePath: storage,
      handleStructuredLogs: () => {},
      workers: [
        {
          ...worker,
          name: "firebreak",
          modulesRoot: DIST,
          modules: [ENTRY, ...partsOf(DIST)].map((name) => ({ type: "ESModule", path: join(DIST, name) })),
          bindings,
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, proxy: true }],
        },
      ],
    }),
  );
  const url = await miniflare.unsafeGetDirectURL("firebreak");
  return { port: Number(url.port), stop: () => miniflare.dispose() };
}

describe("the bundle of npm run build", () => {
  const storage = makeStateFolder();
  let running: Running;
  let origin: DemoOrigin;

  beforeAll(async () => {
    if (!existsSync(join(DIST, ENTRY)))
      throw new Error("dist/index.mjs is missing: run `npm run build` first");
    const options = { product: "kiln", version: "1.0.0", port: 0, failsWithoutAccount: false };
    origin = await startDemoOrigin({ ...options, knows: () => true });
    running = await run(storage);
  });
  afterAll(async () => {
    await running?.stop();
    await origin?.stop();
    rmSync(storage, { recursive: true, force: true });
  });

  it("answers the load balancer's check", async ({ expect }) => {
    const answer = await sendRaw({ port: running.port, bytes: request("OPTIONS / HTTP/1.0") });
    expect(answer.status).toBe(204);
  });

  it("answers 503 with Retry-After while it has never seen maps", async ({ expect }) => {
    const answer = await sendRaw({ port: running.port, bytes: ACME });
    expect(answer.status).toBe(503);
    expect(answer.header("retry-after")).not.toBeNull();
  });

  it("refuses a malformed host with 400 and somebody else's with 421", async ({ expect }) => {
    const { port } = running;
    expect((await sendRaw({ port, bytes: request("GET / HTTP/1.1", "Host: a_b") })).status).toBe(400);
    expect(
      (await sendRaw({ port, bytes: request("POST / HTTP/1.1", "Host: 10.0.0.1", "Content-Length: 0") }))
        .status,
    ).toBe(421);
  });

  it("loads the admin surface when it is asked for", async ({ expect }) => {
    const admin = createAdminClient(running.port, "no-such-token");
    expect((await admin.call({ method: "GET", path: "status" })).status).toBe(401);
    admin.close();
  });

  it("describes itself as the source does", async ({ expect }) => {
    const admin = createAdminClient(running.port, "no-such-token");
    const document = await admin.call({ method: "GET", path: "openapi.json" });
    admin.close();
    expect(document).toEqual({ status: 200, body: await readDocument(buildAdmin()) });
  });

  it("refuses what is wrong in a body, address or query in the words of the source", async ({ expect }) => {
    const source = buildAdmin();
    const admin = createAdminClient(running.port, "test-admin-token");
    const routes = routesOf(await readDocument(source)).filter(
      ({ of }) => of.requestBody?.content["application/json"] !== undefined,
    );
    expect(routes.length).toBeGreaterThan(30);
    for (const route of routes) {
      const { path, method } = route;
      const wrong = `${path.replaceAll(/\{\w+\}/g, "A_b")}?no-such=1`;
      const body = { reason: 7, origin: "ftp://x", expires: "soon", "no-such": null };
      const bundled = await admin.call({ method, path: wrong.replace("/api/v1/", ""), body });
      const expected = await source.call(wrong, { method, json: body });
      const { instance: _, ...problem } = (await expected.json()) as Record<string, unknown>;
      expect(bundled.status).toBe(expected.status);
      expect(bundled.body).toMatchObject(problem);
    }
    admin.close();
  });

  it("routes by the maps it has published, after a restart", async ({ expect }) => {
    const admin = createAdminClient(running.port, "test-admin-token");
    const version = { origin: origin.url, reversible: true, mixed: "ok" };
    // The first version of a product is its stable and default one.
    await admin.must({ method: "PUT", path: "products/kiln", body: { domains: ["kiln.example.com"] } });
    await admin.must({ method: "PUT", path: "products/kiln/versions/1.0.0", body: version });
    await admin.must({
      method: "PUT",
      path: "accounts/acme",
      body: { timeZone: "Europe/Paris", cohort: "general", products: ["kiln"] },
    });
    await waitUntilPublished(admin);
    admin.close();
    await running.stop();
    running = await run(storage);
    await expect
      .poll(async () => (await sendRaw({ port: running.port, bytes: ACME })).header("demo-version"), {
        timeout: 10_000,
      })
      .toBe("kiln/1.0.0");
    expect(origin.recent().at(-1)).toMatchObject({ account: "acme", url: "/x" });
  });
});
