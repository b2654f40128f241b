/**
 * `npm run screenshots`: pictures of every page of the dashboard, at two widths, light and dark, in `screenshots/` (which git
 * ignores), taken of a local instance of its own in the middle of a rollout. For people to look at; judges nothing.
 * `-- --readme` takes the few that the README shows, into `scripts/pictures/`. Exit code 0 when they are there, 2 when they could not be taken.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { findChromium, INSTALL_HINT, launchChromium } from "./browser/chromium.ts";
import { PAGES, ROLLOUT, setScene, WATCHED } from "./browser/scene.ts";
import { createDay } from "./browser/traffic.ts";
import { AccountPageSchema } from "../src/contracts/api/accounts.ts";
import { parseFaults } from "./local/demo/faults.ts";
import { startInstance, type Instance } from "./local/instance.ts";
import { ADMIN_TOKEN } from "./local/options.ts";

const FOLDER = "screenshots";
const README_FOLDER = join("scripts", "pictures");
/** What the README shows: one screen each, so that the files stay small. */
const README_PICTURES = [
  { name: "now", page: "now", size: "wide", colorScheme: "light" },
  { name: "rollout", page: "rollout", size: "wide", colorScheme: "dark" },
  { name: "preflight", page: "preflight-failed", size: "wide", colorScheme: "light", height: 560 },
  { name: "account", page: "account-plain", size: "phone", colorScheme: "dark" },
] as const;
/** Blocks of five minutes in which accounts get a past of their own. */
const BLOCKS = 12;
/** Preflight, the staff, their bake, and a part of the second wave, which goes on in steps. */
const QUIET = 5;
const MINUTES = 14;
const STAFF = 60;
const OTHERS = 100;
/** Nobody is perfect, and two accounts are unlucky on the new version. */
const USUAL = parseFaults({ errorRate: 0.004, latencyMs: 8 });
const WIDTHS = { wide: 1280, phone: 390 };
const SCHEMES = ["light", "dark"] as const;
const HEIGHT = 900;

/** Some accounts of a cohort, with every host that they have here. */
async function hostsOf(
  { admin }: Instance,
  query: string,
  products: readonly string[],
): Promise<readonly string[]> {
  const { items } = AccountPageSchema.parse(await admin.must({ method: "GET", path: `accounts?${query}` }));
  const able = items.filter(({ account }) => account !== "acme");
  return able.flatMap(({ account }) => products.map((product) => `${account}.${product}.localhost`));
}

/** Gives accounts a past, starts the rollout and lets it get into its second wave, with people at work all the time. */
async function moveSome(instance: Instance): Promise<void> {
  const staff = await hostsOf(instance, `cohort=internal&limit=${STAFF}`, ["kiln", "fogbugz"]);
  const others = await hostsOf(instance, `cohort=general&limit=${OTHERS}`, ["kiln", "fogbugz"]);
  const everybody = [...staff, ...others, "nobody.kiln.localhost"];
  for (const [product, version] of [
    ["kiln", "2.8.0"],
    ["fogbugz", "8.7.0"],
    ["fogbugz", "8.8.0"],
  ] as const)
    await instance.origin(product, version).setFaults(USUAL);
  const day = createDay(instance);
  for (let block = 0; block < BLOCKS; block += 1) await day.pass(5, everybody);
  const unlucky = staff.slice(0, 4).map((host) => host.split(".")[0] ?? "");
  await instance
    .origin("kiln", "2.9.1")
    .setFaults(parseFaults({ errorRate: 0.7, latencyMs: 10, onlyAccounts: unlucky }));
  await instance.admin.must({ method: "POST", path: `rollouts/${ROLLOUT}/start`, body: {} });
  // Nobody asks while the first wave moves: whoever is answered by older maps makes the gate wait.
  for (let minute = 1; minute <= QUIET; minute += 1) await day.pass(1, []);
  for (let minute = 1; minute <= MINUTES; minute += 1) await day.pass(1, everybody, 2);
  day.stop();
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

async function takeForReadme(page: Page, base: string): Promise<number> {
  for (const { name, page: shown, size, colorScheme, ...rest } of README_PICTURES) {
    await page.setViewportSize({ width: WIDTHS[size], height: "height" in rest ? rest.height : HEIGHT });
    await page.emulateMedia({ colorScheme });
    await page.goto(`${base}${PAGES[shown] ?? "/"}`);
    await page.screenshot({ path: join(README_FOLDER, `${name}.png`) });
  }
  return README_PICTURES.length;
}

async function take(instance: Instance, forReadme: boolean): Promise<number> {
  const base = `http://localhost:${instance.ports[0] ?? 0}`;
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    let taken = forReadme ? 0 : await takeAll(page, base, "sign-in");
    if (forReadme) await page.goto(`${base}/sign-in`);
    await page.getByLabel("Token").fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Now" }).waitFor();
    if (forReadme) return await takeForReadme(page, base);
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
  const forReadme = process.argv.includes("--readme");
  const folder = forReadme ? README_FOLDER : FOLDER;
  mkdirSync(folder, { recursive: true });
  const state = mkdtempSync(join(tmpdir(), "firebreak-screenshots-"));
  const options = { port: 0, nodes: 1, state, bare: false, tick: false, trustedProxy: 0 };
  const instance = await startInstance(options);
  try {
    await setScene(instance.admin, WATCHED);
    await moveSome(instance);
    const taken = await take(instance, forReadme);
    process.stdout.write(`${taken} pictures in ${resolve(folder)}\n`);
    return 0;
  } finally {
    await instance.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

// Everything is stopped by now; pipes of ended children may keep the event loop a little longer.
process.exit(await main());
