/**
 * One soak: a local run of two nodes, everybody asked at a steady pace, the configuration changed all the time, the memory
 * of the first node emptied every few seconds in every other minute, that of the second never, so that what it holds can be
 * judged. Stops everything that it has started.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { cpuMsOf } from "../bench/cpu-time.ts";
import type { Instance } from "../local/instance.ts";
import { startLoad, type LoadGroup, type Tally } from "../local/load.ts";
import { listWorkerd } from "../local/workerd-processes.ts";
import { startChurn, type Churn } from "./churn.ts";
import { createHistory, type History } from "./history.ts";
import { CHECK, knownAskers, unknownAskers } from "./hosts.ts";
import type { HeldByKind } from "../local/heap-snapshot.ts";
import { watchMemory, type Memory, type Sample } from "../local/memory.ts";
import { minuteLine, type Figures, type MemoryRow } from "./report.ts";

const MINUTE_MS = 60_000;
const KNOWN_CLIENTS = 4;
const UNKNOWN_CLIENTS = 2;
const CHECK_EVERY_MS = 200;
const TIMEOUT_MS = 10_000;
const CHURN_PAUSE_MS = 2000;
const RESTART_EVERY_MS = 5000;
const SAMPLES_A_RUN = 90;
/** A node stands still for a sample. */
const SAMPLE_EVERY_MOST_MS = 40_000;
const MAX_FAULTS = 20;

export interface SoakOptions {
  readonly minutes: number;
  /** Before them, changed, asked and judged alike, but not for memory: code is compiled, caches fill. */
  readonly warmUpMinutes: number;
  /** Requests a second over both nodes, without the checks. */
  readonly rate: number;
  /** Gets a line a minute. */
  readonly say: (line: string) => void;
  /** Ends it early. What was seen until then is not judged: Ctrl-C reaches the nodes too, and they are gone at once. */
  readonly signal?: AbortSignal;
}

export interface SoakResult {
  readonly figures: Figures;
  readonly rows: readonly MemoryRow[];
}

/** Runs it. @returns null when its signal ended it. @throws when the local run cannot start. */
export async function runSoak(options: SoakOptions): Promise<SoakResult | null> {
  const state = mkdtempSync(join(tmpdir(), "firebreak-soak-"));
  // Loaded only now: wrangler alone takes a second, which nobody who mistyped a flag should wait for.
  const { startInstance } = await import("../local/instance.ts");
  const instance = await startInstance({
    port: 0,
    nodes: 2,
    state,
    bare: false,
    tick: false,
    trustedProxy: 0,
    inspected: true,
  });
  try {
    return await soak(instance, options);
  } finally {
    await instance.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

async function soak(
  instance: Instance,
  { minutes, warmUpMinutes, rate, say, signal }: SoakOptions,
): Promise<SoakResult | null> {
  const history = createHistory();
  const faults: string[] = [];
  let completeMs = 0;
  const churn = await startChurn({
    instance,
    history,
    pauseMs: CHURN_PAUSE_MS,
    onComplete: (untilMs) => (completeMs = untilMs),
  });
  const load = startLoad(groupsOf(instance.ports, history, rate));
  const restarts = restartFirst(instance);
  const watch = watchMemory(instance.ports.length, {
    measure: (node) => instance.nodes.heldByKind(node),
    everyMs: Math.min(SAMPLE_EVERY_MOST_MS, (minutes * MINUTE_MS) / SAMPLES_A_RUN),
    // A sample that a busy machine did not answer is one less, and no fault of what is sampled.
    onFault: say,
  });
  const count = createCount({ history, churn, faults, restarts: restarts.done });
  const startedMs = performance.now();
  const warmMs = startedMs + warmUpMinutes * MINUTE_MS;
  const endMs = warmMs + minutes * MINUTE_MS;
  for (let minute = 1; performance.now() < endMs; minute += 1) {
    await pause(Math.min(MINUTE_MS, endMs - performance.now()), signal);
    if (signal?.aborted === true) break;
    const wrong = history.judge(completeMs);
    for (const each of wrong) say(`wrong: ${each}`);
    count.take(load.cut(), wrong);
    say(minuteLine(minute, count.figures(startedMs), rowsOf(watch.memory, 0)));
  }
  await Promise.all([watch.stop(), restarts.stop(), churn.stop()]);
  const last = await load.stop();
  if (signal?.aborted === true) return null;
  count.take(last, history.judge(Infinity));
  return { figures: count.figures(startedMs), rows: rowsOf(watch.memory, warmMs) };
}

/** Ends early, and well, when it is aborted. */
async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}

function groupsOf(ports: readonly number[], history: History, rate: number): LoadGroup[] {
  const clients = ports.length * (KNOWN_CLIENTS + UNKNOWN_CLIENTS);
  const pauseMs = Math.max(0, (clients * 1000) / rate);
  return ports.flatMap((port, index): LoadGroup[] => {
    const note = (host: string, seen: string, askedMs: number): void =>
      history.note({ node: index + 1, host, seen, askedMs, answeredMs: performance.now() });
    const shared = { port, pauseMs, timeoutMs: TIMEOUT_MS };
    return [
      { ...shared, name: `known ${port}`, askers: knownAskers(note), concurrency: KNOWN_CLIENTS },
      { ...shared, name: `unknown ${port}`, askers: unknownAskers(note), concurrency: UNKNOWN_CLIENTS },
      { ...shared, name: `check ${port}`, askers: [CHECK], concurrency: 1, pauseMs: CHECK_EVERY_MS },
    ];
  });
}

/** Empties the first node's memory every few seconds of every other minute. */
function restartFirst({ nodes }: Instance): { readonly done: () => number; stop(): Promise<void> } {
  const startedMs = performance.now();
  let done = 0;
  let stopped = false;
  const restarting = (async () => {
    while (!stopped) {
      await pause(RESTART_EVERY_MS);
      if (Math.floor((performance.now() - startedMs) / MINUTE_MS) % 2 === 1) continue;
      await nodes.act(1, { action: "restart" });
      done += 1;
    }
  })();
  return {
    done: () => done,
    async stop() {
      stopped = true;
      await restarting;
    },
  };
}

/** The rows of memory, from a time on. What V8 makes of the program has an end, and only a longer run could show it. */
function rowsOf({ held, resident }: Memory<HeldByKind>, fromMs: number): MemoryRow[] {
  const after = <T>(samples: readonly Sample<T>[], of: (value: T) => number): Sample[] =>
    samples.filter(({ atMs }) => atMs >= fromMs).map(({ atMs, value }) => ({ atMs, value: of(value) }));
  const rows = held.flatMap((samples, index): MemoryRow[] => [
    { what: `data of node ${index + 1}`, counts: true, samples: after(samples, ({ data }) => data) },
    { what: `code of node ${index + 1}`, counts: false, samples: after(samples, ({ code }) => code) },
  ]);
  return [
    ...rows,
    { what: "resident, whole process", counts: false, samples: after(resident, (value) => value) },
  ];
}

interface Counted {
  readonly history: History;
  readonly churn: Churn;
  readonly faults: string[];
  readonly restarts: () => number;
}

/** Adds up what the load saw and what was wrong with it. */
function createCount({ history, churn, faults, restarts }: Counted): {
  take(tallies: ReadonlyMap<string, Tally>, wrong: readonly string[]): void;
  figures(startedMs: number): Figures;
} {
  const workerd = (): number => listWorkerd().reduce((sum, { pid }) => sum + (cpuMsOf(pid) ?? 0), 0);
  const [workerdBefore, restBefore] = [workerd(), process.cpuUsage()];
  const sums = { wrong: 0, checks: 0, failedChecks: 0, unanswered: 0 };
  return {
    take(tallies, wrong) {
      sums.wrong += wrong.length;
      faults.push(...wrong);
      for (const [name, tally] of tallies) {
        const lost = (tally.outcomes.get("error") ?? 0) + (tally.outcomes.get("timeout") ?? 0);
        if (name.startsWith("check")) {
          sums.checks += tally.requests;
          sums.failedChecks += tally.faulty;
        } else sums.unanswered += lost;
        faults.push(...tally.faults);
      }
    },
    figures(startedMs) {
      const ms = performance.now() - startedMs;
      const { user, system } = process.cpuUsage(restBefore);
      const { changes, rollbacks, generation, faults: failed } = churn.report();
      return {
        ...sums,
        seconds: ms / 1000,
        answers: history.judged(),
        unserved: history.unserved(),
        olderRows: history.olderRows(),
        oldestSeconds: history.oldestMs() / 1000,
        changes,
        rollbacks,
        generation,
        restarts: restarts(),
        cores: { workerd: (workerd() - workerdBefore) / ms, rest: (user + system) / 1000 / ms },
        faults: [...failed, ...faults].slice(0, MAX_FAULTS),
      };
    },
  };
}
