/** What `status` says of a run that is only played: ticks ahead of the wall, isolates without maps. */
import { describe, it } from "vitest";
import type { Status } from "../../../src/contracts/api/status.ts";
import { runCli, startFakeApi } from "../../support/cli.ts";
import { STATUS } from "../../support/fake-control.ts";

async function told(changes: Partial<Status>): Promise<string> {
  const api = await startFakeApi({ answer: () => ({ body: { ...STATUS, ...changes } }) });
  const { code, out } = await runCli(["status", "--url", api.url], { env: { FIREBREAK_TOKEN: "t" } });
  await api.stop();
  return code === 0 ? out : `exit ${code}`;
}

describe("status", () => {
  it("says by how much ticks are ahead of now, and why", async ({ expect }) => {
    const now = "2026-11-30T06:09:37.000Z";
    const ahead = await told({ now, lastTick: "2026-11-30T06:18:00.000Z" });
    expect(ahead).toMatch(/^last tick +2026-11-30T06:18:00Z, 8 min ahead of now: `tick` let time pass$/m);
    expect(await told({ now, lastTick: "2026-11-30T06:09:00.000Z" })).toMatch(
      /^last tick +2026-11-30T06:09:00Z$/m,
    );
  });

  it("does not call isolates that have needed no maps a fallback", async ({ expect }) => {
    const generations = [
      { generation: 1204, share: 0.9, isolates: 3 },
      { generation: 0, share: 0.1, isolates: 1 },
    ];
    const text = await told({ seen: { ...STATUS.seen, generations } });
    expect(text).toMatch(/^seen by edges +generation 1204: 90 % of the requests, 3 isolates$/m);
    expect(text).toMatch(/^ +no maps yet: 10 % of the requests, 1 isolate \(health checks and this host /m);
  });
});
