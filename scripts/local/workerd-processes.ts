/**
 * Finds the workerd processes of a run, and ends those that a run left behind. A runner that is killed hard cannot end
 * its workerd, which then keeps the front ports and, worse, the databases in the state folder: a second one on the same
 * files would be a second control plane. A process is known by its id and its start time together, since ids are reused.
 * Reads /proc, so elsewhere than on Linux nothing is found; a workerd that Miniflare started anew after a crash is missed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";

const GONE_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 20;
/** Places after the command's name in /proc/PID/stat, proc(5): parent (4th field) and start time (22nd). */
const PARENT = 1;
const START_TIME = 19;

export const WorkerdProcessSchema = z.object({ pid: z.int().min(1), startTime: z.string() });
export type WorkerdProcess = z.infer<typeof WorkerdProcessSchema>;

interface Stat extends WorkerdProcess {
  readonly parent: number;
}

/** The workerd processes that this process has started. */
export function listWorkerd(): WorkerdProcess[] {
  return listProcesses()
    .map(readStat)
    .filter((stat) => stat !== null)
    .filter(({ parent }) => parent === process.pid)
    .map(({ pid, startTime }) => ({ pid, startTime }));
}

/** Whether a process still runs, and is still the same one. */
export function isThere({ pid, startTime }: WorkerdProcess): boolean {
  return readStat(pid)?.startTime === startTime;
}

/**
 * Ends processes of a run that is over, and resolves when they are gone.
 * @throws when one does not go away.
 */
export async function endLeftWorkerd(left: readonly WorkerdProcess[]): Promise<void> {
  for (const each of left) if (isThere(each)) process.kill(each.pid, "SIGKILL");
  const until = Date.now() + GONE_WITHIN_MS;
  while (left.some(isThere)) {
    if (Date.now() > until)
      throw new Error(`workerd of the run before does not end: ${JSON.stringify(left)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isSafeInteger);
  } catch {
    return [];
  }
}

/** Null when the process is gone or is no workerd. A zombie counts as gone. */
function readStat(pid: number): Stat | null {
  let text = "";
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // `pid (name) state parent …`; the name may hold spaces and brackets, so the last bracket counts.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  if (!text.slice(0, end).endsWith("(workerd") || fields[0] === "Z") return null;
  return { pid, parent: Number(fields[PARENT]), startTime: fields[START_TIME] ?? "" };
}
