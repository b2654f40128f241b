/**
 * Which maps edges could answer by at an instant, and what those said of one key. Honest about the spread: a root that is
 * written is not yet known everywhere, so for some minutes there are two answers. Reads only. Called for `explain --at`.
 */
import { IDLE_MS } from "../../adapters/maps-reader/timing.ts";
import type { MomentView, PastMaps, ServedGeneration } from "../../contracts/history-port.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import { commandTime, toInstant, type ControlClock } from "../clock.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { breakGlassAt } from "./break-glass.ts";
import { openPast } from "./past.ts";
import { firstRecordedMs, loadRootRecord, loadRootsUpTo, type RootRecord } from "./roots.ts";

/** KV: changes are visible elsewhere in up to 60 seconds. */
const KV_SPREAD_MS = 60_000;
/** An edge that was idle answers by what it has for this long before it asks again, so this is the slowest there is. */
export const EDGE_LAG_MS = KV_SPREAD_MS + IDLE_MS;
/** Roots come at most once in 1.1 s, so no more than these can be on their way to the edges together. */
const MAX_SERVED = 200;

/** What is known of an instant. */
export function viewMoment(db: Db, clock: ControlClock, atMs: EpochMs): MomentView {
  const now = commandTime(db, clock);
  const tense = atMs > now ? "ahead" : "past";
  return {
    now,
    tense,
    earliest: firstRecordedMs(db),
    served: tense === "ahead" ? [] : servedAt(loadRootsUpTo(db, atMs, MAX_SERVED), atMs),
    breakGlass: tense === "ahead" ? [] : breakGlassAt(db, atMs, EDGE_LAG_MS),
  };
}

function servedAt(roots: readonly RootRecord[], atMs: EpochMs): readonly ServedGeneration[] {
  const served: ServedGeneration[] = [];
  let next: RootRecord | null = null;
  for (const root of roots) {
    const untilMs = next === null ? null : next.atMs + EDGE_LAG_MS;
    if (untilMs !== null && untilMs <= atMs) break;
    served.push({ generation: root.generation, fromMs: root.fromMs, untilMs });
    next = root;
  }
  return served;
}

/** The maps of a generation as far as they are about one key. */
export function viewPastMaps(
  db: Db,
  { generation, key }: { readonly generation: Generation; readonly key: string | null },
): Result<PastMaps, Refusal> {
  const root = loadRootRecord(db, generation);
  const maps = root === null ? null : openPast(db, key).at(root);
  if (maps !== null) return ok(maps);
  const first = firstRecordedMs(db);
  const since = first === null ? "nothing was published yet" : `the history begins at ${toInstant(first)}`;
  return refuse("not-found", `what generation ${generation} said is not recorded here any more: ${since}`);
}
