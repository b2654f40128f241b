/**
 * `npm run screenshots`: pictures of every page of the dashboard, at two widths, light and dark, in `screenshots/` (which git
 * ignores), taken of a local instance of its own in the middle of a rollout. For people to look at; judges nothing.
 * Exit code 0 when they are there, 2 when they could not be taken.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { findChromium, INSTALL_HINT, launchChromium } from "./browser/chromium.ts";
import { PAGES, ROLLOUT, setScene } from "./browser/scene.ts";
import { startInstance, type Instance } from "./local/instance.ts";
import { ADMIN_TOKEN } from "./local/options.ts";

const FOLDER = "screenshots";
const MINUTE_MS = 60_000;
/** Preflight, the staff, their bake, and a part of the second wave. */
const MINUTES = 17;
const WIDTHS = { wide: 1280, phone: 390 };
const SCHEMES = ["light", "dark"] as const;
const HEIGHT = 900;

/** Starts the rollout and lets it get into its second wave. */
async function moveSome({ admin, nodes }: Instance): Promise<void> {
  await admin.must({ method: "POST", path: `rollouts/${ROLLOUT}/start`, body: {} });
  const startMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  for (let minute = 1; minute <= MINUTES; minute += 1) await nodes.tick(startMs + minute * MINUTE_MS);
}

async function takeAll(page: Page, base: string, name: string): Promise<number> {
  const path = PAGES[name] ?? "/sign-in";
  await page.goto(`${base}${path}`);
  let taken = 0;
  for (const [size, width] of Object.entries(WIDTHS)) {
    for (const colorScheme of SCHEMES) {
      await page.setViewportSize({ width, height: HEIGHT });
      await page.emulateMedia({ colorScheme });
      const file = join(FOLDER, `${name}-${size}-${colorScheme}.png`);
      await page.screenshot({ path: file, fullPage: true });
      taken += 1;
    }
  }
  return taken;
}

async function take(instance: Instance): Promise<number> {
  const base = `http://localhost:${instance.ports[0] ?? 0}`;
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    let taken = await takeAll(page, base, "sign-in");
    await page.getByLabel("Token").fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    for (const name of Object.keys(PAGES)) taken += await takeAll(page, base, name);
    return taken;
  } finally {
    await browser.close();
  }
}

async function main(): Promise<number> {
  if (findChromium() === null) {
    process.stderr.write(`firebreak: ${INSTALL_HINT}\n`);
    return 2;
  }
  mkdirSync(FOLDER, { recursive: true });
  const state = mkdtempSync(join(tmpdir(), "firebreak-screenshots-"));
  const options = { port: 0, nodes: 1, state, bare: false, tick: false, trustedProxy: 0 };
  const instance = await startInstance(options);
  try {
    await setScene(instance.admin);
    await moveSome(instance);
    const taken = await take(instance);
    process.stdout.write(`${taken} pictures in ${resolve(FOLDER)}\n`);
    return 0;
  } finally {
    await instance.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

// Everything is stopped by now; pipes of ended children may keep the event loop a little longer.
process.exit(await main());
