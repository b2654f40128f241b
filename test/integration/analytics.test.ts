/**
 * A dataset of Analytics Engine bound to the Worker, inside workerd: it is written to with a flush and at no other time,
 * and the runtime's own binding takes every point. The columns are in test/unit/adapters/analytics.test.ts.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { AnalyticsPoint } from "../../src/adapters/analytics.ts";
import { createFirebreak, type Env } from "../../src/compose.ts";

async function ask(changes: Partial<Env>) {
  const firebreak = createFirebreak();
  const context = createExecutionContext();
  const headers = { Host: "10.0.0.1" };
  const request = new Request("http://10.0.0.1/", { method: "POST", headers, cf: { colo: "FRA" } });
  const response = await firebreak.fetch(request, { ...(env as unknown as Env), ...changes }, context);
  return { firebreak, status: response.status };
}

describe("a bound dataset", () => {
  it("gets what was counted with the flush, and nothing with the request", async ({ expect }) => {
    const points: AnalyticsPoint[] = [];
    const ANALYTICS = {
      writeDataPoint(point: AnalyticsPoint) {
        env.ANALYTICS.writeDataPoint(point);
        points.push(point);
      },
    };
    const { firebreak, status } = await ask({ ANALYTICS });
    expect(status).toBe(421);
    expect(points).toEqual([]);
    await firebreak.flush();
    expect(points.map(({ blobs, doubles }) => [blobs[0], blobs[1], blobs[6], doubles[0]])).toEqual([
      ["edge", "FRA", "refused", 1],
    ]);
  });

  it("may be something else: the request is answered, the counts go where they always went", async ({
    expect,
  }) => {
    const { firebreak, status } = await ask({
      ANALYTICS: "text" as unknown as Env["ANALYTICS"] & {},
    });
    expect(status).toBe(421);
    await expect(firebreak.flush()).resolves.toBeUndefined();
  });
});
