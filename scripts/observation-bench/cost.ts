/**
 * What counting costs: rounds of load on a node that counts and on two that do not, in turn, in one run. Medians of
 * requests a second and of workerd's processor time per request; the second node that does not count says how far two
 * equal things differ here. All nodes are in one workerd, so the time that meters need is in the counting one's.
 */
import { readFileSync } from "node:fs";
import type { Instance } from "../local/instance.ts";
import { listWorkerd } from "../local/workerd-processes.ts";
import type { RunLoad } from "./load.ts";

/** Of /proc/PID/stat after the command's name: user and system time, in ticks of 10 ms. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const TICK_US = 10_000;

/** Nodes by what they do; counted from 0. The first has the objects and is not measured. */
export const SIDES = { on: 2, off: 1, "off again": 3 } as const;
export type Side = keyof typeof SIDES;
const ORDER: readonly Side[] = ["on", "off", "off again"];

export interface Round {
  readonly requestsPerSecond: number;
  readonly cpuUsPerRequest: number;
}

export interface Cost {
  readonly rounds: Readonly<Record<Side, readonly Round[]>>;
  readonly median: Readonly<Record<Side, Round>>;
  /** Throughput counting over throughput not counting, and not counting over itself. */
  readonly ratio: number;
  readonly control: number;
  /** The same of the processor time per request that is spent beside counting: 1 when counting is free. */
  readonly cpuRatio: number;
  readonly cpuControl: number;
}

export async function measureCost(
  instance: Instance,
  {
    load,
    hosts,
    rounds,
    seconds,
  }: { load: RunLoad; hosts: readonly string[]; rounds: number; seconds: number },
): Promise<Cost> {
  const measured: Record<Side, Round[]> = { on: [], off: [], "off again": [] };
  const run = async (side: Side, time: number): Promise<Round> => {
    const port = instance.ports[SIDES[side]] ?? 0;
    const before = { cpuUs: cpuUs(), received: received(instance) };
    const { requestsPerSecond } = await load({ port, hosts, seconds: time });
    const requests = received(instance) - before.received;
    return { requestsPerSecond, cpuUsPerRequest: (cpuUs() - before.cpuUs) / Math.max(1, requests) };
  };
  for (const side of ORDER) await run(side, 2);
  for (let round = 0; round < rounds; round++) {
    // Each goes first as often as the others: the machine is not the same all the time.
    for (let turn = 0; turn < ORDER.length; turn++) {
      const side = ORDER[(round + turn) % ORDER.length] ?? "on";
      measured[side].push(await run(side, seconds));
    }
  }
  const median = {
    on: medianOf(measured.on),
    off: medianOf(measured.off),
    "off again": medianOf(measured["off again"]),
  };
  return {
    rounds: measured,
    median,
    ratio: median.on.requestsPerSecond / median.off.requestsPerSecond,
    control: median["off again"].requestsPerSecond / median.off.requestsPerSecond,
    cpuRatio: median.off.cpuUsPerRequest / median.on.cpuUsPerRequest,
    cpuControl: median.off.cpuUsPerRequest / median["off again"].cpuUsPerRequest,
  };
}

/** Requests that reached any demo version. */
export function received({ origins }: Instance): number {
  return origins.reduce((sum, origin) => sum + origin.received(), 0);
}

function medianOf(rounds: readonly Round[]): Round {
  const middle = (pick: (round: Round) => number): number => {
    const sorted = rounds.map(pick).toSorted((a, b) => a - b);
    const at = (sorted.length - 1) / 2;
    return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2;
  };
  return {
    requestsPerSecond: middle(({ requestsPerSecond }) => requestsPerSecond),
    cpuUsPerRequest: middle(({ cpuUsPerRequest }) => cpuUsPerRequest),
  };
}

/** Processor time of workerd so far; 0 where there is no /proc. */
function cpuUs(): number {
  return listWorkerd().reduce((sum, { pid }) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * TICK_US;
  }, 0);
}
