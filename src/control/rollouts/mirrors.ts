/**
 * What edges have compared of mirrored requests, as the engine is told of it: asked of the meters before a tick and kept
 * until the next one, so that every advance of a tick sees the same. Meters that do not answer tell nothing: a failed
 * measurement is neither a failed version nor a pass. Called by the tick, and by `observe`.
 */
import type { MirrorReport } from "../../contracts/mirror.ts";
import type { MirrorFact } from "../../contracts/rollout-input.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { ProductName } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import type { ReadMirrored } from "../publisher/ports.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";

/** Names of the measurements that are under way, interrupted ones too: edges report late. */
function runsOf({ defaults }: RolloutState): readonly string[] {
  return defaults.flatMap(({ mirror }) => (mirror != null && mirror.result === null ? [mirror.run] : []));
}

/** Asks the meters about what is under way; nothing when nothing is. */
export async function lookAtMirrored(db: Db, read: ReadMirrored): Promise<void> {
  const runs = loadActiveRollouts(db).flatMap(({ state }) => runsOf(state));
  if (runs.length === 0) return;
  try {
    writeMeta(db, "mirrored", JSON.stringify(await read(runs)));
  } catch {
    // The rollout remembers what it was told; that nothing is told now keeps it from taking that for a pass.
    writeMeta(db, "mirrored", null);
  }
}

/** What is known of a rollout's measurements, by product. */
export function mirrorFacts(db: Db, { defaults }: RolloutState): Readonly<Record<ProductName, MirrorFact>> {
  if (defaults.every(({ mirror }) => mirror == null)) return {};
  const text = readMeta(db, "mirrored");
  // Written above alone.
  const reports = text === null ? [] : (JSON.parse(text) as readonly MirrorReport[]);
  const facts: Record<ProductName, MirrorFact> = {};
  for (const { product, mirror } of defaults) {
    const found = reports.find(({ run }) => run === mirror?.run);
    if (found === undefined) continue;
    const { product: _, run, ...counts } = found;
    facts[product] = { run, counts };
  }
  return facts;
}
