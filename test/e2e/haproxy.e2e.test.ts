/**
 * Trouble under load, behind a real HAProxy with its bare check: the default version's origin refuses, hangs
 * and fails, then KV fails, then the control plane's object, and nodes are restarted meanwhile. Nothing of it may take a
 * node out, fail a request of a known account on a healthy version, or answer one from another version.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startHaProxy, waitForServers, type HaProxy } from "../../scripts/haproxy/haproxy.ts";
import { WELL, type DemoFaults } from "../../scripts/local/demo/faults.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { anything, expectVersion, startLoad, type Asker, type Load } from "../../scripts/local/load.ts";
import type { FaultMode, NodeBinding } from "../../scripts/local/node-actions.ts";
import { spreadAt } from "../../scripts/local/spread.ts";
import { inForm } from "../support/form.ts";
import { mustSkipHaProxy } from "../support/haproxy.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { request, sendRaw } from "../support/raw-http.ts";

const PHASE_MS = inForm({ short: 3500, long: 60_000 });
const SPARE_MS = 60_000;
/** When an unknown account's client gives up, and after which nothing of the phase before is under way. */
const GIVE_UP_MS = 1000;
const SETTLE_MS = GIVE_UP_MS + 200;
/** Where unknown accounts ask, and how long their version may take: a hang is over, and counted, within a phase. */
const UNKNOWN_PATH = "/unknown";
const UNKNOWN_TIMEOUT_S = 1;
const SAMPLE_EVERY_MS = 100;
const CHECK_EVERY_MS = 200;
const KNOWN = 30;
/** Less would show nothing; a busy machine manages more. */
const MIN_REQUESTS_A_SECOND = 50;

const known = (product: string, version: string, accounts: readonly string[]): Asker[] =>
  accounts.map((account) => ({
    host: `${account}.${product}.localhost`,
    path: `/app?for=${account}`,
    judge: expectVersion(`${product}/${version}`, account),
  }));

const unknown: readonly Asker[] = Array.from({ length: 50 }, (_, index) => ({
  host: `nobody-${index}.kiln.localhost`,
  path: UNKNOWN_PATH,
  judge: anything,
}));

describe.skipIf(mustSkipHaProxy())("two nodes behind HAProxy with a bare option httpchk", () => {
  let instance: Instance;
  let haproxy: HaProxy;
  let load: Load;
  let sampler: ReturnType<typeof setInterval>;
  const notUp: string[] = [];
  let samples = 0;

  beforeAll(async () => {
    instance = await startTestInstance({ trustedProxy: 1 });
    const { items } = (await instance.admin.must({ method: "GET", path: `accounts?limit=${KNOWN}` })) as {
      items: { account: string; homes: Record<string, string> }[];
    };
    const accounts = items
      .filter(({ homes }) => Object.keys(homes).length === 2)
      .map(({ account }) => account);
    await instance.admin.must({
      method: "POST",
      path: "products/kiln/versions/2.9.1/state",
      body: { state: "live", reason: "to be used" },
    });
    const { domains } = (await instance.admin.must({ method: "GET", path: "products/kiln" })) as {
      domains: string[];
    };
    const timeouts = [{ prefix: UNKNOWN_PATH, seconds: UNKNOWN_TIMEOUT_S }];
    await instance.admin.must({ method: "PUT", path: "products/kiln", body: { domains, timeouts } });
    // Known accounts of kiln on a version that stays well; the default, and with it nearly everybody, is on another.
    for (const account of accounts) {
      await instance.admin.must({
        method: "PUT",
        path: `accounts/${account}/pins/kiln`,
        body: { version: "2.9.1", reason: "on a healthy version" },
      });
    }
    const last = accounts.at(-1) ?? "";
    const bytes = request("GET / HTTP/1.1", `Host: ${last}.kiln.localhost`);
    await spreadAt(
      instance,
      async (port) => (await sendRaw({ port, bytes })).header("demo-version") === "kiln/2.9.1",
    );
    // What no node has read yet cannot be known while KV fails, whichever phase comes first.
    for (const port of instance.ports) {
      for (const account of accounts)
        await sendRaw({ port, bytes: request("GET / HTTP/1.1", `Host: ${account}.kiln.localhost`) });
    }

    haproxy = await startHaProxy({ servers: instance.ports, checkEveryMs: CHECK_EVERY_MS });
    await waitForServers(haproxy, (all) => all.every(({ check }) => check === "L7OK"), 10_000);
    sampler = setInterval(() => {
      void haproxy.servers().then((servers) => {
        samples += 1;
        for (const { name, status } of servers) if (status !== "UP") notUp.push(`${name} ${status}`);
      });
    }, SAMPLE_EVERY_MS);
    const shared = { port: haproxy.port, pauseMs: 10 };
    load = startLoad([
      { ...shared, name: "kiln", askers: known("kiln", "2.9.1", accounts), concurrency: 3, timeoutMs: 5000 },
      {
        ...shared,
        name: "fogbugz",
        askers: known("fogbugz", "8.7.0", accounts),
        concurrency: 3,
        timeoutMs: 5000,
      },
      { ...shared, name: "unknown", askers: unknown, concurrency: 4, timeoutMs: GIVE_UP_MS },
    ]);
  });

  afterAll(async () => {
    clearInterval(sampler);
    await load?.stop();
    await haproxy?.stop();
    await instance?.stop();
  });

  const onEveryNode = async (action: NodeBinding, mode: FaultMode): Promise<void> => {
    for (const node of instance.ports.keys()) await instance.nodes.act(node + 1, { action, mode });
  };
  const illDefault = (faults: Partial<DemoFaults>) => (): Promise<void> =>
    instance.origin("kiln", "2.8.0").setFaults({ ...WELL, ...faults });

  /** Name, how it begins, what happens in the middle, how it ends. */
  const PHASES: readonly {
    readonly name: string;
    readonly begin: () => Promise<void>;
    readonly middle?: () => Promise<unknown>;
    readonly end: () => Promise<void>;
    readonly unknownGet: readonly string[];
    /** Samples of the metrics whose sum rises by it while it is there. */
    readonly shown: RegExp;
  }[] = [
    {
      name: "the default's origin refuses connections",
      begin: illDefault({ refuse: true }),
      end: illDefault({}),
      unknownGet: ["502", "503"],
      shown: /^firebreak_request_failures_total\{product="kiln",version="2\.8\.0",.*\} (\d+)$/gm,
    },
    {
      name: "the default's origin hangs",
      begin: illDefault({ hang: true }),
      end: illDefault({}),
      unknownGet: ["timeout", "504", "502", "error"],
      shown:
        /^firebreak_(?:request_failures|clients_gone)_total\{product="kiln",version="2\.8\.0",.*\} (\d+)$/gm,
    },
    {
      name: "the default's origin answers 500",
      begin: illDefault({ errorRate: 1 }),
      end: illDefault({}),
      unknownGet: ["500"],
      shown: /^firebreak_request_errors_total\{product="kiln",version="2\.8\.0",.*\} (\d+)$/gm,
    },
    {
      name: "KV fails, and a node restarts meanwhile",
      begin: () => onEveryNode("kv", "throw"),
      middle: () => instance.nodes.act(2, { action: "restart" }),
      end: () => onEveryNode("kv", "ok"),
      unknownGet: ["200"],
      shown: /^firebreak_edge_maps_faults_total\{.*\} (\d+)$/gm,
    },
    {
      name: "the control plane's object fails, and a node restarts meanwhile",
      begin: () => onEveryNode("control", "throw"),
      middle: () => instance.nodes.act(2, { action: "restart" }),
      end: () => onEveryNode("control", "ok"),
      unknownGet: ["200"],
      shown: /^firebreak_alarms\{alarm="control-down",level="page"\} (\d+)$/gm,
    },
  ];

  /** What the metrics say by now, once every node has reported what it counted. */
  async function readMetric(samples: RegExp): Promise<number> {
    for (const node of instance.ports.keys()) await instance.nodes.act(node + 1, { action: "flush" });
    const text = String(await instance.admin.must({ method: "GET", path: "metrics" }));
    return [...text.matchAll(samples)].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  it.for(PHASES)(
    "keeps nodes up and known accounts served while $name",
    { timeout: PHASE_MS + SPARE_MS },
    async (phase, { expect }) => {
      const shownBefore = await readMetric(phase.shown);
      await phase.begin();
      // What was under way when it began belongs to the time before.
      await pause(SETTLE_MS);
      const before = load.cut();
      await pause((PHASE_MS - SETTLE_MS) / 2);
      await phase.middle?.();
      await pause((PHASE_MS - SETTLE_MS) / 2);
      const during = load.cut();
      const shown = await readMetric(phase.shown);
      await phase.end();

      for (const tallies of [before, during]) {
        for (const name of ["kiln", "fogbugz"]) expect(tallies.get(name)?.faults, name).toEqual([]);
      }
      expect(shown, "the fault in the metrics").toBeGreaterThan(shownBefore);
      const requests = (during.get("kiln")?.requests ?? 0) + (during.get("fogbugz")?.requests ?? 0);
      expect(requests).toBeGreaterThan((MIN_REQUESTS_A_SECOND * (PHASE_MS - SETTLE_MS)) / 1000);
      const unknownSaw = during.get("unknown");
      expect(unknownSaw?.requests).toBeGreaterThan(0);
      for (const outcome of unknownSaw?.outcomes.keys() ?? []) expect(phase.unknownGet).toContain(outcome);
      for (const version of unknownSaw?.versions.keys() ?? []) expect(["-", "kiln/2.8.0"]).toContain(version);
      expect(notUp).toEqual([]);
    },
  );

  it("never took a node out, in HAProxy's own count", async ({ expect }) => {
    expect(samples).toBeGreaterThan((PHASES.length * PHASE_MS) / SAMPLE_EVERY_MS / 2);
    for (const { downs, status } of await haproxy.servers())
      expect({ downs, status }).toEqual({ downs: 0, status: "UP" });
  });
});

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
