/** Every form and every page of the dashboard: foreign forms change nothing, and nothing may be framed. */
import { describe, it } from "vitest";
import { ACTION_ROUTES, PAGE_ROUTES } from "../../../src/dashboard/routes.ts";
import { ADMIN_HOST, BOOT_TOKEN } from "../../support/admin-builders.ts";
import { createDashboardWorld, type Browser, type DashboardWorld } from "../../support/dashboard-world.ts";

const FIELDS = { on: "true", reason: "forged", name: "eva", role: "admin", products: "", token: BOOT_TOKEN };
const PATHS = [...ACTION_ROUTES.map(({ path }) => path), "/sign-out"];

/** An address of a route: its parameters filled in. */
function addressOf(pattern: string): string {
  return pattern
    .replace(":account", "acme")
    .replace(":product", "kiln")
    .replace(":version", "2")
    .replace(/:\w+/, "some");
}

/** Ways for another site to send a form, or for one to come without what a page of this session puts in it. */
const FORGED: Readonly<Record<string, (browser: Browser, path: string) => Promise<Response>>> = {
  "from another origin": (browser, path) => browser.post(path, FIELDS, { origin: "https://evil.test" }),
  "from an opaque origin": (browser, path) => browser.post(path, FIELDS, { origin: "null" }),
  "from a tenant of ours": (browser, path) =>
    browser.post(path, FIELDS, { origin: "https://acme.kiln.example.com", "sec-fetch-site": "same-site" }),
  "that the browser calls cross-site": (browser, path) =>
    browser.post(path, FIELDS, { "sec-fetch-site": "cross-site" }),
  "with our name in another port": (browser, path) =>
    browser.post(path, FIELDS, { origin: `https://${ADMIN_HOST}:8443` }),
};

const UNPROVED: typeof FORGED = {
  "without proof": (browser, path) => browser.post(path, { ...FIELDS, proof: "" }),
  "with a made-up proof": (browser, path) => browser.post(path, { ...FIELDS, proof: "0".repeat(64) }),
  "as JSON": (browser, path) => browser.post(path, FIELDS, { "content-type": "application/json" }),
  "as plain text": (browser, path) => browser.post(path, FIELDS, { "content-type": "text/plain" }),
};

/** Everything that the audit has but who was signed in or refused. */
async function changesOf({ world }: DashboardWorld): Promise<readonly string[]> {
  const page = await world.control.query("audit", { cursor: null, limit: 500, target: null, actor: null });
  if (!page.ok) throw new Error(page.error.detail);
  return page.value.items
    .map(({ action }) => action)
    .filter((action) => !action.startsWith("refused.") && !action.startsWith("session"));
}

describe("forms", () => {
  it.for(Object.entries({ ...FORGED, ...UNPROVED }))(
    "%s are refused, every one",
    async ([, forge], { expect }) => {
      const made = await createDashboardWorld();
      const browser = await made.signedIn();
      const before = await changesOf(made);
      for (const path of PATHS) {
        const answer = await forge(browser, addressOf(path));
        expect([path, answer.status, answer.headers.get("set-cookie")]).toEqual([path, 403, null]);
      }
      expect(await changesOf(made)).toEqual(before);
      expect((await browser.get("/")).status).toBe(200);
    },
  );

  it.for(Object.entries(FORGED))("%s sign nobody in", async ([, forge], { expect }) => {
    const made = await createDashboardWorld();
    const answer = await forge(made.browser(), "/sign-in");
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([403, null]);
  });

  it("with the proof of another session are refused, every one", async ({ expect }) => {
    const made = await createDashboardWorld();
    const [one, other] = [await made.signedIn(), await made.signedIn()];
    const cookie = other.cookie() ?? "";
    const { PROOF_FIELD, proofOf } = await import("../../../src/dashboard/session.ts");
    const foreign = { [PROOF_FIELD]: await proofOf(cookie.split("=")[1] ?? "") };
    for (const path of PATHS)
      expect((await one.post(addressOf(path), { ...FIELDS, ...foreign })).status).toBe(403);
  });

  it("of another site sign nobody out: the browser sends them without the cookie that it has", async ({
    expect,
  }) => {
    const made = await createDashboardWorld();
    for (const [what, forge] of Object.entries(FORGED))
      for (const path of [...PATHS, "/sign-in"]) {
        const answer = await forge(made.browser(), addressOf(path));
        expect([what, path, answer.headers.get("set-cookie")]).toEqual([what, path, null]);
      }
    for (const path of PAGE_ROUTES.map(({ path: each }) => addressOf(each)))
      expect((await made.browser().get(path)).headers.get("set-cookie")).toBeNull();
  });

  it("without a session lead to the door, and change nothing", async ({ expect }) => {
    const made = await createDashboardWorld();
    const before = await changesOf(made);
    for (const path of PATHS) {
      const answer = await made.browser().post(addressOf(path), FIELDS);
      expect([path, answer.status]).toEqual([path, 303]);
      expect(answer.headers.get("location")).toMatch(/^\/sign-in/);
    }
    expect(await changesOf(made)).toEqual(before);
  });
});

describe("every page", () => {
  it("may not be framed, sniffed, kept or given scripts, whoever asks and whatever is wrong", async ({
    expect,
  }) => {
    const made = await createDashboardWorld();
    const asked = [...PAGE_ROUTES.map(({ path }) => addressOf(path)), "/sign-in", "/nothing-here"];
    for (const browser of [made.browser(), await made.signedIn(), await made.signedIn("boot-viewer-0001")]) {
      for (const path of asked) {
        const { headers } = await browser.get(path);
        const policy = headers.get("content-security-policy") ?? "";
        expect([path, policy]).toEqual([path, expect.stringContaining("frame-ancestors 'none'")]);
        expect([path, policy]).toEqual([path, expect.stringContaining("default-src 'none'")]);
        expect([path, policy.includes("unsafe")]).toEqual([path, false]);
        expect(headers.get("x-content-type-options")).toBe("nosniff");
        expect(headers.get("cache-control")).toBe("no-store");
      }
    }
  });
});
