/**
 * How long mirroring holds a default up, as far as it can be known ahead: only minutes inside the windows count, so it may
 * go on over several openings. It assumes that requests come and compare well. Pure; called by plan.
 */
import type { DefaultPlan } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { closesAt, nextOpening } from "../calendar/openings.ts";
import { mirrorPlanOf } from "./phases/mirror.ts";
import type { PathStep } from "./plan.ts";

type Windows = Parameters<typeof closesAt>[0];

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
    readonly query: Windows;
  },
): MirrorForecast {
  const plan = mirrorPlanOf(step);
  const { fromMs, query } = of;
  if (plan === null) return { movesMs: fromMs, path: [] };
  const untilMs = mirroredUntil(query, fromMs, plan.minutes);
  const what = `requests of unknown accounts are mirrored to ${of.product} ${of.version}`;
  return { movesMs: untilMs, path: untilMs === null ? [] : [{ what, fromMs, untilMs }] };
}

function mirroredUntil(query: Windows, fromMs: EpochMs, minutes: number): EpochMs | null {
  let leftMs = minutes * MINUTE_MS;
  let atMs = fromMs;
  for (;;) {
    const closesMs = closesAt(query, atMs);
    if (closesMs === null) return null;
    if (atMs + leftMs < closesMs) return atMs + leftMs;
    // At the very end of an opening the default does not move any more.
    leftMs = Math.max(0, leftMs - (closesMs - atMs));
    const next = nextOpening(query, closesMs);
    if (next === null) return null;
    atMs = next.startMs;
  }
}
