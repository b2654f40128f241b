/**
 * How long mirroring holds a default up, as far as it can be known ahead: only minutes in which the default could move count, so it may
 * go on over several openings. It assumes that requests come and compare well. Pure; called by plan.
 */
import type { DefaultPlan } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import type { Openness } from "./openness.ts";
import { mirrorPlanOf } from "./phases/mirror.ts";
import type { PathStep } from "./plan.ts";

type Ask = (atMs: EpochMs) => Openness;

/** Openings that are looked through. */
const MAX_OPENINGS = 1000;

export interface MirrorForecast {
  /** When the default may move; null: the windows never open often enough. */
  readonly movesMs: EpochMs | null;
  readonly path: readonly PathStep[];
}

/** Mirroring that begins at `fromMs`, inside an opening; at once over where the plan asks for none. */
export function forecastMirror(
  step: DefaultPlan,
  of: {
    readonly product: ProductName;
    readonly version: VersionName;
    readonly fromMs: EpochMs;
    readonly ask: Ask;
  },
): MirrorForecast {
  const plan = mirrorPlanOf(step);
  const { fromMs, ask } = of;
  if (plan === null) return { movesMs: fromMs, path: [] };
  const untilMs = mirroredUntil(ask, fromMs, plan.minutes);
  const what = `requests of unknown accounts are mirrored to ${of.product} ${of.version}`;
  return { movesMs: untilMs, path: untilMs === null ? [] : [{ what, fromMs, untilMs }] };
}

function mirroredUntil(ask: Ask, fromMs: EpochMs, minutes: number): EpochMs | null {
  let leftMs = minutes * MINUTE_MS;
  let atMs = fromMs;
  for (let looked = 0; looked < MAX_OPENINGS; looked += 1) {
    const answer = ask(atMs);
    if (answer.allowed) {
      if (atMs + leftMs < answer.closesAtMs) return atMs + leftMs;
      // At the very end of an opening the default does not move any more.
      leftMs = Math.max(0, leftMs - (answer.closesAtMs - atMs));
      atMs = answer.closesAtMs;
    } else if (answer.nextAtMs === null) return null;
    else atMs = answer.nextAtMs;
  }
  return null;
}
