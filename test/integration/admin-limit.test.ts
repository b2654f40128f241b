/**
 * The rate limit of wrangler.toml inside workerd: failures of one address count over isolates, so that guessing from a
 * fresh one each time is slowed all the same; other addresses and good tokens are not.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { createFirebreak, type Env } from "../../src/compose.ts";

type Isolate = ReturnType<typeof createFirebreak>;

async function ask(isolate: Isolate, address: string, token: string): Promise<number> {
  const url = "https://admin.example.com/api/v1/whoami";
  const headers = {
    Host: "admin.example.com",
    authorization: `Bearer ${token}`,
    "cf-connecting-ip": address,
  };
  const request = new Request(url, { headers }) as Request<unknown, IncomingRequestCfProperties>;
  return (await isolate.fetch(request, env as unknown as Env, createExecutionContext())).status;
}

/** Fewer than an isolate takes by itself. */
const FROM_ONE = 15;

describe("failed tokens of an address", { timeout: 120_000 }, () => {
  it("are too many after twenty in a minute, whatever isolate sees them", async ({ expect }) => {
    const statuses: number[] = [];
    let isolate = createFirebreak();
    // A minute of the counters may end between, so that they begin once more.
    while (statuses.length <= 40 && statuses.at(-1) !== 429) {
      if (statuses.length % FROM_ONE === 0) isolate = createFirebreak();
      statuses.push(await ask(isolate, "192.0.2.7", "guess"));
    }
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect(await ask(isolate, "192.0.2.8", "guess")).toBe(401);
    expect(await ask(isolate, "192.0.2.7", "test-admin-token")).toBe(200);
  });
});
