/**
 * Samples of memory: what each node's isolate holds after a collection, and what the whole process has of the machine. The
 * first node has the objects too, so the control plane is in its figure; the process has both, and KV as it is simulated.
 */
import { readFileSync } from "node:fs";
import type { Nodes } from "./nodes.ts";
import { listWorkerd } from "./workerd-processes.ts";

export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** Held by node 1, held by node 2, resident. */
export interface Memory {
  readonly held: readonly Sample[][];
  readonly resident: Sample[];
}

export interface MemoryWatch {
  readonly memory: Memory;
  stop(): Promise<void>;
}

/** Samples every node in turn until it is stopped. `onFault` is told of what could not be read. */
export function watchMemory(
  nodes: Nodes,
  { everyMs, onFault }: { readonly everyMs: number; readonly onFault: (fault: string) => void },
): MemoryWatch {
  const memory: Memory = { held: nodes.ports.map(() => []), resident: [] };
  let stopped = false;
  const take = async (): Promise<void> => {
    for (const [index, samples] of memory.held.entries()) {
      const value = await nodes.heldMb(index + 1);
      samples.push({ atMs: performance.now(), value });
    }
    memory.resident.push({ atMs: performance.now(), value: residentMb() });
  };
  const watching = (async () => {
    while (!stopped) {
      await take().catch((error: unknown) => onFault(`memory: ${String(error)}`));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    memory,
    async stop() {
      stopped = true;
      await watching;
    },
  };
}

/** Of all workerd of this run; 0 elsewhere than on Linux. */
export function residentMb(): number {
  return listWorkerd().reduce((sum, { pid }) => sum + residentKbOf(pid) / 1024, 0);
}

function residentKbOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0; // ended meanwhile
  }
}
