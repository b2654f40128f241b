/** Results of the benchmark as a table for people. Pure text; called by `bench.ts`. */
import { renderTable } from "../cli/render.ts";
import { isReached, missedBy } from "./results.ts";
import type { Key, Spread } from "./row.ts";
import type { RowResult } from "./runner.ts";

/** Three digits are more than two machines agree on. */
function figure(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}

/** The median, and in brackets where the rounds lay when they differ. */
function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return "–";
  const { median, lowest, highest } = spread;
  return lowest === highest ? figure(median) : `${figure(median)} (${figure(lowest)}–${figure(highest)})`;
}

const WORDS = new Map<boolean | null, string>([
  [true, "REACHED"],
  [false, "NOT REACHED"],
  [null, "not judged"],
]);

export function renderRow({ name, about, reach, rounds, sides, conclusion }: RowResult): string {
  const numbers = [...new Set(sides.flatMap((side) => Object.keys(side.numbers)))];
  const table = renderTable(
    ["", ...numbers],
    sides.map((side) => [side.name, ...numbers.map((number) => spreadText(side.numbers[number]))]),
  );
  const figures = Object.entries(conclusion.figures).map(([what, value]) => `  ${what}: ${figure(value)}\n`);
  const said = conclusion.said.map((sentence) => `  ${sentence}\n`);
  const keys = conclusion.keys.map(keyLine).join("");
  return (
    `${name}: ${about}; medians of ${rounds} rounds (lowest–highest)\n${table}\n${figures.join("")}${said.join("")}${keys}` +
    `  ${WORDS.get(conclusion.reached) ?? ""}: ${reach}\n`
  );
}

/** One number of design §9 with its limit, how far it is beyond it, and what it was compared to. */
function keyLine(key: Key): string {
  const { limit } = key;
  const wanted =
    limit === null
      ? ""
      : "most" in limit
        ? `, at most ${figure(limit.most)}`
        : `, at least ${figure(limit.least)}`;
  const missed = isReached(key) === false ? `, MISSED by ${(missedBy(key) * 100).toFixed(0)} %` : "";
  return `  ${key.key} = ${figure(key.value)}${wanted}${missed}; compared to ${key.comparedTo}\n`;
}
