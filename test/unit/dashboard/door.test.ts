/** Signing in and out, forms that are not ours, and what every page answers with. */
import { describe, it } from "vitest";
import { SessionEndSchema } from "../../../src/contracts/api/sessions.ts";
import { createApi } from "../../../src/dashboard/api.ts";
import { showDoor } from "../../../src/dashboard/door.tsx";
import { BOOT_TOKEN } from "../../support/admin-builders.ts";
import { createDashboardWorld } from "../../support/dashboard-world.ts";

describe("the door", () => {
  it("shows a stranger nothing but itself, whatever is asked for", async ({ expect }) => {
    const { browser } = await createDashboardWorld();
    for (const path of ["/", "/audit", "/rollouts/x", "/nothing"]) {
      const answer = await browser().get(path);
      expect([answer.status, answer.headers.get("location")]).toEqual([
        303,
        `/sign-in?back=${encodeURIComponent(path)}`,
      ]);
      expect(await answer.text()).toBe("");
    }
  });

  it("says which token opens a local run, and of no other", async ({ expect }) => {
    const shown = async (url: string): Promise<string> => (await showDoor(new Request(url), false)).text();
    expect(await shown("http://localhost:8787/sign-in")).toContain("its token is <code>dev</code>");
    for (const url of ["https://admin.example.com/sign-in", "https://localhost.example.com/sign-in"])
      expect(await shown(url)).not.toContain("<code>dev</code>");
  });

  it("exchanges the token for a cookie that is not it, and leads back to the page asked for", async ({
    expect,
  }) => {
    const { browser } = await createDashboardWorld();
    const answer = await browser().post("/sign-in", { token: ` ${BOOT_TOKEN} `, back: "/audit" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/audit"]);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(
      /^__Host-firebreak-session=fbs_[\w-]{43}; Path=\/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax$/,
    );
    expect(cookie).not.toContain(BOOT_TOKEN);
  });

  it.for(["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "/a?b"])(
    "never leads to %s",
    async (back, { expect }) => {
      const { browser } = await createDashboardWorld();
      const answer = await browser().post("/sign-in", { token: BOOT_TOKEN, back });
      expect(answer.headers.get("location")).toBe("/");
    },
  );

  it("refuses a wrong token in words, and never shows it again", async ({ expect }) => {
    const { browser, admin } = await createDashboardWorld();
    const answer = await browser().post("/sign-in", { token: "wrong-token-0001" });
    expect(answer.status).toBe(401);
    const text = await answer.text();
    expect(text).toContain("opens nothing");
    expect(text + admin.log.join("")).not.toContain("wrong-token-0001");
  });

  it("lets nobody in after signing out, with the cookie of before either", async ({ expect }) => {
    const { signedIn } = await createDashboardWorld();
    const browser = await signedIn();
    const old = browser.cookie() ?? "";
    expect((await browser.get("/")).status).toBe(200);
    expect((await browser.post("/sign-out", {})).status).toBe(303);
    expect(browser.cookie()).toBeNull();
    expect((await browser.get("/", { cookie: old })).status).toBe(303);
  });
});

describe("a form", () => {
  it("changes something when it is ours, and says who did it", async ({ expect }) => {
    const { signedIn } = await createDashboardWorld();
    const browser = await signedIn();
    const answer = await browser.post("/halt", { on: "true", reason: "a <b>bold</b> reason" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/"]);
    const page = await (await browser.get("/")).text();
    expect(page).toContain("Halted: a &lt;b&gt;bold&lt;/b&gt; reason");
    expect(await (await browser.get("/audit?target=halt")).text()).toContain("halt.set");
  });

  it("keeps the page and says why when the API refuses", async ({ expect }) => {
    const { signedIn } = await createDashboardWorld();
    const browser = await signedIn();
    const answer = await browser.post("/halt", { on: "true", reason: "" });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('role="alert"');
  });

  it.for([
    ["without the proof", { proof: "" }, {}],
    ["with another session's proof", { proof: "0".repeat(64) }, {}],
    ["from another site", {}, { "sec-fetch-site": "cross-site" }],
    ["from another host of the same site", {}, { "sec-fetch-site": "same-site" }],
    ["with a foreign Origin", {}, { origin: "https://evil.test" }],
    ["with an opaque Origin", {}, { origin: "null" }],
    ["as JSON", {}, { "content-type": "application/json" }],
    ["too long to be ours", {}, { "content-length": "70000" }],
  ] as const)("%s changes nothing", async ([, fields, headers], { expect }) => {
    const { signedIn } = await createDashboardWorld();
    const browser = await signedIn();
    const answer = await browser.post("/halt", { on: "true", reason: "x", ...fields }, headers);
    expect(answer.status).toBe(403);
    expect(await (await browser.get("/")).text()).toContain("Not halted");
  });
});

describe("every answer", () => {
  it("has the id of its request, and so has what the API was asked for it", async ({ expect }) => {
    const ids: (string | null)[] = [];
    const api = createApi({
      admin: async ({ headers }) => {
        ids.push(headers.get("firebreak-request-id"));
        return Response.json({ ended: true });
      },
      request: new Request("https://admin.example.com/", { headers: { "firebreak-request-id": "an-id" } }),
      waitUntil: () => undefined,
      credential: { kind: "session", secret: "x" },
    });
    await api.ask(SessionEndSchema, { path: "/sessions" });
    expect(ids).toEqual(["an-id"]);
  });

  it("runs nothing inline, is framed by nobody and kept nowhere", async ({ expect }) => {
    const { signedIn } = await createDashboardWorld();
    const browser = await signedIn();
    for (const path of ["/", "/audit", "/nothing", "/sign-in", "/assets/live.js", "/assets/nothing"]) {
      const answer = await browser.get(path);
      const policy = answer.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      // no-referrer would make browsers send our own forms with `Origin: null`.
      expect(answer.headers.get("referrer-policy")).toBe("same-origin");
      expect(answer.headers.get("firebreak-request-id")).toBe("req");
      const text = await answer.text();
      expect(text).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
    }
  });
});
