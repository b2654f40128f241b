/**
 * When a default may move. It belongs to no account, so it has no zone, no labels and no cell: a freeze in the accounts'
 * own zones is asked about in every zone of the rollout and holds as long as it holds anywhere; one of labelled accounts
 * is not about it. Pure; asked by the default step, and by plan ahead of time, so that the two cannot differ.
 */
import type { FrozenGroup, PlanWindow } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import type { MoveAllowed } from "../calendar/may-move.ts";
import { type CalendarFacts, type Openness, opennessOf } from "./openness.ts";

export interface DefaultQuestion {
  readonly product: ProductName;
  readonly window: PlanWindow | null;
  /** Zones of the rollout's accounts. */
  readonly zones: Iterable<string>;
}

/** Makes the question for one product. */
export function defaultOpenness(
  { windows, freezes, memo }: Pick<CalendarFacts, "windows" | "freezes" | "memo">,
  { product, window, zones }: DefaultQuestion,
): (atMs: EpochMs) => Openness {
  const labelKeys = freezes.flatMap(({ scope }) => Object.keys(scope.labels ?? {}));
  const ask = opennessOf({ windows, freezes, products: [product], labelKeys, memo }, window);
  const standIns = [...new Set(["UTC", ...zones])].map(standIn);
  return (atMs) => {
    let allowed: MoveAllowed | null = null;
    let forbidden: Openness | null = null;
    for (const group of standIns) {
      const answer = ask(group, atMs);
      if (answer.allowed) allowed = soonestClosing(allowed, answer);
      else if (forbidden === null || (answer.nextAtMs ?? Infinity) > nextOf(forbidden)) forbidden = answer;
    }
    return forbidden ?? allowed ?? ask(standIn("UTC"), atMs);
  };
}

function soonestClosing(known: MoveAllowed | null, other: MoveAllowed): MoveAllowed {
  return known !== null && known.closesAtMs <= other.closesAtMs ? known : other;
}

function nextOf(answer: Openness): number {
  return answer.allowed ? -Infinity : (answer.nextAtMs ?? Infinity);
}

function standIn(zone: string): FrozenGroup {
  const key = { cohort: "", zone, window: null, cell: null, variant: "" };
  return { ...key, group: -1, labels: {}, buckets: new Uint16Array(0) };
}
