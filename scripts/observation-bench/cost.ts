/**
 * What counting costs: rounds of load on a node that counts and on two that do not, in turn, in one run. Requests a second
 * and workerd's processor time per request, side against side within a round, and the median of that over the rounds; the
 * second node that does not count says how far two equal things differ here. A round ends with the node's report, which
 * belongs to it. All nodes are in one workerd, so the time that meters need is in the counting one's.
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
  /** Throughput counting over throughput not counting, and not counting over itself: medians over the rounds. */
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
    await instance.nodes.act(SIDES[side] + 1, { action: "flush" });
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
    ratio: overRounds(measured, ({ on, off }) => on.requestsPerSecond / off.requestsPerSecond),
    control: overRounds(
      measured,
      (round) => round["off again"].requestsPerSecond / round.off.requestsPerSecond,
    ),
    cpuRatio: overRounds(measured, ({ on, off }) => off.cpuUsPerRequest / on.cpuUsPerRequest),
    cpuControl: overRounds(
      measured,
      (round) => round.off.cpuUsPerRequest / round["off again"].cpuUsPerRequest,
    ),
  };
}

/** Sides that ran one after the other are compared with each other: a machine that gets busier slows all of a round. */
function overRounds(
  measured: Readonly<Record<Side, readonly Round[]>>,
  compare: (round: Readonly<Record<Side, Round>>) => number,
): number {
  const ratios = measured.on.flatMap((on, index) => {
    const [off, again] = [measured.off[index], measured["off again"][index]];
    return off === undefined || again === undefined ? [] : [compare({ on, off, "off again": again })];
  });
  return middleOf(ratios);
}

function middleOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? 0) + (sorted[Math.ceil(at)] ?? 0)) / 2;
}

/** Requests that reached any demo version. */
export function received({ origins }: Instance): number {
  return origins.reduce((sum, origin) => sum + origin.received(), 0);
}

function medianOf(rounds: readonly Round[]): Round {
  return {
    requestsPerSecond: middleOf(rounds.map(({ requestsPerSecond }) => requestsPerSecond)),
    cpuUsPerRequest: middleOf(rounds.map(({ cpuUsPerRequest }) => cpuUsPerRequest)),
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
