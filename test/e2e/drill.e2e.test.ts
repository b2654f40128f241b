/** The incident that Firebreak exists for, as `npm run drill` plays it: straight behind HAProxy, then through the router. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "vitest";
import { mustSkipHaProxy } from "../support/haproxy.ts";

/** It takes 21 s alone, and more beside others. */
const TIMEOUT_MS = 180_000;

describe.skipIf(mustSkipHaProxy())("npm run drill", () => {
  it("plays the incident twice and proves what it says", { timeout: TIMEOUT_MS }, ({ expect }) => {
    const drill = join(import.meta.dirname, "..", "..", "scripts", "drill.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, [drill, "--json"], { encoding: "utf8" });
    const told: unknown = JSON.parse(stdout === "" ? "null" : stdout);
    expect({ status, stderr, told }).toMatchObject({ status: 0, stderr: "", told: { failed: 0 } });
    expect(told).toMatchObject({
      halves: [{ expectations: expect.any(Array) }, { expectations: expect.any(Array) }],
    });
  });
});
