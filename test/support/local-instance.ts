/**
 * A local run for one test file: free ports, a temporary state folder that is removed again, no clock of its own. Starts
 * the very thing that `npm start` starts, workerd and all, in this process, so that tests can look at the demo servers.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startInstance, type Instance } from "../../scripts/local/instance.ts";
import type { LocalOptions } from "../../scripts/local/options.ts";

/** Starts one; `stop` also removes its folder. */
export async function startTestInstance(changes: Partial<LocalOptions> = {}): Promise<Instance> {
  const state = makeStateFolder();
  const instance = await startInstance({
    port: 0,
    nodes: 2,
    state,
    bare: false,
    tick: false,
    trustedProxy: 0,
    ...changes,
  });
  return {
    ...instance,
    async stop() {
      await instance.stop();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** A folder of its own below the temporary one; who makes it removes it. */
export function makeStateFolder(): string {
  return mkdtempSync(join(tmpdir(), "firebreak-test-"));
}

/** Process ids of the workerd processes that this process started. Linux only. */
export function findWorkerd(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = readProc(pid, "stat");
      // `pid (comm) state ppid …`; comm may hold spaces and brackets, so the last bracket counts.
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      return parent === process.pid && stat.includes("(workerd)");
    });
}

/** Resident memory of a process in bytes, 0 when it is gone. Linux only. */
export function readResidentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, "status"))?.[1] ?? 0) * 1024;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // ended meanwhile
  }
}
