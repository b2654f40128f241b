/**
 * Hostile text in every text that the API takes, and in every address and form: no page acts on it, and the pages do show
 * it, so that the above can fail. The places come from the API's document, the pages from the table of routes.
 */
import { beforeAll, describe, it } from "vitest";
import { ACTION_ROUTES, PAGE_ROUTES } from "../../../src/dashboard/routes.ts";
import { readDocument, routesOf, SAMPLES } from "../../support/documented-api.ts";
import { createDashboardWorld, type Browser, type DashboardWorld } from "../../support/dashboard-world.ts";
import { ESCAPED, NAUGHTY, UNESCAPED } from "../../support/naughty.ts";
import { createNaughtyWorld, speakNaughtily, type Sent } from "../../support/naughty-world.ts";

let made: DashboardWorld;
let browser: Browser;
let sent: readonly Sent[] = [];

beforeAll(async () => {
  const world = await createNaughtyWorld();
  made = await createDashboardWorld(world);
  sent = await speakNaughtily(world, made.admin);
  made.admin.clock.nowMs = world.clock.now;
  browser = await made.signedIn();
}, 60_000);

const addressOf = (path: string): string =>
  path.replaceAll(/:([a-z]+)/g, (_all, name: string) => encodeURIComponent(SAMPLES[name] ?? "x"));
const naughtyAddressOf = (path: string): string => path.replaceAll(/:[a-z]+/g, encodeURIComponent(NAUGHTY));
/** Every parameter that a page reads, and some that none does. */
const QUERY = new URLSearchParams(
  [
    "host", "at", "method", "prefix", "cohort", "product", "version", "cell", "cursor", "target", "actor", "back", "before", "to",
    "from", "why", "hours", "request", "wave", "where", "label", "cursor", "odd",
  ].map((name) => [name, NAUGHTY]),
).toString(); // prettier-ignore

/** What is wrong with a page as a browser would read it. */
function faultsOf(text: string): readonly string[] {
  const hit = UNESCAPED.exec(text);
  const script = /(?:href|src|action|formaction)="\s*(?:javascript|data|vbscript):/i.exec(text);
  const inline = /<script(?![^>]*\ssrc=)|<style|\sstyle="|\son[a-z]+="/.exec(text);
  return [hit, script, inline].flatMap((found) =>
    found === null ? [] : [text.slice(Math.max(0, found.index - 60), found.index + 60)],
  );
}

describe("hostile text", { timeout: 60_000 }, () => {
  it("is refused by name or taken, in every free text of every body", ({ expect }) => {
    const free = sent.filter(({ isFree }) => isFree);
    const taken = free.filter(({ status }) => status < 300);
    expect(taken.length).toBeGreaterThan(30);
    expect(sent.filter(({ status }) => status >= 500)).toEqual([]);
    // What the document binds to a pattern is never taken.
    expect(sent.filter(({ isFree, status }) => !isFree && status < 300)).toEqual([]);
    for (const { status, text } of free.filter((each) => each.status === 400))
      expect([status, JSON.parse(text)]).toMatchObject([400, { type: "urn:firebreak:problem:invalid" }]);
  });

  it("is acted on by no page", async ({ expect }) => {
    const showing: string[] = [];
    for (const { path } of PAGE_ROUTES) {
      const answer = await browser.get(addressOf(path));
      const text = await answer.text();
      expect([path, answer.status, faultsOf(text)]).toEqual([path, 200, []]);
      if (text.includes(ESCAPED)) showing.push(path);
    }
    for (const path of [
      "/",
      "/rollouts/:id",
      "/accounts/:account",
      "/calendar",
      "/preflight/:product/:version",
      "/audit",
    ])
      expect(showing).toContain(path);
  });

  it("is acted on by no page when it is in the address", async ({ expect }) => {
    for (const { path } of [
      ...PAGE_ROUTES,
      { path: "/sign-in" },
      { path: "/nothing/:here" },
      { path: "/assets/:name" },
    ]) {
      for (const asked of [`${addressOf(path)}?${QUERY}`, naughtyAddressOf(path)])
        for (const who of [browser, made.browser()]) {
          const answer = await who.get(asked);
          expect([asked, answer.status < 500, faultsOf(await answer.text())]).toEqual([asked, true, []]);
          expect(answer.headers.get("location") ?? "").not.toMatch(UNESCAPED);
        }
    }
  });

  it("is acted on by no page that shows a refused form again", async ({ expect }) => {
    const names = ["reason", "message", "owner", "until", "name", "products", "role", "version", "product", "identity", "wave", "to", "on", "digest", "expires", "mode", "cell", "cohort", "label", "confirmed", "default"]; // prettier-ignore
    const fields = Object.fromEntries(names.map((name) => [name, NAUGHTY]));
    let again = 0;
    for (const { path } of ACTION_ROUTES) {
      const answer = await browser.post(addressOf(path), fields);
      const text = await answer.text();
      expect([path, answer.status < 500, faultsOf(text)]).toEqual([path, true, []]);
      if (text.includes(ESCAPED)) again += 1;
    }
    expect(again).toBeGreaterThan(5);
    const door = await made.browser().post("/sign-in", { token: NAUGHTY, back: NAUGHTY });
    expect(faultsOf(await door.text())).toEqual([]);
  });

  it("is JSON, and is said to be, in every answer of the API", async ({ expect }) => {
    for (const route of routesOf(await readDocument(made.admin)).filter(({ method }) => method === "GET")) {
      const path = route.path.replaceAll(/\{\w+\}/g, encodeURIComponent(NAUGHTY));
      const { headers, status } = await made.admin.call(`${path}?${QUERY}`);
      expect([path, status < 500]).toEqual([path, true]);
      expect(headers.get("content-type")).toMatch(/^(?:application\/|text\/plain)/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});
