/** A thread of `npm run simulate`: prepares each beginning when it is first needed, then lives the seeds it is given. */
import { parentPort } from "node:worker_threads";
import type { Block, BlockDone, SeedOutcome } from "../../scripts/simulation/shapes.ts";
import { prepareBeginning, type Beginning, type BeginningName } from "./beginnings.ts";
import { beginningOf, live } from "./history.ts";
import { SOUND } from "./seams.ts";

const beginnings = new Map<BeginningName, Beginning>();

async function begin(name: BeginningName): Promise<Beginning> {
  const known = beginnings.get(name);
  if (known !== undefined) return known;
  const made = await prepareBeginning(name);
  beginnings.set(name, made);
  return made;
}

async function liveBlock(block: Block): Promise<BlockDone> {
  const counts: Record<string, number> = {};
  const broken: SeedOutcome[] = [];
  let story: readonly string[] | null = null;
  for (let seed = block.from; seed < block.from + block.count; seed += 1) {
    const beginning = await begin(beginningOf(seed));
    const outcome = await live(seed, { beginning, seams: SOUND, isTold: block.isTold });
    for (const [what, times] of Object.entries(outcome.counts)) counts[what] = (counts[what] ?? 0) + times;
    if (outcome.broken !== null) broken.push(outcome);
    ({ story } = outcome);
  }
  return { ...block, counts, broken, story };
}

parentPort?.on("message", (block: Block) => {
  void liveBlock(block).then((done) => parentPort?.postMessage(done));
});
