/** The composition root with a configuration that nobody meant: health must be answered all the same. */
import { describe, it } from "vitest";
import { createFirebreak, type Env } from "../../../src/compose.ts";
import { parseEnv } from "../../../src/contracts/env.ts";

const GOOD = { ADMIN_HOST: "admin.example.com", FALLBACK: '{"kiln":{"domains":["kiln.example.com"]}}' };

describe("createFirebreak", () => {
  it.for([
    ["a variable that is no text", { ...GOOD, ADMIN_HOST: 5 }],
    ["a list in the place of text", { ...GOOD, ORIGIN_ALLOW: ["https://*.origins.example.net"] }],
    ["no bindings and no caches", GOOD],
    ["nothing", {}],
  ] as const)("answers health with %s", async ([, env], { expect }) => {
    const context = { waitUntil: () => undefined } as unknown as ExecutionContext;
    const request = new Request("http://node/", { method: "OPTIONS" });
    const response = await createFirebreak().fetch(request, env as unknown as Env, context);
    expect(response.status).toBe(204);
  });
});

describe("parseEnv", () => {
  it.for([{ ADMIN_HOST: "10.0.0.7" }, { FALLBACK: '{"kiln":{"domains":["10.0.0.7"]}}' }])(
    "names an address in the place of a host name as a problem: %j",
    (change, { expect }) => {
      expect(parseEnv(GOOD).ok).toBe(true);
      expect(parseEnv({ ...GOOD, ...change }).ok).toBe(false);
    },
  );
});
