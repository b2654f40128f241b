/**
 * The admin surface exists on its own host: no path of it, on any other host, gets there, and there each is answered as any
 * other path. The paths come from the API's document and the dashboard's tables and source.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { ACTION_ROUTES, PAGE_ROUTES } from "../../../src/dashboard/routes.ts";
import { buildAdmin } from "../../support/admin-builders.ts";
import { documentedPaths } from "../../support/documented-api.ts";
import { ADMIN_HOST, buildEdge, buildRow, type TestEdge } from "../../support/edge-builders.ts";

const CUSTOM = "code.acme-customers.example";
const HOSTS = [
  "acme.kiln.example.com",
  "nobody.kiln.example.com",
  "kiln.example.com",
  "admin.kiln.example.com",
  CUSTOM,
  "stranger.example.org",
  "192.0.2.1",
  "192.0.2.1:8787",
  "[::1]",
  "localhost",
  "",
  null,
];
/** That look like the admin host to somebody, and are none. */
const LOOKALIKES = [
  `${ADMIN_HOST}.evil.example`,
  `x.${ADMIN_HOST}`,
  `${ADMIN_HOST}@acme.kiln.example.com`,
  `acme.kiln.example.com@${ADMIN_HOST}`,
  `acme.kiln.example.com, ${ADMIN_HOST}`,
  `${ADMIN_HOST}, ${ADMIN_HOST}`,
  `${ADMIN_HOST}..`,
  `.${ADMIN_HOST}`,
  `${ADMIN_HOST}:0`,
  `${ADMIN_HOST}:99999`,
  `${ADMIN_HOST}:80:80`,
  ` ${ADMIN_HOST}`,
  `${ADMIN_HOST}\t`,
  `${ADMIN_HOST}/`,
  `${ADMIN_HOST}#`,
  `${ADMIN_HOST}\\`,
  ADMIN_HOST.replace(".", "%2e"),
  ADMIN_HOST.replace(".", "\u3002"),
  ADMIN_HOST.replace("a", "\uff41"),
  ADMIN_HOST.replace("a", "\u0430"),
];
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

/** What app.tsx routes by hand, beside its tables. */
const BY_HAND = [
  ...readFileSync(join(import.meta.dirname, "../../../src/dashboard/app.tsx"), "utf8").matchAll(
    /app\.(?:get|post|all|on)\("([^"]+)"/g,
  ),
].map(([, path = ""]) => path.replace(":name", "firebreak.css"));

const PATHS = [
  ...(await documentedPaths(buildAdmin())),
  ...PAGE_ROUTES.map(({ path }) => path),
  ...ACTION_ROUTES.map(({ path }) => path),
  ...BY_HAND,
];
const HEADERS = {
  "x-forwarded-host": ADMIN_HOST,
  forwarded: `host=${ADMIN_HOST}`,
  "x-original-host": ADMIN_HOST,
  "x-host": ADMIN_HOST,
  "x-original-url": `https://${ADMIN_HOST}/api/v1/status`,
  "mf-original-url": `https://${ADMIN_HOST}/api/v1/status`,
};

interface Watched {
  readonly edge: TestEdge;
  readonly reached: () => number;
}

function watch(): Watched {
  let reached = 0;
  const edge = buildEdge({
    rows: [buildRow("acme"), buildRow(CUSTOM, { slug: "acme", product: "kiln" })],
    admin: () => {
      reached += 1;
      return new Response("admin");
    },
  });
  return { edge, reached: () => reached };
}

/** All that a client can tell of an answer but the number of its request. */
async function seen(
  edge: TestEdge,
  { host, path, method }: { host: string | null; path: string; method: string },
) {
  const answer = await edge.fetch(host, path, { method, headers: HEADERS });
  const told = JSON.stringify([answer.status, ...answer.headers, await answer.text()]);
  return told.replaceAll(answer.headers.get("firebreak-request-id") ?? "none", "ID");
}

describe("the admin surface", { timeout: 60_000 }, () => {
  it.for([...HOSTS, ...LOOKALIKES])(
    "cannot be reached on the host %j, nor told by anything there",
    async (host, { expect }) => {
      const { edge, reached } = watch();
      for (const method of METHODS) {
        const ordinary = await seen(edge, { host, path: "/any/other/path", method });
        for (const path of PATHS)
          expect([path, await seen(edge, { host, path, method })]).toEqual([path, ordinary]);
      }
      expect([reached(), edge.outcomes.includes("admin")]).toEqual([0, false]);
      expect(edge.outcomes.length).toBe((PATHS.length + 1) * METHODS.length);
    },
  );

  it.for([...HOSTS, ...LOOKALIKES])(
    "cannot be reached on the host %j by a target that names it",
    async (host, { expect }) => {
      const { edge, reached } = watch();
      for (const target of [
        `//${ADMIN_HOST}/api/v1/status`,
        `https://${ADMIN_HOST}/api/v1/status`,
        `http://${ADMIN_HOST}/`,
        `/\\${ADMIN_HOST}/`,
        `/${ADMIN_HOST}/api/v1/status`,
      ])
        for (const method of METHODS)
          await (await edge.fetch(host, target, { method, headers: HEADERS })).body?.cancel();
      expect([reached(), edge.outcomes.includes("admin")]).toEqual([0, false]);
    },
  );

  it("is reached on its own, in every spelling that means it, so that the above can fail", async ({
    expect,
  }) => {
    const spellings = [
      ADMIN_HOST,
      ADMIN_HOST.toUpperCase(),
      `${ADMIN_HOST}.`,
      `${ADMIN_HOST}:8787`,
      `${ADMIN_HOST}.:443`,
      `${ADMIN_HOST}:`,
    ];
    const { edge, reached } = watch();
    for (const host of spellings) await edge.fetch(host, "/api/v1/status");
    expect([reached(), edge.outcomes]).toEqual([spellings.length, spellings.map(() => "admin")]);
    expect(BY_HAND.length).toBeGreaterThanOrEqual(5);
  });
});
