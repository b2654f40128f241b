/**
 * The whole matrix against the demo versions of the incident: the well one passes, kiln 2.9.0 is stopped by exactly the
 * requests that brought everything down in 2011, with the bytes as evidence; from the command line and from workerd alike.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startDemoOrigin, type DemoOrigin } from "../../scripts/local/demo/origin.ts";
import { WELL } from "../../scripts/local/demo/faults.ts";
import { runFromHere } from "../../scripts/cli/preflight-here.ts";
import { runMatrix } from "../../src/adapters/preflight-runner.ts";
import { PRESETS, type Probe, type ProbeResult } from "../../src/contracts/preflight.ts";
import { probesFor } from "../../src/core/preflight/matrix.ts";
import { coverage, syntheticSeen, verdict } from "../../src/core/preflight/verdict.ts";
import { workerdRuntime, type ExchangeRuntime } from "../support/exchange-runtimes.ts";

const REQUIRED = ["known", "unknown", "none", "ip"] as const;
let well: DemoOrigin;
let ill: DemoOrigin;
let workerd: ExchangeRuntime;

beforeAll(async () => {
  const knows = (account: string): boolean => account === "probe";
  well = await startDemoOrigin({
    product: "kiln",
    version: "2.8.0",
    port: 0,
    knows,
    failsWithoutAccount: false,
  });
  ill = await startDemoOrigin({
    product: "kiln",
    version: "2.9.0",
    port: 0,
    knows,
    failsWithoutAccount: true,
  });
  workerd = await workerdRuntime(null);
});
afterAll(async () => {
  await workerd.stop();
  await well.stop();
  await ill.stop();
});

function matrixOf({ url, version }: DemoOrigin): Probe[] {
  return probesFor({
    product: "kiln",
    version,
    origin: url,
    domains: ["kiln.localhost"],
    syntheticAccount: "probe",
    syntheticByCell: {},
    cells: [],
    presets: PRESETS,
    own: [],
    routerHeader: null,
  });
}

async function runControl(probes: readonly Probe[], stopAtMs = Infinity): Promise<ProbeResult[]> {
  return runMatrix({ probes, exchange: workerd.exchange, nowMs: () => Date.now(), stopAtMs });
}

describe.each([
  ["the command line", "here", (probes: readonly Probe[]) => runFromHere(probes)],
  ["the control plane's runtime", "control", (probes: readonly Probe[]) => runControl(probes)],
] as const)("preflight from %s", (_name, from, run) => {
  it("passes the version that bears every request, and has seen every class", async ({ expect }) => {
    const probes = matrixOf(well);
    const results = await run(probes);
    expect(results.map(({ id }) => id)).toEqual(probes.map(({ id }) => id));
    expect(results.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(results.every(({ evidence }) => evidence.from === from)).toBe(true);
    const ids = probes.map(({ id }) => id);
    expect(verdict({ probes: ids, results, waivers: [], purpose: "default" }).verdict).toBe("pass");
    expect(coverage(REQUIRED, syntheticSeen(results))).toEqual([]);
  });

  it("stops kiln 2.9.0, naming the hostless OPTIONS and the unknown account with their bytes", async ({
    expect,
  }) => {
    const probes = matrixOf(ill);
    const results = await run(probes);
    const ids = probes.map(({ id }) => id);
    const got = verdict({ probes: ids, results, waivers: [], purpose: "wave" });
    expect(got.verdict).toBe("fail");
    expect(got.failed).toEqual(
      expect.arrayContaining(["options-hostless", "options-empty-host", "unknown-account"]),
    );
    expect(got.failed).not.toContain("known-account");
    const hostless = results.find(({ id }) => id === "options-hostless");
    expect(hostless?.evidence.sent).toBe("OPTIONS / HTTP/1.0\\r\\n\n\\r\\n\n");
    expect(hostless?.evidence.received).toContain("HTTP/1.1 500 Internal Server Error\\r\\n");
    expect(hostless?.evidence.received).toContain("500: no such account");
    expect(hostless?.sentence).toContain("answered 500, expected 200-399");
    const waivers = got.failed.map((probe) => ({ probe, reason: "drill", by: "ann", at: 1 }));
    expect(verdict({ probes: ids, results, waivers, purpose: "wave" }).verdict).toBe("pass");
    expect(verdict({ probes: ids, results, waivers, purpose: "default" }).verdict).toBe("fail");
    expect(coverage(REQUIRED, syntheticSeen(results))).toEqual(["unknown", "none", "ip"]);
  });

  it("does not pass a version whose port is closed", async ({ expect }) => {
    await ill.setFaults({ ...WELL, refuse: true });
    const probes = matrixOf(ill);
    const results = await run(probes);
    await ill.setFaults(WELL);
    expect(results.filter(({ outcome }) => outcome === "pass")).toEqual([]);
  });
});

describe("runMatrix", () => {
  it("leaves out what there is no time for, which is missing and not passed", async ({ expect }) => {
    const probes = matrixOf(well);
    const results = await runControl(probes, 0);
    const got = verdict({ probes: probes.map(({ id }) => id), results, waivers: [], purpose: "wave" });
    expect([results.length, got.verdict, got.missing.length]).toEqual([0, "inconclusive", probes.length]);
  });
});
