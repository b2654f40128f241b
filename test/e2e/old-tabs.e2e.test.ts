/**
 * A browser that has a page open while its account is moved: what the page still needs of its version comes from that
 * version, without cookies, though every new page is the new version's. Real Chromium, real local instance.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { launchChromium } from "../../scripts/browser/chromium.ts";
import { assetPrefix } from "../../scripts/local/demo/page.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import { ExplainSchema } from "../../src/contracts/api/operations.ts";
import { VersionSchema } from "../../src/contracts/api/products.ts";
import { mustSkipChromium } from "../support/chromium.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const ACCOUNT = "amber-anchor";
const HOST = `${ACCOUNT}.kiln.localhost`;
const OLD = "2.8.0";
const NEW = "2.9.1";
const WAIT_MS = 10_000;

let instance: Instance;
let browser: Browser;
let base = "";

const skipped = mustSkipChromium();

beforeAll(async () => {
  if (skipped) return;
  [instance, browser] = await Promise.all([startTestInstance({ nodes: 1 }), launchChromium()]);
  base = `http://${HOST}:${instance.ports[0] ?? 0}`;
});
afterAll(async () => {
  await browser?.close();
  await instance?.stop();
});

async function declareAssets(version: string): Promise<void> {
  const path = `products/kiln/versions/${version}`;
  const found = VersionSchema.parse(await instance.admin.must({ method: "GET", path }));
  const { origin, reversible, mixed, notes } = found;
  const body = { origin, reversible, mixed, notes, assets: [assetPrefix(version)] };
  await instance.admin.must({ method: "PUT", path, body });
}

/** Pins the account to a version, and waits until the node sends it there. */
async function moveTo(version: string): Promise<void> {
  const path = `accounts/${ACCOUNT}/pins/kiln`;
  await instance.admin.must({ method: "PUT", path, body: { version, reason: "e2e" } });
  await spreadAt(instance, async () => {
    const explain = await instance.admin.must({ method: "GET", path: `explain?host=${HOST}` });
    return ExplainSchema.parse(explain).version === version;
  });
}

async function openPage(page: Page, version: string): Promise<void> {
  await page.goto(`${base}/page`);
  await page.getByRole("heading", { name: `kiln ${version}` }).waitFor();
}

/** What the page's late file says of itself. */
async function loadLate(page: Page): Promise<unknown> {
  await page.getByRole("button", { name: "More" }).click();
  await page.locator("output:not(:empty)").waitFor();
  return JSON.parse((await page.locator("output").textContent()) ?? "");
}

describe.skipIf(skipped)("a page that was open before the move", () => {
  it("finishes loading the files of its own version, without cookies, while new pages are the new one's", async ({
    expect,
  }) => {
    for (const version of [OLD, NEW]) await declareAssets(version);
    const version = `products/kiln/versions/${NEW}`;
    await instance.admin.must({ method: "POST", path: `${version}/preflight`, body: {} });
    const body = { state: "live", reason: "e2e" };
    await instance.admin.must({ method: "POST", path: `${version}/state`, body });
    await moveTo(OLD);
    const context = await browser.newContext({ extraHTTPHeaders: { authorization: "Bearer of-an-account" } });
    context.setDefaultTimeout(WAIT_MS);
    const old = await context.newPage();
    await openPage(old, OLD);

    await moveTo(NEW);
    const fresh = await context.newPage();
    await openPage(fresh, NEW);
    // The browser does send its cookie to the account.
    await fresh.getByText("Asked for with a cookie").waitFor();

    const bare = { product: "kiln", cookie: null, authorization: null };
    expect(await loadLate(old)).toEqual({ ...bare, version: OLD });
    expect(await loadLate(fresh)).toEqual({ ...bare, version: NEW });
  });

  it("gets nothing of another version by that path with a method that changes something", async ({
    expect,
  }) => {
    const head = [`POST ${assetPrefix(OLD)}late.js HTTP/1.1`, `Host: ${HOST}`, "Content-Length: 0"];
    const answer = await sendRaw({ port: instance.ports[0] ?? 0, bytes: request(...head) });
    expect([answer.status, answer.header("demo-version")]).toEqual([404, `kiln/${NEW}`]);
  });
});
