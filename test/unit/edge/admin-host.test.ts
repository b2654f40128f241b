/** The admin surface exists on its own host: no path of it, on any other host, gets there. */
import { describe, it } from "vitest";
import { ACTION_ROUTES, PAGE_ROUTES } from "../../../src/dashboard/routes.ts";
import { buildAdmin } from "../../support/admin-builders.ts";
import { documentedPaths } from "../../support/documented-api.ts";
import { ADMIN_HOST, buildEdge, buildRow } from "../../support/edge-builders.ts";

const HOSTS = [
  "acme.kiln.example.com",
  "nobody.kiln.example.com",
  "kiln.example.com",
  "admin.kiln.example.com",
  "stranger.example.org",
  `${ADMIN_HOST}.evil.example`,
  `x.${ADMIN_HOST}`,
  `${ADMIN_HOST}@acme.kiln.example.com`,
  `acme.kiln.example.com, ${ADMIN_HOST}`,
  "192.0.2.1",
  "localhost",
  "",
  null,
];

const PATHS = [
  ...(await documentedPaths(buildAdmin())),
  ...PAGE_ROUTES.map(({ path }) => path),
  ...ACTION_ROUTES.map(({ path }) => path),
  "/sign-in",
  "/sign-out",
  "/assets/firebreak.css",
  `//${ADMIN_HOST}/api/v1/status`,
  `https://${ADMIN_HOST}/api/v1/status`,
];

describe("the admin surface", () => {
  it.for(HOSTS)("cannot be reached on the host %j", async (host, { expect }) => {
    let reached = 0;
    const edge = buildEdge({
      rows: [buildRow("acme")],
      admin: () => {
        reached += 1;
        return new Response("admin");
      },
    });
    for (const path of PATHS) {
      for (const method of ["GET", "POST"]) {
        const headers = {
          "x-forwarded-host": ADMIN_HOST,
          forwarded: `host=${ADMIN_HOST}`,
          "x-original-host": ADMIN_HOST,
          "x-host": ADMIN_HOST,
        };
        await (await edge.fetch(host, path, { method, headers })).body?.cancel();
      }
    }
    expect([reached, edge.outcomes.includes("admin")]).toEqual([0, false]);
    expect(edge.outcomes.length).toBe(PATHS.length * 2);
  });

  it("is reached on its own, so that the above can fail", async ({ expect }) => {
    const edge = buildEdge();
    await edge.fetch(ADMIN_HOST, "/api/v1/status");
    expect(edge.outcomes).toEqual(["admin"]);
  });
});
