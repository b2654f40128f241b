/**
 * Which groups may move forward now, and when the others may. Asks `core/calendar` once for each kind of group (zone,
 * windows, cell, labels), not for each group. A group's own window replaces the wave's; a window that is not stored any
 * more forbids. Labels are known for the keys of the start only: a freeze that names others holds for everybody.
 * Pure; called by the shift phase, by the default step, and by plan. Protective moves never ask.
 */
import type { Freeze, Window } from "../../contracts/calendar.ts";
import type { FrozenGroup, PlanWindow } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../contracts/units.ts";
import { mayMove, type MoveAllowed, type MoveForbidden } from "../calendar/may-move.ts";
import { type CalendarMemo, createCalendarMemo } from "../calendar/memo.ts";
import { canonicalJson } from "../maps/canonical.ts";
import { own } from "../record.ts";

export type Openness = MoveAllowed | MoveForbidden;

export interface CalendarFacts {
  readonly windows: Readonly<Record<string, readonly Window[]>>;
  readonly freezes: readonly Freeze[];
  readonly products: readonly ProductName[];
  readonly labelKeys: readonly string[];
  readonly memo?: CalendarMemo | undefined;
}

/** Windows a plan names: null for any time, `undefined` when the name is not stored. */
export function windowsOf(
  window: PlanWindow | null,
  stored: CalendarFacts["windows"],
): readonly Window[] | null | undefined {
  if (window === null) return null;
  return window.name === null ? window.own : own(stored, window.name);
}

/** Freezes as a rollout can judge them: a scope of labels that it does not know counts as one without labels. */
export function judgeableFreezes(
  freezes: readonly Freeze[],
  labelKeys: readonly string[],
): readonly Freeze[] {
  const known = (freeze: Freeze): boolean =>
    Object.keys(freeze.scope.labels ?? {}).every((key) => labelKeys.includes(key));
  return freezes.every(known)
    ? freezes
    : freezes.map((freeze) =>
        known(freeze) ? freeze : { ...freeze, scope: { ...freeze.scope, labels: undefined } },
      );
}

/** Answers for groups at one or many instants. */
export type AskOpenness = (group: FrozenGroup, atMs: EpochMs) => Openness;

const GONE = "the window is not stored any more";

function ask(
  facts: CalendarFacts,
  group: FrozenGroup,
  question: {
    windows: readonly Window[] | null;
    name: string | null;
    freezes: readonly Freeze[];
    atMs: EpochMs;
  },
): Openness {
  return mayMove({
    windows: question.windows,
    windowName: question.name,
    freezes: question.freezes,
    subject: { products: facts.products, labels: group.labels, cell: group.cell, zone: group.zone },
    atMs: question.atMs,
    memo: facts.memo,
  });
}

/** Makes the question for one wave. Groups alike in what the calendar looks at are asked about once an instant. */
export function opennessOf(given: CalendarFacts, window: PlanWindow | null): AskOpenness {
  const facts = { ...given, memo: given.memo ?? createCalendarMemo() };
  const freezes = judgeableFreezes(facts.freezes, facts.labelKeys);
  const waveWindows = windowsOf(window, facts.windows);
  const kinds = new WeakMap<FrozenGroup, string>();
  const answers = new Map<string, Openness>();
  let answeredMs: EpochMs = Number.NaN;
  return (group, atMs) => {
    if (answeredMs !== atMs) answers.clear();
    answeredMs = atMs;
    const kind = kinds.get(group) ?? kindOf(group);
    kinds.set(group, kind);
    const known = answers.get(kind);
    if (known !== undefined) return known;
    const windows = group.window ?? waveWindows;
    const name = group.window === null ? (window?.name ?? null) : "the account's own window";
    const answer: Openness =
      windows === undefined
        ? {
            allowed: false,
            reason: "invalid",
            name,
            nextAtMs: null,
            problems: [{ path: ["windows", name ?? ""], message: GONE }],
          }
        : ask(facts, group, { windows, name, freezes, atMs });
    answers.set(kind, answer);
    return answer;
  };
}

function kindOf({ zone, cell, window, labels }: FrozenGroup): string {
  const [known, own] = [labels, window].map((value) => (value === null ? "" : canonicalJson(value)));
  return `${zone}\n${cell ?? ""}\n${known}\n${own}`;
}
