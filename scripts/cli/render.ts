/**
 * How answers look to people: tables, lists of named values, differences, numbers and times.
 * Pure: values in, text out; the verbs decide what to show. Text that came from elsewhere is stripped of control
 * characters, because a label or reason could otherwise rewrite the operator's screen.
 */
import Table from "cli-table3";

/** What a cell may hold; null and undefined show as a dash. */
export type Cell = string | number | boolean | null | undefined;

/** Strips control and direction characters; line ends become spaces. */
export function clean(text: string): string {
  return text.replace(/[\r\n\t]+/g, " ").replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "–";
  if (typeof cell === "number") return cell.toLocaleString("en-US");
  return typeof cell === "boolean" ? (cell ? "yes" : "no") : clean(cell);
}

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};
const PLAIN_STYLE = { head: [], border: [], "padding-left": 0, "padding-right": 0 };

/** A table without rules: a line of names, then the rows. Columns of numbers stand to the right. */
export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column])));
  const table = new Table({
    head: head.map((name) => name.toUpperCase()),
    chars: NO_LINES,
    style: PLAIN_STYLE,
    colAligns: numeric.map((right) => (right ? "right" : "left")),
  });
  for (const row of rows) table.push(head.map((_, column) => cellText(row[column])));
  return trimLines(table.toString());
}

function isNumeric(cell: Cell): boolean {
  return typeof cell === "number" || cell === null || cell === undefined;
}

/** Named values, one a line, values aligned; several lines of one value stand below each other. */
export function renderFields(
  fields: readonly (readonly [name: string, value: Cell | readonly string[]])[],
): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  const lines = fields.flatMap(([name, value]) => {
    const texts = Array.isArray(value)
      ? value.length === 0
        ? ["–"]
        : value.map(clean)
      : [cellText(value as Cell)];
    return texts.map((text, index) => `${(index === 0 ? name : "").padEnd(width)}  ${text}`);
  });
  return trimLines(lines.join("\n"));
}

function trimLines(text: string): string {
  return `${text
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** `1 line`, `2 lines`, `12,345 lines`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
}

/** A point in time, to the second, in UTC. */
export function instant(text: string | null): string | null {
  return text === null ? null : text.replace(/\.\d+(?=Z$)/, "");
}

/** A share of 0–1 as a percentage with at most one decimal place; a part never reads as all or as nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  if (share >= 0.9995 && share < 1) return "> 99.9 %";
  return `${(Math.round(share * 1000) / 10).toLocaleString("en-US")} %`;
}

/** `key=value` pairs in one cell. */
export function pairs(record: Readonly<Record<string, string>>, separator = ", "): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .join(separator);
}

/** One field that would change. `from` undefined: it is new. */
export interface FieldChange {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** Fields of `next` whose value is not that of `current` (null: there is nothing yet). Compared as sorted JSON. */
export function diffFields(
  current: Readonly<Record<string, unknown>> | null,
  next: Readonly<Record<string, unknown>>,
): FieldChange[] {
  return Object.entries(next)
    .filter(([field, to]) => to !== undefined && sortedJson(current?.[field]) !== sortedJson(to))
    .map(([field, to]) => ({ field, from: current?.[field], to }));
}

/** JSON with the members of every object in order, so that equal values are equal texts. */
export function sortedJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, entry: unknown) => {
      if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return entry;
      return Object.fromEntries(Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ""
  );
}

/** Differences as `-`/`+` lines below the field's name. */
export function renderDiff(changes: readonly FieldChange[]): string {
  if (changes.length === 0) return "Nothing would change.\n";
  const lines = changes.flatMap(({ field, from, to }) => [
    `  ${field}`,
    ...(from === undefined ? [] : [`  - ${shown(from)}`]),
    `  + ${shown(to)}`,
  ]);
  return `${lines.join("\n")}\n`;
}

function shown(value: unknown): string {
  return clean(typeof value === "string" ? value : sortedJson(value));
}
