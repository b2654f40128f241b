/**
 * A world in which everything that people, programs and origins may word freely is hostile: each text of each body that the
 * API documents is sent once, and what is taken stays. Nothing that ends things (halt lifted, accounts deleted) is sent.
 */
import { buildAdmin, type TestAdmin } from "./admin-builders.ts";
import { createMemoryDb } from "./control-db.ts";
import { createWorld, settle, type World } from "./control-world.ts";
import { address, bodyOf, readDocument, routesOf, type Document, type Route } from "./documented-api.ts";
import { NAUGHTY, naughtyBodies } from "./naughty.ts";
import { healthy } from "./rollout-world.ts";

/** What became of one text of one body. */
export interface Sent {
  readonly operation: string;
  readonly place: string;
  readonly isFree: boolean;
  readonly status: number;
  /** The answer, which may quote what was sent. */
  readonly text: string;
}

/** These would take away what was put there, or put everybody into another state before the rest is sent. */
const LATER = new Set([
  "products.mode.set",
  "versions.bad.mark",
  "restore",
  "accounts.undelete",
  "halt.set",
  "rollouts.stop",
]);

/** Two products, accounts of two cohorts, a window: enough for every documented example to be about something. */
export async function createNaughtyWorld(): Promise<World> {
  return createWorld({ db: createMemoryDb(), preflight: { exchange: healthy, routerHeader: null } });
}

/** Makes the world say hostile things everywhere. @returns what became of every text. */
export async function speakNaughtily(world: World, admin: TestAdmin): Promise<readonly Sent[]> {
  const document = await readDocument(buildAdmin());
  await prepare(world, admin);
  const changes = routesOf(document).filter(({ method }) => method === "PUT" || method === "POST");
  const sent: Sent[] = [];
  for (const later of [false, true]) {
    for (const route of changes.filter(({ of }) => LATER.has(of.operationId) === later))
      sent.push(...(await sendAll(admin, { document, route })));
  }
  const headers = { "cf-connecting-ip": "'><x-evil a=1>", "user-agent": "<x-evil a=1>" };
  await admin.call("/api/v1/halt", { token: "<x-evil a=1>", headers });
  await settle(world);
  return sent;
}

async function sendAll(
  admin: TestAdmin,
  { document, route }: { readonly document: Document; readonly route: Route },
): Promise<readonly Sent[]> {
  const { method, of } = route;
  const about = { method, ...bodyOf(route) };
  await (await admin.call(address(route), about)).body?.cancel();
  const sent: Sent[] = [];
  for (const { path, isFree, body } of naughtyBodies(document, route)) {
    const answer = await admin.call(address(route), { method, json: body });
    const text = await answer.text();
    sent.push({ operation: of.operationId, place: path.join("."), isFree, status: answer.status, text });
  }
  return sent;
}

async function prepare(world: World, admin: TestAdmin): Promise<void> {
  const put = async (path: string, json: unknown, method = "PUT"): Promise<void> => {
    const answer = await admin.call(`/api/v1${path}`, { method, json });
    if (answer.status >= 300) throw new Error(`${path}: ${await answer.text()}`);
  };
  const reason = NAUGHTY;
  for (const product of ["kiln", "fogbugz"])
    await put(`/products/${product}`, { domains: [`${product}.example.com`] });
  // The first version of a product is live, stable and its default.
  const first = "2.8.0";
  for (const [product, version] of [
    ["kiln", "2.8.0"],
    ["kiln", "2.9.0"],
    ["kiln", "2.8.1"],
    ["fogbugz", "2.8.0"],
    ["fogbugz", "8.8.0"],
  ] as const) {
    const origin = `https://${product}-${version.replaceAll(".", "-")}.origins.example.net`;
    const events = `${origin}/events`;
    await put(`/products/${product}/versions/${version}`, { origin, reversible: true, mixed: "ok", events });
    if (version !== first)
      await put(`/products/${product}/versions/${version}/state`, { state: "candidate", reason }, "POST");
  }
  await put("/windows/weekend-nights", {
    windows: [{ days: ["fri", "sat"], from: "22:00", to: "04:00", zone: "account" }],
  });
  for (const [account, cohort] of [
    ["acme", "internal"],
    ["general-1", "general"],
  ] as const)
    await put(`/accounts/${account}`, { timeZone: "Europe/Paris", cohort, labels: { plan: NAUGHTY } });
  await put("/webhooks/deploy-pipeline", {
    url: "https://hooks.example.net/x?y=<x-evil>",
    events: ["*"],
    notes: NAUGHTY,
  });
  await settle(world);
}
