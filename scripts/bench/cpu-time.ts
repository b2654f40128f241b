/**
 * Processor time of a workerd process: what its work costs whatever else the machine does meanwhile, in steps of 10 ms.
 * Reads /proc, so elsewhere than on Linux there is none.
 */
import { readFileSync } from "node:fs";
import { listWorkerd } from "../local/workerd-processes.ts";

/** Places after the command's name in /proc/PID/stat, proc(5): user (14th field) and system time (15th). */
const USER_TIME = 11;
const SYSTEM_TIME = 12;
const STEP_MS = 10;

/** Runs `start`, and finds the workerd that it has started; null when there is none to be found. */
export async function findStarted<T>(
  start: () => Promise<T>,
): Promise<{ readonly started: T; readonly pid: number | null }> {
  const before = new Set(listWorkerd().map(({ pid }) => pid));
  const started = await start();
  return { started, pid: listWorkerd().find(({ pid }) => !before.has(pid))?.pid ?? null };
}

/** Milliseconds that a process has worked so far; null: not known. */
export function cpuMsOf(pid: number | null): number | null {
  if (pid === null) return null;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * STEP_MS;
}
