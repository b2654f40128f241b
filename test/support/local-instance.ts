/**
 * A local run for one test file: free ports, a temporary state folder that is removed again, no clock of its own. Starts
 * the very thing that `npm start` starts, workerd and all, in this process, so that tests can look at the demo servers.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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

/** Resident memory of a process in bytes, 0 when it is gone. Linux only. */
export function readResidentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readStatus(pid))?.[1] ?? 0) * 1024;
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // ended meanwhile
  }
}
