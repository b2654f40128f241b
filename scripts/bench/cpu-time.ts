/**
 * Processor time of a workerd process: what its work costs whatever else the machine does meanwhile. Counted by the
 * scheduler in nanoseconds, of all its threads; the well-known fields of /proc/PID/stat come in steps of 10 ms, which is
 * much of a short round. Reads /proc, so elsewhere than on Linux there is none.
 */
import { readdirSync, readFileSync } from "node:fs";
import { listWorkerd } from "../local/workerd-processes.ts";

const NS_PER_MS = 1_000_000;

/** Runs `start`, and finds the workerd that it has started; null when there is none to be found. */
export async function findStarted<T>(
  start: () => Promise<T>,
): Promise<{ readonly started: T; readonly pid: number | null }> {
  const before = new Set(listWorkerd().map(({ pid }) => pid));
  const started = await start();
  return { started, pid: listWorkerd().find(({ pid }) => !before.has(pid))?.pid ?? null };
}

/** Milliseconds that the threads of a process have worked so far; null: not known. */
export function cpuMsOf(pid: number | null): number | null {
  if (pid === null) return null;
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => workedNs(`/proc/${pid}/task/${thread}`));
  return threads.reduce((sum, ns) => sum + ns, 0) / NS_PER_MS;
}

/** The first field of `schedstat`: time on a processor. */
function workedNs(folder: string): number {
  try {
    return Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ", 1)[0]);
  } catch {
    return 0; // a thread that ended meanwhile
  }
}
