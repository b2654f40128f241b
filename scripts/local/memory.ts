/**
 * Samples of memory: what each node's isolate holds after a collection, and what the whole process has of the machine. The
 * first node has the objects too, so the control plane is in its figure; the process has both, and KV as it is simulated.
 */
import { readFileSync } from "node:fs";
import { listWorkerd } from "./workerd-processes.ts";

export interface Sample<T = number> {
  readonly atMs: number;
  readonly value: T;
}

export interface Memory<T> {
  /** Of each node, the first one first. */
  readonly held: readonly Sample<T>[][];
  readonly resident: Sample[];
}

export interface MemoryWatch<T> {
  readonly memory: Memory<T>;
  stop(): Promise<void>;
}

export interface Watched<T> {
  /** What a node, counted from 1, holds. */
  readonly measure: (node: number) => Promise<T>;
  readonly everyMs: number;
  /** Is told of what could not be read. */
  readonly onFault: (fault: string) => void;
}

/** Samples so many nodes in turn until it is stopped. */
export function watchMemory<T>(nodes: number, { measure, everyMs, onFault }: Watched<T>): MemoryWatch<T> {
  const held = Array.from({ length: nodes }, (): Sample<T>[] => []);
  const memory: Memory<T> = { held, resident: [] };
  let stopped = false;
  const take = async (): Promise<void> => {
    for (const [index, samples] of held.entries()) {
      const value = await measure(index + 1);
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
