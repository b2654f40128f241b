/** Lives blocks of seeds on threads, each block on whoever is free; stops early when enough promises are broken. */
import { Worker } from "node:worker_threads";
import type { Settings } from "./arguments.ts";
import type { Block, BlockDone } from "./shapes.ts";

const WORKER = new URL("../../test/simulation/worker.ts", import.meta.url);
const BLOCK_SEEDS = 50;
/** After this many broken seeds nothing more is learnt. */
export const ENOUGH_BROKEN = 20;

/** @param onDone called for every block; gives false when no more are wanted. */
export async function liveAll(
  { from, seeds, threads, isTold }: Settings,
  onDone: (done: BlockDone) => boolean,
): Promise<void> {
  const until = from + seeds;
  let next = from;
  let isWanted = true;
  const take = (): Block | null => {
    if (next >= until || !isWanted) return null;
    const block = { from: next, count: Math.min(BLOCK_SEEDS, until - next), isTold };
    next += block.count;
    return block;
  };
  const count = Math.min(threads, Math.ceil(seeds / BLOCK_SEEDS));
  await Promise.all(
    Array.from({ length: count }, () =>
      work(take, (done) => {
        if (!onDone(done)) isWanted = false;
      }),
    ),
  );
}

/** One thread, until there is nothing left to do. Rejects when the thread fails. */
async function work(take: () => Block | null, onDone: (done: BlockDone) => void): Promise<void> {
  const worker = new Worker(WORKER);
  try {
    await new Promise<void>((resolve, reject) => {
      const give = (): void => {
        const block = take();
        if (block === null) resolve();
        else worker.postMessage(block);
      };
      worker.on("message", (done: BlockDone) => {
        onDone(done);
        give();
      });
      worker.on("error", reject);
      give();
    });
  } finally {
    await worker.terminate();
  }
}
