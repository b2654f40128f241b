/** The pages for somebody who comes through Cloudflare Access: no token is asked for, and forms hold all the same. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { PROOF_FIELD, proofOf } from "../../../src/dashboard/session.ts";
import { startTeam, type Team } from "../../support/access-team.ts";
import { ADMIN_HOST, NOW_MS } from "../../support/admin-builders.ts";
import { createDashboardWorld, type Browser, type DashboardWorld } from "../../support/dashboard-world.ts";
import { refusedEntry } from "../../support/refused-entries.ts";

const ALICE = "alice@example.com";
const OWN = { origin: `https://${ADMIN_HOST}`, "sec-fetch-site": "same-origin" };

let team: Team;
beforeAll(async () => {
  team = await startTeam({ nowMs: NOW_MS });
});
afterAll(() => team.stop());

interface Visitor {
  readonly made: DashboardWorld;
  readonly browser: Browser;
  readonly through: { readonly "cf-access-jwt-assertion": string };
  readonly proof: string;
}

async function visitor(role: string | null = "operator"): Promise<Visitor> {
  const made = await createDashboardWorld(undefined, team);
  made.admin.clock.nowMs = NOW_MS;
  if (role !== null) await made.admin.call(`/api/v1/access/${ALICE}`, { method: "PUT", json: { role } });
  const assertion = await team.sign(ALICE);
  const through = { "cf-access-jwt-assertion": assertion };
  return { made, browser: made.browser(), through, proof: await proofOf(assertion) };
}

async function isHalted({ made }: Visitor): Promise<boolean> {
  const halt = await made.world.control.query("halt", {});
  return halt.ok && halt.value.on;
}

const HALT = { on: "true", reason: "errors in two regions" };

describe("a visitor through Cloudflare Access", () => {
  it("sees the pages without a token, is named on them, and leaves by Access' own way out", async ({
    expect,
  }) => {
    const { browser, through } = await visitor();
    const page = await browser.get("/", through);
    const text = await page.text();
    expect([page.status, page.headers.get("set-cookie")]).toEqual([200, null]);
    expect(text).toContain('<a class="away" href="/cdn-cgi/access/logout">Sign out alice@example.com</a>');
    expect(text).not.toContain(through["cf-access-jwt-assertion"]);
  });

  it("changes things by forms that carry the proof of this very token", async ({ expect }) => {
    const at = await visitor();
    const done = await at.browser.post(
      "/halt",
      { ...HALT, [PROOF_FIELD]: at.proof },
      { ...at.through, ...OWN },
    );
    expect([done.status, await isHalted(at)]).toEqual([303, true]);
  });

  it.for([
    ["without a proof", {}, OWN],
    ["with a forged proof", { [PROOF_FIELD]: "0".repeat(64) }, OWN],
    ["from a page of another site", null, { origin: "https://evil.test", "sec-fetch-site": "cross-site" }],
    [
      "from a page of a tenant",
      null,
      { origin: `https://acme.${ADMIN_HOST}`, "sec-fetch-site": "same-site" },
    ],
    ["from a page without an origin", null, { origin: "null" }],
  ] as const)("changes nothing by a form %s", async ([, fields, headers], { expect }) => {
    const at = await visitor();
    const proof = fields ?? { [PROOF_FIELD]: at.proof };
    const done = await at.browser.post("/halt", { ...HALT, ...proof }, { ...at.through, ...headers });
    expect([done.status, await isHalted(at)]).toEqual([403, false]);
    const kind = fields === null ? "refused.foreign-site" : "refused.form";
    expect(await refusedEntry(at.made, kind)).toBeDefined();
  });

  it.for(["POST", "PUT", "DELETE"])(
    "changes nothing by a %s that a page of another site sends to the API",
    async (method, { expect }) => {
      const at = await visitor("admin");
      for (const headers of [{ origin: "https://evil.test" }, { "sec-fetch-site": "cross-site" }]) {
        const path = method === "PUT" ? "/api/v1/halt" : "/api/v1/sessions";
        const json = { on: true, reason: "r" };
        const init = {
          method,
          token: null,
          headers: { ...at.through, ...headers },
          ...(method === "PUT" ? { json } : {}),
        };
        expect((await at.made.admin.call(path, init)).status).toBe(403);
      }
      expect(await isHalted(at)).toBe(false);
    },
  );

  it("who has no role here is told so at the door, where a token still opens", async ({ expect }) => {
    const { browser, through } = await visitor(null);
    const page = await browser.get("/accounts", through);
    const text = await page.text();
    expect(page.status).toBe(403);
    expect(text).toContain("nothing is granted to that name here");
    expect(text).toContain('action="/sign-in"');
    expect((await browser.post("/sign-in", { token: "boot-secret-0001" }, through)).status).toBe(303);
    expect(await (await browser.get("/", through)).text()).toContain("Sign out boot");
  });

  it("whose token is no good is told so and shown nothing", async ({ expect }) => {
    const { browser } = await visitor();
    const claims = { exp: NOW_MS / 1000 - 3600 };
    const page = await browser.get("/", { "cf-access-jwt-assertion": await team.sign(ALICE, { claims }) });
    expect(page.status).toBe(401);
    expect(await page.text()).not.toContain("Generation");
  });

  it("is told at the door that no token is needed", async ({ expect }) => {
    const { browser, through } = await visitor();
    expect(await (await browser.get("/sign-in?back=/audit", through)).text()).toContain(
      '<a href="/audit">Go on',
    );
    expect(await (await browser.get("/sign-in")).text()).not.toContain("Go on");
  });
});

describe("the page of grants", () => {
  it("grants, shows and takes away", async ({ expect }) => {
    const { made } = await visitor(null);
    const browser = await made.signedIn();
    const given = { identity: " Alice@example.com ", role: "deployer", products: "kiln" };
    expect((await browser.post("/access/grant", given)).headers.get("location")).toBe("/access");
    expect(await (await browser.get("/access")).text()).toMatch(/alice@example\.com.*deployer.*kiln/s);
    const path = "/access/alice%40example.com/revoke";
    expect((await browser.post(path, { reason: "left" })).headers.get("location")).toBe("/access");
    expect(await (await browser.get("/access")).text()).toContain("Nothing is granted to anybody");
  });

  it("says what is wrong with a name, and keeps what was written", async ({ expect }) => {
    const { made } = await visitor(null);
    const browser = await made.signedIn();
    const naughty = '"><script>alert(1)</script>';
    const page = await browser.post("/access/grant", {
      identity: naughty,
      role: "support",
      products: naughty,
    });
    const text = await page.text();
    expect(page.status).toBe(400);
    expect(text).toContain("must be an e-mail address");
    expect(text).not.toContain("<script>alert");
    expect(text).toContain('value="support" selected');
  });

  it("is for admins", async ({ expect }) => {
    const { browser, through } = await visitor("operator");
    expect((await browser.get("/access", through)).status).toBe(403);
  });
});
