/**
 * From which moment and which maps on requests count for a rollout: each wave's first move, the end of the shift of the
 * wave at hand, each default's move. A moment is noted at the tick after it, when the change that publishes it has its
 * number; it can be asked about when those maps are out. Edges that still decide by older ones then count for nothing.
 */
import type { RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { readCounter } from "../store/meta.ts";
import { loadMarks, saveMark, type Mark } from "../store/observations.ts";
import { firstWithRoot } from "../store/roots.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

/** Names of marks and of the questions about them. */
export const markNames = {
  /** Since its accounts began to move: what gates look at. */
  moved: (wave: number) => `moved:${wave}`,
  /** Since the wave's last group was done: what a bake counts. */
  shifted: (wave: number) => `shifted:${wave}`,
  /** Since the product's default moved. */
  default: (product: string) => `default:${product}`,
  /** Since the rollout began, whatever the maps: what has been seen at all. */
  start: "start",
} as const;

/** Moments of a rollout as it stands. */
function momentsOf({ waves, wave, defaults }: RolloutState): readonly { name: string; at: EpochMs }[] {
  const moved = waves.map(({ firstMoveMs }, index) => ({ name: markNames.moved(index), at: firstMoveMs }));
  const shifted = { name: markNames.shifted(wave), at: waves[wave]?.shiftedMs ?? null };
  const moves = defaults.map(({ product, movedMs, putBackMs }) => ({
    name: markNames.default(product),
    at: putBackMs === null ? movedMs : null,
  }));
  return [...moved, shifted, ...moves].flatMap(({ name, at }) => (at === null ? [] : [{ name, at }]));
}

/** Notes what is new, finds the maps of what was noted, and gives all of a rollout's marks. Called once a tick. */
export function noteMarks(db: Db, { id, state }: RolloutRecord): readonly Mark[] {
  const known = new Map(loadMarks(db, id).map((mark) => [mark.name, mark]));
  return momentsOf(state).map(({ name, at }) => {
    const before = known.get(name);
    const mark =
      before?.at === at ? before : { name, at, rootSeq: readCounter(db, "root_seq"), generation: null };
    const generation = mark.generation ?? firstWithRoot(db, mark.rootSeq)?.generation ?? null;
    if (mark !== before || generation !== mark.generation) saveMark(db, id, { ...mark, generation });
    return { name, at, generation };
  });
}
