/**
 * Puts the demo world into the control plane, through the admin API alone, and waits until it is published. Every step
 * looks first and does only what is missing, so it runs at every start and undoes nothing an operator has changed; what
 * it corrects is the origin of a version whose server had to take another port. Throws with the API's own words.
 */
import { z } from "zod";
import type { AdminClient } from "../admin-client.ts";
import { createDemoAccounts } from "./accounts.ts";
import type { DemoOrigin } from "./origin.ts";
import { DEMO_VERSIONS, type DemoVersion } from "./world.ts";

const IMPORT_ID = "demo-accounts-1";
const PUBLISHED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;
const SYNTHETIC_ACCOUNT = "acme";
const REASON = "the demo world's first day";

const ProductSchema = z.object({ stable: z.string().nullable(), default: z.string().nullable() });
const VersionSchema = z.object({
  origin: z.string(),
  state: z.string(),
  reversible: z.union([z.boolean(), z.string()]),
  mixed: z.string(),
  migration: z.unknown(),
  events: z.unknown(),
  upgradesFrom: z.array(z.string()).nullable(),
  requires: z.record(z.string(), z.array(z.string())),
  notes: z.string(),
});
const StatusSchema = z.object({
  published: z.object({
    generation: z.int(),
    state: z.string(),
    waiting: z.int(),
    problem: z.string().nullable(),
  }),
});
const EventSchema = z.looseObject({ event: z.string() });

export interface Seeding {
  readonly client: AdminClient;
  readonly origins: readonly DemoOrigin[];
  readonly accountsImported: boolean;
}

/**
 * Brings the demo world about.
 * @returns whether anything was changed; it is published by then.
 */
export async function seedDemoWorld({ client, origins, accountsImported }: Seeding): Promise<boolean> {
  let changed = false;
  for (const product of new Set(DEMO_VERSIONS.map((version) => version.product))) {
    const versions = DEMO_VERSIONS.filter((version) => version.product === product);
    changed = (await seedProduct(client, product)) || changed;
    for (const version of versions) {
      const origin = origins.find((each) => each.product === product && each.version === version.version);
      if (origin !== undefined) changed = (await seedVersion(client, version, origin.url)) || changed;
    }
    const first = versions.find(({ state }) => state === "live");
    if (first !== undefined) changed = (await seedStableAndDefault(client, first)) || changed;
  }
  if (!accountsImported) {
    await importAccounts(client);
    await nameSyntheticAccount(client);
    changed = true;
  }
  if (changed) await waitUntilPublished(client);
  return changed;
}

async function seedProduct(client: AdminClient, product: string): Promise<boolean> {
  if ((await client.find(`products/${product}`)) !== null) return false;
  await client.must({
    method: "PUT",
    path: `products/${product}`,
    body: { domains: [`${product}.localhost`] },
  });
  return true;
}

async function seedVersion(client: AdminClient, demo: DemoVersion, origin: string): Promise<boolean> {
  const path = `products/${demo.product}/versions/${demo.version}`;
  const found = await client.find(path);
  if (found === null) {
    const body = { origin, reversible: true, mixed: "ok", notes: demo.notes };
    const { state } = VersionSchema.parse(await client.must({ method: "PUT", path, body }));
    // The first version of a product is live, stable and default at once: there is nothing yet that it could break.
    if (state === "registered") await setState(client, demo, "candidate");
    return true;
  }
  const { state: _, ...version } = VersionSchema.parse(found);
  if (version.origin === origin) return false;
  await client.must({ method: "PUT", path, body: { ...version, origin } });
  return true;
}

/** One step of a version's life: registered, candidate, live. */
async function setState(
  client: AdminClient,
  { product, version }: DemoVersion,
  state: string,
): Promise<void> {
  const path = `products/${product}/versions/${version}/state`;
  await client.must({ method: "POST", path, body: { state, reason: REASON } });
}

async function seedStableAndDefault(client: AdminClient, demo: DemoVersion): Promise<boolean> {
  const path = `products/${demo.product}`;
  const found = ProductSchema.parse(await client.must({ method: "GET", path }));
  const body = { version: demo.version, reason: REASON };
  if (found.stable === null) {
    const { state } = VersionSchema.parse(
      await client.must({ method: "GET", path: `${path}/versions/${demo.version}` }),
    );
    if (state === "candidate") await setState(client, demo, "live");
    await client.must({ method: "POST", path: `${path}/stable`, body });
  }
  if (found.default === null) {
    await client.must({ method: "POST", path: `${path}/default`, body: { ...body, force: true } });
  }
  return found.stable === null || found.default === null;
}

async function importAccounts(client: AdminClient): Promise<void> {
  const lines = createDemoAccounts().map((account) => JSON.stringify(account));
  const answer = await client.must({
    method: "POST",
    path: `accounts/import?mode=import&id=${IMPORT_ID}`,
    lines,
  });
  const events = String(answer)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => EventSchema.parse(JSON.parse(line)));
  const last = events.at(-1);
  if (last?.event !== "done")
    throw new Error(`the import of demo accounts did not end well: ${JSON.stringify(last)}`);
}

/** Preflight asks every candidate about this account; without one a wave waits until real traffic has been seen. */
async function nameSyntheticAccount(client: AdminClient): Promise<void> {
  for (const product of new Set(DEMO_VERSIONS.map((version) => version.product))) {
    const body = { syntheticAccount: SYNTHETIC_ACCOUNT };
    await client.must({ method: "PUT", path: `products/${product}/preflight`, body });
  }
}

/** Resolves when nothing waits to be published; throws with the reason when publishing is blocked or takes too long. */
export async function waitUntilPublished(client: AdminClient): Promise<number> {
  const until = Date.now() + PUBLISHED_WITHIN_MS;
  for (;;) {
    const { published } = StatusSchema.parse(await client.must({ method: "GET", path: "status" }));
    if (published.state === "idle" && published.waiting === 0 && published.generation > 0)
      return published.generation;
    if (published.state === "blocked")
      throw new Error(`publishing is blocked: ${published.problem ?? "no reason given"}`);
    if (Date.now() > until)
      throw new Error(`not published after ${PUBLISHED_WITHIN_MS / 1000} s: ${published.state}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
