/**
 * One side of a difference between two roots, short enough for a table: of lists only how many there are and how many
 * differ, of objects only the members that differ. All of it is in `--json`. Pure; called by maps.ts.
 */
import { sortedJson } from "./render.ts";

/** What a column of a table can hold and still be read beside another. */
const MAX_CHARS = 60;

/** A value as it is where it is short, else what of it differs from `other`. */
export function differenceText(value: unknown, other: unknown): string {
  if (value === undefined) return "–";
  const whole = typeof value === "string" ? value : sortedJson(value);
  if (whole.length <= MAX_CHARS) return whole;
  const text = shortened(value, other);
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 1)}…`;
}

function shortened(value: unknown, other: unknown): string {
  if (Array.isArray(value)) return listText(value, other);
  if (typeof value !== "object" || value === null) return String(value);
  const before: Readonly<Record<string, unknown>> =
    typeof other === "object" && other !== null ? Object.fromEntries(Object.entries(other)) : {};
  return Object.entries(value)
    .filter(([name, entry]) => sortedJson(entry) !== sortedJson(before[name]))
    .map(([name, entry]) => `${name} ${differenceText(entry, before[name])}`)
    .join(", ");
}

function listText(value: readonly unknown[], other: unknown): string {
  const beside: readonly unknown[] = Array.isArray(other) ? other : [];
  const differing = value.filter((entry, at) => sortedJson(entry) !== sortedJson(beside[at])).length;
  return `${value.length.toLocaleString("en-US")} entries, ${differing.toLocaleString("en-US")} differ`;
}
