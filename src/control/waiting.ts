/** What waits for a person's yes, and whose it may not be: moves of the default asked for by hand, and rollouts. */
import type { Waiting } from "../contracts/api/four-eyes.ts";
import type { RolloutState } from "../contracts/rollout.ts";
import type { EpochMs } from "../contracts/units.ts";
import { toInstant } from "./clock.ts";
import type { Db } from "./db.ts";
import { handsOn } from "./rollouts/second-person.ts";
import { holdsFourEyes, loadDefaultRequests } from "./store/four-eyes.ts";
import { loadActiveRollouts } from "./store/rollouts.ts";

/** Oldest first. */
export function listWaiting(db: Db, nowMs: EpochMs): Waiting[] {
  return [...byHand(db, nowMs), ...byRollout(db)].toSorted((a, b) => a.since.localeCompare(b.since));
}

function byHand(db: Db, nowMs: EpochMs): readonly Waiting[] {
  return loadDefaultRequests(db)
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ product, version, force, reason, askedBy, askedMs, untilMs }) => ({
      product,
      version,
      rollout: null,
      sentence: `${askedBy} asks for ${product} ${version} as the default (unknown accounts)${force ? ", whatever its preflight says" : ""}: ${reason}`,
      since: toInstant(askedMs),
      until: toInstant(untilMs),
      notBy: [askedBy],
      command: `firebreak default approve ${product} ${version}`,
    }));
}

function byRollout(db: Db): readonly Waiting[] {
  return loadActiveRollouts(db)
    .filter(({ state }) => state.cause === "approval")
    .map(({ id, state }) => {
      const product = defaultAtHand(state);
      const held = product !== null && holdsFourEyes(db, product);
      return {
        product,
        version: product === null ? null : (state.plan.targets[product] ?? null),
        rollout: id,
        sentence: `${id}: ${state.reason}`,
        since: toInstant(state.sinceMs),
        until: null,
        notBy: held ? [...handsOn(db, id)] : [],
        command: `firebreak rollout approve ${id} ${product === null ? state.wave : `default/${product}`}`,
      };
    });
}

function defaultAtHand({ phase, defaults }: RolloutState): string | null {
  return phase === "default-pending"
    ? (defaults.find(({ bakedMs }) => bakedMs === null)?.product ?? null)
    : null;
}
