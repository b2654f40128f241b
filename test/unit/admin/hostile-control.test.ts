/**
 * Every documented operation on the real control plane, with its documented body and then with hostile values in each of
 * its members: never a 5xx, and only answers that the document has,
 * where `default` stands for every problem.
 */
import { describe, it } from "vitest";
import { buildAdmin } from "../../support/admin-builders.ts";
import { createMemoryDb } from "../../support/control-db.ts";
import { addProducts, createWorld } from "../../support/control-world.ts";
import { address, bodyOf, readDocument, routesOf, SAMPLES } from "../../support/documented-api.ts";

const routes = routesOf(await readDocument(buildAdmin()));
const KNOWN = { ...SAMPLES, version: "2", from: "1" };
/** Names that reach the control plane as they are. */
const NAMES = [
  "constructor",
  "__proto__",
  "%00",
  "a".repeat(3000),
  "%F0%9F%92%A9",
  "'%3BDROP TABLE accounts",
];
const VALUES: readonly unknown[] = [
  "\u0000",
  "",
  "x".repeat(20_000),
  "\ud800",
  "<script>alert(1)</script>",
  "'; DROP TABLE accounts; --",
  "9999-99-99T99:99:99Z",
  "__proto__",
  -1,
  1e308,
  null,
  {},
  JSON.parse('{"__proto__":{"role":"admin"},"constructor":1}'),
  Array.from({ length: 300 }, () => "a"),
];

async function realAdmin(): Promise<ReturnType<typeof buildAdmin>> {
  const world = createWorld({ db: createMemoryDb() });
  await addProducts(world);
  const admin = buildAdmin({ real: world.control, kv: world.kv.values });
  admin.clock.nowMs = world.clock.now;
  return admin;
}

/** The example with one member at a time in hostile hands, and one too many. */
function* spoilt(body: string | undefined): Generator<unknown> {
  const example: unknown = JSON.parse(body ?? "{}");
  if (typeof example !== "object" || example === null) return;
  for (const key of [...Object.keys(example), "reason", "unheard-of"])
    for (const value of VALUES) yield { ...example, [key]: value };
}

describe.for(routes)("$method $path", (route) => {
  const { method, of } = route;
  const documented = new Set(Object.keys(of.responses).map(Number));

  it("holds on the real control plane, whatever is sent", { timeout: 60_000 }, async ({ expect }) => {
    const admin = await realAdmin();
    const wrong: unknown[] = [];
    const send = async (path: string, sent: { body?: string; headers?: Record<string, string> }) => {
      const response = await admin.call(path, { method, ...sent });
      const text = await response.text();
      const { status } = response;
      const named = documented.has(status) || (status >= 400 && "default" in of.responses);
      const problem = status < 400 || /"type":"urn:firebreak:problem:[a-z-]+"/.test(text);
      if (status >= 500 || !problem || !named)
        wrong.push([status, path.slice(0, 80), sent.body?.slice(0, 120), text.slice(0, 200)]);
    };
    await send(address(route, KNOWN), bodyOf(route));
    for (const name of NAMES) await send(route.path.replaceAll(/\{\w+\}/g, name), bodyOf(route));
    if (bodyOf(route).headers?.["content-type"] === "application/json")
      for (const value of spoilt(bodyOf(route).body))
        await send(address(route, KNOWN), { ...bodyOf(route), body: JSON.stringify(value) });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
