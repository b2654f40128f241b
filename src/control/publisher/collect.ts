/**
 * Takes out of KV what nobody needs: copies of old roots, then objects that only such roots named. Apart from publishing
 * and slowly, because deleting too early is the one mistake that cannot be taken back: never what the active, the
 * previous, any kept, any pending or the root that break-glass holds names, and only after a week unnamed.
 * Called by ticks. A failing KV ends the round; the next tick goes on.
 */
import { COLLECT_AFTER_MS, KEPT_ROOTS, KEPT_ROOTS_MS } from "../../contracts/limits.ts";
import { rootCopyKey } from "../../contracts/maps.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { inForce } from "../history/break-glass.ts";
import { beginDelete, claimUnneeded, finishDelete } from "../store/objects.ts";
import { forgetDropped, loadOldCopies, markDropped } from "../store/roots.ts";
import type { PublisherPorts } from "./ports.ts";
import type { Publisher } from "./publisher.ts";
import { objectKey } from "./write.ts";

/** Deletions of one tick. */
const MAX_DELETES = 100;

/**
 * One round of collection.
 * @param now the object's clock.
 * @returns what happened, in words.
 */
export async function collect(
  ports: PublisherPorts,
  publisher: Publisher,
  now: EpochMs,
): Promise<readonly string[]> {
  const { db, clock } = ports;
  const copies = loadOldCopies(db, {
    keep: KEPT_ROOTS,
    before: now - KEPT_ROOTS_MS,
    held: inForce(db, clock.nowMs())?.holdGeneration ?? null,
    limit: MAX_DELETES,
  });
  const objects = claimUnneeded(db, now - COLLECT_AFTER_MS, MAX_DELETES - copies.length);
  try {
    for (const generation of copies) {
      await publisher.exclusively(() => ports.store.delete(rootCopyKey(generation)));
      markDropped(db, generation, now);
    }
    for (const object of objects) await publisher.exclusively(() => deleteObject(ports, object));
  } catch (error) {
    return [`collection stopped: ${error instanceof Error ? error.message : String(error)}`];
  }
  forgetDropped(db, now - COLLECT_AFTER_MS);
  return [
    ...(copies.length > 0 ? [`dropped ${copies.length} old roots`] : []),
    ...(objects.length > 0 ? [`deleted ${objects.length} objects that no kept root names`] : []),
  ];
}

async function deleteObject(
  { db, store }: PublisherPorts,
  object: Parameters<typeof objectKey>[0],
): Promise<void> {
  if (!beginDelete(db, object.hash)) return;
  await store.delete(objectKey(object));
  finishDelete(db, object.hash);
}
