/**
 * Every secret there is goes through the whole admin surface on a real control plane, and is then looked for wherever it has
 * no business: storage, maps, audit, export, log, answers and addresses. Only the answer that makes a secret has it.
 */
import { beforeAll, describe, it } from "vitest";
import { createDashboardWorld, type DashboardWorld } from "../../support/dashboard-world.ts";
import { settle } from "../../support/control-world.ts";
import { BOOT_TOKEN, CONFIG, readDocuments } from "../../support/admin-builders.ts";
import { address, bodyOf, readDocument, routesOf } from "../../support/documented-api.ts";
import { PAGE_ROUTES } from "../../../src/dashboard/routes.ts";

const GUESS = "fb_a-token-that-nobody-has-0001";
let made: DashboardWorld;
/** By what they are. */
const secrets = new Map<string, string>();
/** What was answered, but for the answers that make a secret. */
const answered: string[] = [];

async function make(what: string, path: string, json: unknown, method = "POST"): Promise<void> {
  const answer = await made.admin.call(path, { method, json });
  const { token, secret } = (await answer.json()) as { token?: string; secret?: string };
  const value = token ?? secret;
  if (value === undefined) throw new Error(`${path} made no secret: ${answer.status}`);
  secrets.set(what, value);
}

async function use(token: string): Promise<void> {
  for (const path of ["/api/v1/whoami", "/api/v1/status", "/api/v1/nothing"])
    answered.push(await (await made.admin.call(path, { token })).text());
  const halt = { method: "PUT", token, json: { on: token, reason: "r" } };
  answered.push(await (await made.admin.call("/api/v1/halt", halt)).text());
  const broken = {
    method: "PUT",
    token,
    body: `{"on":"${token}`,
    headers: { "content-type": "application/json" },
  };
  answered.push(await (await made.admin.call("/api/v1/halt", broken)).text());
  answered.push(await (await made.browser().post("/sign-in", { token: `${token}x`, back: "/" })).text());
}

beforeAll(async () => {
  made = await createDashboardWorld();
  await settle(made.world);
  secrets.set("bootstrap token", BOOT_TOKEN);
  for (const { kid, secret } of CONFIG.overrideKeys) secrets.set(`override key ${kid}`, secret);
  secrets.set("a guess", GUESS);
  await make("token", "/api/v1/tokens", { name: "pipeline", role: "admin" });
  await make("override", "/api/v1/overrides", {
    product: "kiln",
    account: "acme",
    version: "2",
    reason: "try",
  });
  const browser = await made.signedIn();
  secrets.set("session", (browser.cookie() ?? "").split("=")[1] ?? "");
  await make("session of the API", "/api/v1/sessions", undefined);
  for (const what of ["bootstrap token", "token", "session", "a guess"]) await use(secrets.get(what) ?? "");
  for (const { path } of PAGE_ROUTES) {
    const answer = await browser.get(path.replaceAll(/:[a-z]+/g, "acme"));
    answered.push((await answer.text()) + JSON.stringify([...answer.headers]));
  }
  for (const route of routesOf(await readDocument(made.admin))) {
    if (/^(?:tokens\.create|overrides\.issue|sessions\.create|restore)$/.test(route.of.operationId)) continue;
    const answer = await made.admin.call(address(route), { method: route.method, ...bodyOf(route) });
    answered.push((await answer.text()) + JSON.stringify([...answer.headers]));
  }
}, 60_000);

const places: Readonly<Record<string, () => Promise<string> | string>> = {
  "the control plane's storage": () => {
    const names = made.world.db.rows("SELECT name FROM sqlite_schema WHERE type = 'table'");
    return JSON.stringify(
      names.map(({ name }) => made.world.db.rows(`SELECT * FROM "${String(name)}"`)),
      (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    );
  },
  "the published maps": () => JSON.stringify([...made.world.kv.values]),
  "the export": async () => JSON.stringify(await readDocuments(await made.admin.call("/api/v1/export"))),
  "the audit": async () => (await made.admin.call("/api/v1/audit?limit=1000")).text(),
  "the log": () => made.admin.log.join("\n"),
  "answers, pages and headers": () => answered.join("\n"),
};

describe("a secret", () => {
  it.for(Object.entries(places))("is not in %s", async ([, read], { expect }) => {
    expect(secrets.size).toBeGreaterThanOrEqual(7);
    const text = await read();
    expect(text.length).toBeGreaterThan(100);
    const found = [...secrets].filter(([, value]) => text.includes(value));
    expect(found.map(([what]) => what)).toEqual([]);
  });
});
