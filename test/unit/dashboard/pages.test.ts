/** Account, explain, calendar and token pages on a real control plane; and hostile text in everything they show. */
import { describe, it } from "vitest";
import { addAccount, must, type World } from "../../support/control-world.ts";
import { createDashboardWorld, type Browser } from "../../support/dashboard-world.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>`;

async function start(): Promise<{ world: World; browser: Browser }> {
  const { world, signedIn } = await createDashboardWorld();
  await addAccount(world, "acme");
  return { world, browser: await signedIn() };
}

async function read(browser: Browser, path: string): Promise<string> {
  const answer = await browser.get(path);
  return `${answer.status} ${(await answer.text()).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ")}`;
}

describe("the account page", () => {
  it(
    "takes a hold, a deferral and a quarantine by its forms, and shows and lifts each",
    { timeout: 30_000 },
    async ({ expect }) => {
      const { browser } = await start();
      const page = "/accounts/acme";
      const steps: readonly (readonly [verb: string, fields: Record<string, string>, shown: RegExp])[] = [
        ["hold", { mode: "readOnly", message: "Back soon", reason: "move" }, /Held \(read-only\)/],
        [
          "defer",
          { until: "2026-12-24T10:00", owner: "eva", reason: "audit" },
          /Deferred until 2026-12-24 10:00 , owner eva: audit/,
        ],
        ["quarantine", { product: "kiln", version: "2", reason: "slow" }, /In quarantine on kiln 2/],
      ];
      for (const [verb, fields, shown] of steps) {
        const done = await browser.post(`${page}/${verb}`, fields);
        expect([verb, done.status, done.headers.get("location")]).toEqual([verb, 303, page]);
        expect(await read(browser, page)).toMatch(shown);
      }
      for (const [verb, fields, gone] of [
        ["lift-hold", {}, /Held/],
        ["lift-deferral", {}, /Deferred/],
        ["lift-quarantine", { product: "kiln" }, /In quarantine/],
      ] as const) {
        expect((await browser.post(`${page}/${verb}`, { reason: "done", ...fields })).status).toBe(303);
        expect(await read(browser, page)).not.toMatch(gone);
      }
    },
  );

  it("is 404 for nobody, and says why a form was refused", async ({ expect }) => {
    const { browser } = await start();
    expect(await read(browser, "/accounts/nobody")).toMatch(/^404 /);
    const refused = await browser.post("/accounts/acme/defer", { until: "soon", owner: "eva", reason: "x" });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('role="alert"');
  });
});

describe("text from outside", () => {
  it("is shown as text on every page", async ({ expect }) => {
    const { world, browser } = await start();
    await must(world, "account.hold.set", {
      account: "acme",
      input: { mode: "page", message: HOSTILE, until: null, reason: HOSTILE },
    });
    await must(world, "freeze.put", {
      name: "winter",
      input: { from: "2026-12-20", to: "2027-01-03", zone: "Etc/UTC", scope: {}, reason: HOSTILE },
    });
    await browser.post("/halt", { on: "true", reason: HOSTILE });
    for (const path of [
      "/",
      "/accounts",
      "/accounts/acme",
      "/calendar",
      "/audit",
      "/tokens",
      "/access",
      "/incident",
      "/preflight",
      "/preflight/kiln/2",
      `/accounts?prefix=${encodeURIComponent(HOSTILE)}`,
      `/explain?host=${encodeURIComponent(HOSTILE)}&at=${encodeURIComponent(HOSTILE)}`,
      `/audit?target=${encodeURIComponent(HOSTILE)}`,
      `/rollouts/${encodeURIComponent(HOSTILE)}`,
    ]) {
      const html = await (await browser.get(path)).text();
      expect([path, html.includes("<script>alert"), html.includes("<img")]).toEqual([path, false, false]);
    }
  });
});

describe("the page of now", () => {
  it("shows each alarm with its first command, before everything else", async ({ expect }) => {
    const { browser } = await start();
    expect(await read(browser, "/")).not.toContain("First:");
    await browser.post("/halt", { on: "true", reason: "looking" });
    expect(await read(browser, "/")).toMatch(
      /Page: Everything automatic is halted by \S+: looking .*First: firebreak halt off --reason … .*Rollouts under way/,
    );
  });
});

describe("the token page", () => {
  it("shows a new token once, which then signs in, and no more once it is revoked", async ({ expect }) => {
    const { world, signedIn } = await createDashboardWorld();
    const admin = await signedIn();
    const made = await admin.post("/tokens/new", { name: "eva", role: "viewer", products: "" });
    const token = /fb_[\w-]{43}/.exec(await made.text())?.[0] ?? "";
    expect(await read(admin, "/tokens")).not.toContain(token);
    const eva = await signedIn(token);
    expect(await read(eva, "/")).toContain("Sign out eva");
    expect(await read(eva, "/tokens")).toMatch(/^403 /);
    expect((await eva.post("/halt", { on: "true", reason: "x" })).status).toBe(403);
    expect((await admin.post("/tokens/eva/revoke", { reason: "left" })).status).toBe(303);
    world.clock.now += 1000;
    expect((await eva.get("/")).status).toBe(303);
  });

  it("keeps what was written when the name is taken", async ({ expect }) => {
    const { browser } = await start();
    await browser.post("/tokens/new", { name: "eva", role: "viewer", products: "" });
    const again = await browser.post("/tokens/new", { name: "eva", role: "viewer", products: "kiln" });
    expect(again.status).toBe(409);
    expect(await again.text()).toMatch(/name="name"[^>]*value="eva"/);
  });
});

describe("the incident page", () => {
  it("halts, and says how far the last change has spread", async ({ expect }) => {
    const { browser } = await start();
    expect(await read(browser, "/incident")).toContain("No accounts were being upgraded");
    const done = await browser.post("/incident/halt", { reason: "503 everywhere" });
    expect([done.status, done.headers.get("location")]).toEqual([303, "/incident"]);
    expect(await read(browser, "/incident")).toContain("halt.set halt: 503 everywhere");
  });
});

describe("the preflight page", () => {
  it("lists the versions, runs the matrix and shows the bytes of every probe", async ({ expect }) => {
    const { browser } = await start();
    expect(await read(browser, "/preflight")).toContain("kiln 2");
    const page = "/preflight/kiln/2";
    expect(await read(browser, page)).toContain("Never run");
    expect((await browser.post(`${page}/run`, {})).status).toBe(303);
    expect(await read(browser, page)).toContain("OPTIONS / HTTP/1.0");
  });
});

describe("explain and calendar", () => {
  it("answer in sentences", async ({ expect }) => {
    const { world, browser } = await start();
    await must(world, "window.put", {
      name: "nights",
      windows: [{ days: ["sat"], from: "22:00", to: "02:00", zone: "account" }],
    });
    expect(await read(browser, "/calendar")).toContain(
      "sat 22:00 to 02:00, each account's own zone".replace("'", "&#39;"),
    );
    expect(await read(browser, "/explain?host=acme.kiln.example.com")).toContain("Kind of request");
    expect(await read(browser, "/explain?host=acme.kiln.example.com&at=nonsense")).toMatch(/must be/);
  });
});
