/**
 * A plan as people and programs see it before anything is done: what is new, what changes from what to what, what goes,
 * how many accounts each of it touches, and what is left alone. Pure.
 */
import { clean, count, sortedJson, type FieldChange } from "../render.ts";
import type { AccountsPlan } from "./accounts-plan.ts";
import type { Paint } from "./colour.ts";
import type { PlanItem } from "./plan.ts";

/** Everything that `apply` found. */
export interface WholePlan {
  readonly items: readonly PlanItem[];
  readonly accounts: AccountsPlan | null;
  readonly notes: readonly string[];
}

/** Nothing to do. */
export function isEmpty({ items, accounts }: WholePlan): boolean {
  return items.length === 0 && (accounts === null || accounts.lines.length === 0);
}

/** The plan as lines, the last one being its sum. */
export function renderPlan(plan: WholePlan, paint: Paint): string {
  const { items, accounts, notes } = plan;
  const shown = accounts?.shown ?? [];
  const hidden = (accounts?.lines.length ?? 0) - shown.length;
  const lines = [
    ...items.flatMap((item) => itemLines(item, paint)),
    ...shown.flatMap((item) => itemLines(item, paint)),
    ...(hidden > 0 ? [`… and ${count(hidden, "more account")} (--dry-run --json lists all)`] : []),
    ...notes.map((note) => `Note: ${clean(note)}`),
    sumText(plan),
  ];
  return `${lines.join("\n")}\n`;
}

function itemLines({ mark, key, changes, accounts }: PlanItem, paint: Paint): readonly string[] {
  const touched = accounts > 0 ? ` (${count(accounts, "account")})` : "";
  return [
    paint(mark, `${mark} ${clean(key)}${touched}`),
    ...changes.flatMap((change) => changeLines(change, mark === "+", paint)),
  ];
}

function changeLines({ field, from, to }: FieldChange, isNew: boolean, paint: Paint): readonly string[] {
  if (isNew) return [paint("+", `    ${field}: ${shownValue(to)}`)];
  return [
    `    ${field}`,
    ...(from === undefined ? [] : [paint("-", `    - ${shownValue(from)}`)]),
    ...(to === undefined ? [] : [paint("+", `    + ${shownValue(to)}`)]),
  ];
}

function shownValue(value: unknown): string {
  return clean(typeof value === "string" ? value : sortedJson(value));
}

function sumText(plan: WholePlan): string {
  if (isEmpty(plan)) return "Nothing to change: the instance is as the directory says.";
  const { items, accounts } = plan;
  const number = (mark: string): number => items.filter((item) => item.mark === mark).length;
  const sum = `${number("+")} new, ${number("~")} changed, ${number("-")} removed`;
  const people =
    accounts === null
      ? ""
      : `; accounts: ${accounts.added.toLocaleString("en-US")} new, ${accounts.changed.toLocaleString("en-US")} changed, ${accounts.unchanged.toLocaleString("en-US")} as they are`;
  return `${sum}${people}. No account changes version by it.`;
}

/** The same for programs; the accounts line by line as they would be sent. */
export function planJson({ items, accounts, notes }: WholePlan): Readonly<Record<string, unknown>> {
  return {
    changes: items,
    accounts:
      accounts === null
        ? null
        : {
            added: accounts.added,
            changed: accounts.changed,
            unchanged: accounts.unchanged,
            lines: accounts.lines.map(({ text }): unknown => JSON.parse(text)),
          },
    notes,
  };
}
