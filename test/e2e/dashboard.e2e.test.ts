/**
 * The dashboard in a real Chromium on a real local instance: signing in, a rollout from start to rollback by clicking
 * alone, and every page at two widths, light and dark, with scripts and without. Nothing may complain: not the console,
 * not the policy against inline code, not axe-core; and no page is wider than a phone. What people have worded is hostile,
 * so that a page which acted on it would complain.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { launchChromium } from "../../scripts/browser/chromium.ts";
import { PAGES, ROLLOUT, setScene } from "../../scripts/browser/scene.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { PAGE_ROUTES } from "../../src/dashboard/routes.ts";
import { mustSkipChromium } from "../support/chromium.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { collectComplaints, findBarriers, widerBy } from "../support/page-faults.ts";

const MINUTE_MS = 60_000;
/** For a click or a text to be there; longer than the page takes to ask for news. */
const CLICK_MS = 20_000;
/** For all pages, and for a story; a tenth of it where nothing else runs. */
const SWEEP_MS = 300_000;
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const LOOKS = [WIDE, PHONE].flatMap((size) =>
  (["light", "dark"] as const).map((scheme) => ({ size, scheme })),
);

/** Each part of it would be a complaint: a picture that is not there, code of a page, code of an attribute. */
const HOSTILE = `"'><img src=/evil onerror=evil()><script>evil()</script><b onclick=evil()>a look</b>`;

let instance: Instance;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let base = "";
/** Ahead of the machine's clock, so that only ticks let time pass. */
let nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;

const skipped = mustSkipChromium();

beforeAll(async () => {
  if (skipped) return;
  [instance, browser] = await Promise.all([startTestInstance({ nodes: 1 }), launchChromium()]);
  base = `http://localhost:${instance.ports[0] ?? 0}`;
  await setScene(instance.admin);
  await speakHostilely(instance.admin);
  context = await browser.newContext({ viewport: WIDE });
  context.setDefaultTimeout(CLICK_MS);
  page = await context.newPage();
});
afterAll(async () => {
  await browser?.close();
  await instance?.stop();
});

const inDays = (days: number): string => new Date(Date.now() + days * 24 * 60 * MINUTE_MS).toISOString();

async function speakHostilely(admin: Instance["admin"]): Promise<void> {
  const reason = HOSTILE;
  const put = (path: string, body: object): Promise<unknown> => admin.must({ method: "PUT", path, body });
  await put("accounts/acme/hold", { mode: "page", message: HOSTILE, until: null, reason });
  await put("accounts/acme/quarantine/kiln", { version: "2.8.0", reason });
  await put("accounts/acme/deferral", { until: inDays(40), owner: HOSTILE, reason });
  await put("accounts/amber-anchor", {
    timeZone: "Europe/Paris",
    cohort: "early",
    labels: { plan: HOSTILE },
  });
  for (const on of [true, false]) await put("halt", { on, reason });
}

async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    nowMs += MINUTE_MS;
    await instance.nodes.tick(nowMs);
  }
}

async function show(): Promise<RolloutView> {
  return RolloutSchema.parse(await instance.admin.must({ method: "GET", path: `rollouts/${ROLLOUT}` }));
}

async function signIn(into: Page, token: string): Promise<void> {
  await into.getByLabel("Token").fill(token);
  await into.getByRole("button", { name: "Sign in" }).click();
}

describe.skipIf(skipped)("the dashboard in a browser", () => {
  it("lets in who has a token, to the page that was asked for", async ({ expect }) => {
    const complaints = collectComplaints(page);
    await page.goto(`${base}/rollouts`);
    expect(page.url()).toBe(`${base}/sign-in?back=%2Frollouts`);
    expect([await findBarriers(page), await widerBy(page), complaints.take()]).toEqual([[], 0, []]);
    await signIn(page, "nothing-0001");
    await page.getByRole("alert").waitFor();
    complaints.take(); // the browser says that this was answered 401
    await signIn(page, "dev");
    await page.getByRole("heading", { name: "Rollouts" }).waitFor();
    expect([page.url(), complaints.take()]).toEqual([`${base}/rollouts`, []]);
  });

  it(
    "carries a rollout from its start to its last wave by clicking alone",
    { timeout: SWEEP_MS },
    async ({ expect }) => {
      const complaints = collectComplaints(page);
      const text = (words: string | RegExp) => page.locator("main").getByText(words).first();
      await page.getByRole("link", { name: ROLLOUT, exact: true }).click();
      await page.getByRole("button", { name: "Start" }).click();
      await text("preflight").waitFor();
      await pass(2);
      // Nobody reloads: the page asks for news by itself.
      await text("baking").waitFor();
      await text("Way back").waitFor();
      const staff = (await show()).waves[0]?.accounts ?? 0;
      expect((await show()).moved).toBe(staff);
      // Nobody but the staff has moved: everybody else has a move ahead.
      await page.goto(`${base}/accounts/amber-anchor`);
      await page.locator("main").getByText("by autumn, wave").first().waitFor();
      await page.goto(`${base}/rollouts/${ROLLOUT}`);

      const pause = page.locator("form", { has: page.getByRole("button", { name: "Pause" }) });
      await pause.getByLabel("Reason").fill(HOSTILE);
      await pause.getByRole("button").click();
      await text(HOSTILE).waitFor();
      await pass(20);
      expect(await show()).toMatchObject({ phase: "paused", moved: staff });
      await page.getByRole("button", { name: "Resume" }).click();
      await page.getByRole("button", { name: "Pause" }).waitFor();
      for (let minute = 0; minute < 40 && (await show()).phase !== "shifting"; minute += 1) await pass(1);
      await text("shifting").waitFor();
      await pass(6);
      await page.getByRole("button", { name: "Approve wave rest" }).waitFor();
      expect(complaints.take()).toEqual([]);
    },
  );

  for (const scripts of [true, false]) {
    it(
      `shows every page well, ${scripts ? "with" : "without"} scripts`,
      { timeout: SWEEP_MS },
      async ({ expect }) => {
        const storageState = await context.storageState();
        const other = await browser.newContext({ javaScriptEnabled: scripts, storageState, viewport: WIDE });
        const looked = await other.newPage();
        const complaints = collectComplaints(looked);
        const found: Record<string, unknown> = {};
        for (const [name, path] of Object.entries(PAGES)) {
          await looked.goto(`${base}${path}`);
          const faults: unknown[] = [];
          for (const { size, scheme } of LOOKS) {
            await looked.setViewportSize(size);
            await looked.emulateMedia({ colorScheme: scheme });
            const wider = await widerBy(looked);
            if (wider > 0) faults.push(`${size.width}: ${wider} pixels too wide`);
            // What axe looks at does not depend on scripts, and it takes most of the time; colours and widths are
            // seen each in two of the four looks.
            if (scripts && (size === WIDE) === (scheme === "light"))
              faults.push(...(await findBarriers(looked)).map((each) => `${size.width} ${scheme} ${each}`));
          }
          faults.push(...complaints.take());
          if (faults.length > 0) found[name] = faults;
        }
        await other.close();
        expect(found).toEqual({});
      },
    );
  }

  it("has no page that is not looked at", ({ expect }) => {
    const addresses = Object.values(PAGES).map((each) => new URL(each, base).pathname);
    const unseen = PAGE_ROUTES.filter(({ path }) => {
      const pattern = new RegExp(`^${path.replaceAll(/:[a-z]+/g, "[^/]+")}$`);
      return !addresses.some((address) => pattern.test(address));
    });
    expect(unseen.map(({ path }) => path)).toEqual([]);
  });

  it(
    "approves the last wave and rolls everybody back by clicking alone, without scripts too",
    { timeout: SWEEP_MS },
    async ({ expect }) => {
      const storageState = await context.storageState();
      const plain = await browser.newContext({ javaScriptEnabled: false, storageState, viewport: PHONE });
      const small = await plain.newPage();
      await small.goto(`${base}/rollouts/${ROLLOUT}`);
      const before = (await show()).moved;
      await small.getByRole("button", { name: "Approve wave rest" }).click();
      await pass(2);
      const { moved } = await show();
      expect(moved).toBeGreaterThan(before);
      await small.goto(`${base}/rollouts/${ROLLOUT}`);
      await small.getByRole("button", { name: "Preview the rollback" }).click();
      const form = small.locator("form", { has: small.getByRole("button", { name: /accounts back$/ }) });
      const confirmed = form.getByLabel("I have read this");
      if ((await confirmed.count()) > 0) await confirmed.check();
      await form.getByLabel("Reason").fill("slow");
      await form.getByRole("button").click();
      await small.getByText("rolling-back").first().waitFor();
      await pass(3);
      expect(await show()).toMatchObject({ phase: "rolled-back", moved: 0 });
      await small.reload();
      await small.getByText("This rollout has ended").waitFor();
      await plain.close();
    },
  );

  it("lets nobody in any more after signing out", async ({ expect }) => {
    await page.goto(`${base}/`);
    await page.getByRole("button", { name: /^Sign out/ }).click();
    await page.getByLabel("Token").waitFor();
    await page.goto(`${base}/audit`);
    expect(page.url()).toBe(`${base}/sign-in?back=%2Faudit`);
  });
});
