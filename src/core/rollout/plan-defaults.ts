/**
 * The end of a plan: defaults, one after another, each in its window and outside of freezes, mirrored where the plan asks
 * for it, and watched. It assumes that checks pass and people say yes at once. Pure; called by plan.
 */
import type { RolloutPlan } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { DAY_MS, MINUTE_MS } from "../calendar/memo.ts";
import { defaultOpenness } from "./default-openness.ts";
import { forecastMirror } from "./mirror-forecast.ts";
import type { CalendarFacts, Openness } from "./openness.ts";
import type { PathStep, PlannedDefault } from "./plan.ts";

export interface DefaultsQuestion {
  readonly plan: RolloutPlan;
  readonly calendar: Pick<CalendarFacts, "windows" | "freezes" | "memo">;
  readonly zones: Iterable<string>;
  /** End of the last wave. */
  readonly fromMs: EpochMs;
  /** From when on the first may move; null: counted from the end of the last wave. */
  readonly defaultsFromMs: EpochMs | null;
  /** Products whose default is still to move, in order. */
  readonly products: readonly ProductName[];
}

export interface DefaultsForecast {
  readonly path: readonly PathStep[];
  readonly defaults: readonly PlannedDefault[];
  /** When the last was watched; null: one never moves. */
  readonly endMs: EpochMs | null;
}

/** Openings that are looked through: freezes that follow each other may close one after another. */
const MAX_OPENINGS = 1000;

/** The first instant from `fromMs` on that is open; null: none is known. */
export function firstOpen(ask: (atMs: EpochMs) => Openness, fromMs: EpochMs): EpochMs | null {
  let atMs = fromMs;
  for (let looked = 0; looked < MAX_OPENINGS; looked += 1) {
    const answer = ask(atMs);
    if (answer.allowed) return atMs;
    if (answer.nextAtMs === null) return null;
    atMs = answer.nextAtMs;
  }
  return null;
}

export function forecastDefaults(question: DefaultsQuestion): DefaultsForecast {
  const { plan, calendar, zones, fromMs, defaultsFromMs, products } = question;
  const step = plan.default;
  if (step === null) return { path: [], defaults: [], endMs: fromMs };
  const path: PathStep[] = [];
  const defaults: PlannedDefault[] = [];
  let atMs = defaultsFromMs ?? fromMs + step.afterDays * DAY_MS;
  path.push({ what: "the default waits its days", fromMs, untilMs: atMs });
  for (const product of products) {
    const ask = defaultOpenness(calendar, { product, window: step.window, zones });
    const opening = firstOpen(ask, atMs);
    if (opening === null) return { path, defaults, endMs: null };
    if (opening > atMs) {
      const what = `the default of ${product} waits for its window, or for a freeze to end`;
      path.push({ what, fromMs: atMs, untilMs: opening });
    }
    const version = plan.targets[product] ?? "";
    const mirror = forecastMirror(step, { product, version, fromMs: opening, ask });
    path.push(...mirror.path);
    const { movesMs } = mirror;
    if (movesMs === null) return { path, defaults, endMs: null };
    defaults.push({ product, atMs: movesMs });
    atMs = movesMs + step.bake.minutes * MINUTE_MS;
    path.push({ what: `the default of ${product} is watched`, fromMs: movesMs, untilMs: atMs });
  }
  return { path, defaults, endMs: atMs };
}
