/**
 * Requests a second through the router, beside a bare pass-through Worker on the same workerd and the load balancers that
 * companies use for the same, all to one origin and over the same 1,000,000 accounts. The bare Worker is measured twice:
 * what two equal things differ by is what nobody can tell. Processor time a request is workerd's own, which a busy machine
 * changes less than requests a second.
 */
import { cpuMsOf } from "../cpu-time.ts";
import { isReached } from "../results.ts";
import type { Key, Measured, Numbers, Prepared, Row } from "../row.ts";
import { hostOf, makeMaps } from "../world/accounts.ts";
import { startEdges, type Edges } from "../world/edges.ts";
import { startHaProxyRouter, startNginxRouter, startOrigin, type Peer } from "../world/peers.ts";
import { HOST } from "../world/process.ts";
import { createWrk, type Wrk } from "../world/wrk.ts";

const ACCOUNTS = 1_000_000;
/** Asked in turn, over all of the map: every shard is touched. */
const HOSTS = 5000;
/** At first an isolate reads a shard for nearly every request; rounds begin when it has them all. */
const WARM_SECONDS = 6;
const ROUNDS = 7;
const ROUND_SECONDS = 2;
const CONTROL_WITHIN = 0.03;

const WORKERS = {
  bare: { entry: "scripts/bench/worker/bare-entry.ts", maps: "maps" },
  again: { entry: "scripts/bench/worker/bare-entry.ts", maps: "maps" },
  decision: { entry: "scripts/bench/worker/decision-entry.ts", maps: "maps" },
  router: { entry: "src/index.ts", maps: "maps" },
} as const;

const SIDES = {
  bare: "bare pass-through Worker",
  again: "the same again",
  decision: "pass-through with decision and counters",
  router: "the whole router",
  nginx: "nginx, the same map",
  haproxy: "HAProxy, the same map",
} as const;

const RATE = "requests/s";
const CPU = "µs of processor a request";
/** The figure that a price is reckoned from. */
export const ROUTER_CPU = "the router's µs of processor a request";

export const routerRow: Row = {
  name: "router",
  about: "requests through the router and what it is made of, 1,000,000 accounts, 5,000 hosts",
  gives: ["routerRatio", "decisionRatio", "controlRatio", "routerCpuRatio"],
  rounds: ROUNDS,
  reach: `router ÷ bare ≥ 0.90, decision and counters ÷ bare ≥ 0.97, same ÷ same within ± ${CONTROL_WITHIN}`,
  prepare,
};

async function prepare(say: (text: string) => void): Promise<Prepared> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const origin = await startOrigin();
    stops.push(() => origin.stop());
    say("preparing 1,000,000 accounts: maps, nginx, HAProxy");
    const url = `http://${HOST}:${origin.port}`;
    const { entries } = makeMaps(ACCOUNTS, url);
    const edges = await startEdges({
      workers: WORKERS,
      objects: "router",
      maps: { maps: entries },
      origin: url,
    });
    stops.push(() => edges.stop());
    const nginx = await startNginxRouter({ accounts: ACCOUNTS, origin: origin.port });
    stops.push(() => nginx.stop());
    const haproxy = await startHaProxyRouter({ accounts: ACCOUNTS, origin: origin.port });
    stops.push(() => haproxy.stop());
    const step = ACCOUNTS / HOSTS;
    const wrk = createWrk(Array.from({ length: HOSTS }, (_, number) => hostOf(number * step)));
    stops.push(() => wrk.stop());
    say("warming up");
    for (const name of ["decision", "router"]) await wrk.run(edges.port(name), WARM_SECONDS);
    return { sides: sidesOf(wrk, edges, { nginx, haproxy }), conclude, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function sidesOf(
  wrk: Wrk,
  edges: Edges,
  { nginx, haproxy }: { nginx: Peer; haproxy: Peer },
): Prepared["sides"] {
  const round = (port: number, pid: number | null) => async (): Promise<Numbers> => {
    const before = cpuMsOf(pid);
    const { requestsPerSecond, requests } = await wrk.run(port, ROUND_SECONDS);
    const after = cpuMsOf(pid);
    const cpu = before === null || after === null ? null : ((after - before) * 1000) / requests;
    return { [RATE]: requestsPerSecond, ...(cpu === null ? {} : { [CPU]: cpu }) };
  };
  const workers = (["bare", "again", "decision", "router"] as const).map((name) => ({
    name: SIDES[name],
    round: round(edges.port(name), edges.pid),
  }));
  return [
    ...workers,
    { name: SIDES.nginx, round: round(nginx.port, null) },
    { name: SIDES.haproxy, round: round(haproxy.port, haproxy.pid) },
  ];
}

/** A ratio of rounds, with what it is a ratio of. */
function ratioKey(measured: Measured, key: string, limit: Key["limit"], side: keyof typeof SIDES): Key {
  const spread = measured.ratio(RATE, SIDES[side], SIDES.bare);
  const [own, bare] = [SIDES[side], SIDES.bare].map((name) => measured.of(name, RATE).median.toFixed(0));
  const comparedTo = `${SIDES.bare}: ${own} ÷ ${bare} requests/s`;
  return { key, value: spread.median, spread, limit, comparedTo };
}

function conclude(measured: Measured): ReturnType<Prepared["conclude"]> {
  const cpu = measured.ratio(CPU, SIDES.bare, SIDES.router);
  const [bareCpu, routerCpu] = [SIDES.bare, SIDES.router].map((name) =>
    measured.of(name, CPU).median.toFixed(1),
  );
  const control = ratioKey(measured, "controlRatio", null, "again");
  const keys: readonly Key[] = [
    ratioKey(measured, "routerRatio", { least: 0.9 }, "router"),
    ratioKey(measured, "decisionRatio", { least: 0.97 }, "decision"),
    control,
    {
      key: "routerCpuRatio",
      value: cpu.median,
      spread: cpu,
      limit: null,
      comparedTo: `${SIDES.bare}: ${bareCpu} ÷ ${routerCpu} µs of processor a request`,
    },
  ];
  const isQuiet = Math.abs(control.value - 1) <= CONTROL_WITHIN;
  const over = (side: keyof typeof SIDES, number: string): number =>
    measured.ratio(number, SIDES[side], SIDES.bare).median;
  return {
    reached: isQuiet ? keys.every((key) => isReached(key) !== false) : false,
    said: isQuiet
      ? []
      : ["same ÷ same is outside ± 0.03: the machine was too busy for these ratios to count"],
    figures: {
      [ROUTER_CPU]: measured.of(SIDES.router, CPU).median,
      "same ÷ same, processor time": over("again", CPU),
      "decision and counters ÷ bare, processor time": over("decision", CPU),
      "nginx ÷ bare": over("nginx", RATE),
      "HAProxy ÷ bare": over("haproxy", RATE),
    },
    keys,
  };
}
