/**
 * How a plan looks to people: problems first, then who moves when, in local time and UTC, what the time is spent on, who
 * cannot be reached, who cannot come back, who is left behind, and the digest that `start` can require. Pure.
 */
import type { RolloutPlanAnswer } from "../../src/contracts/api/rollout-plan.ts";
import { RUN } from "./command-line.ts";
import { clean, count, instant, pairs, renderFields, renderTable } from "./render.ts";
import { renderPlaces } from "./rollout-plan-zones.ts";
import { duration, exampleText } from "./rollout-render.ts";
import { renderWhatIf } from "./rollout-with-freeze.ts";

/** `waves[1].percent`, as the file spells it. */
export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

type Finding = RolloutPlanAnswer["problems"][number];

function findings(mark: string, list: readonly Finding[]): string {
  return list
    .map(({ path, message }) => clean(`${mark} ${path.length === 0 ? "" : `${pathText(path)}: `}${message}`))
    .map((line) => `${line}\n`)
    .join("");
}

function span(from: string, until: string): string {
  return duration(Date.parse(until) - Date.parse(from)) || "at once";
}

/** Waves × accounts: how many in all, until when. */
function renderWaves({ waves }: RolloutPlanAnswer): string {
  return renderTable(
    ["#", "wave", "accounts", "from", "moved by", "baked by", "cannot come back from"],
    waves.map((wave, at) => [
      at,
      wave.name,
      wave.accounts,
      instant(wave.startAt),
      wave.shiftedAt === null ? "never" : instant(wave.shiftedAt),
      wave.bakedAt === null ? "never" : instant(wave.bakedAt),
      wave.oneWay.join(", "),
    ]),
  );
}

function renderLabels({ waves }: RolloutPlanAnswer): string {
  const rows = waves.flatMap(({ name, labels }) =>
    Object.entries(labels ?? {}).map(([value, accounts]) => [
      name,
      value === "" ? "(without)" : value,
      accounts,
    ]),
  );
  return rows.length === 0 ? "" : `\nBy label\n${renderTable(["wave", "value", "accounts"], rows)}`;
}

function renderPath({ criticalPath }: RolloutPlanAnswer): string {
  if (criticalPath.length === 0) return "";
  const rows = criticalPath.map(({ what, from, until }) => [
    what,
    instant(from),
    instant(until),
    span(from, until),
  ]);
  return `\nCritical path\n${renderTable(["what", "from", "until", "takes"], rows)}`;
}

function renderLeftBehind({ leftBehind }: RolloutPlanAnswer): string {
  const rows = leftBehind.map(({ reason, accounts, examples }) => [
    reason,
    accounts,
    exampleText(examples, accounts),
  ]);
  if (rows.length === 0) return "";
  const again = leftBehind.some(({ reason }) => reason === "flapping")
    ? "flapping: moved back within a day, or twice within 30 days; `rollout start … --again` takes them along.\n"
    : "";
  return `\nLeft behind\n${renderTable(["reason", "accounts", "as"], rows)}${again}`;
}

/** Whom the waves move as they are planned, and who stays because none of them goes so far. */
function movesText({ accounts, moves, groups }: RolloutPlanAnswer): string {
  const inGroups = `in ${count(groups, "group")}`;
  if (moves === accounts) return `${count(accounts, "account")} ${inGroups}`;
  const stay = accounts - moves;
  return `${moves.toLocaleString("en-US")} of ${count(accounts, "account")} ${inGroups}; ${stay.toLocaleString("en-US")} ${stay === 1 ? "keeps its" : "keep their"} version`;
}

function notReachedText({ notReached }: RolloutPlanAnswer): string | null {
  if (notReached === null) return null;
  const { before, accounts, zones } = notReached;
  if (accounts === 0) return `nobody: all have moved by ${instant(before)}`;
  return `${count(accounts, "account")} before ${instant(before)}, in ${zones.join(", ")}`;
}

/** Accounts that cannot go back, added up over the waves: what people ask before they say yes. */
function oneWayText({ waves }: RolloutPlanAnswer): string {
  const closed = waves.filter(({ oneWay }) => oneWay.length > 0);
  const first = closed[0];
  if (first === undefined) return "nobody: every target is declared reversible";
  const accounts = closed.reduce((sum, wave) => sum + wave.accounts, 0);
  return `${count(accounts, "account")}, from wave "${first.name}" on (${first.oneWay.join(", ")}): it pauses instead of rolling back by itself`;
}

function nextStep({ id, problems, salt, digest }: RolloutPlanAnswer): string {
  if (problems.length > 0) return "\nIt cannot be started until the problems above are mended.\n";
  if (salt === null)
    return `\nNothing is written down: \`${RUN}rollout create FILE\`, then \`${RUN}rollout plan ${id}\`.\n`;
  return `\nTo start this and nothing else:\n  ${RUN}rollout start ${id} --digest ${digest}\n`;
}

/** The whole plan; `all` with every zone by itself. */
export function renderPlan(plan: RolloutPlanAnswer, all = false): string {
  const warnings = plan.waves.flatMap(({ name, warnings: list }) =>
    list.map((message) => ({ path: [], message: `wave "${name}": ${message}` })),
  );
  const fields = renderFields([
    ["rollout", plan.id],
    ["targets", pairs(plan.targets)],
    ["if started", instant(plan.at)],
    ["moves", movesText(plan)],
    [
      "ends",
      plan.endAt === null ? "never" : `${instant(plan.endAt)}, if nothing fails and people say yes at once`,
    ],
    ...(plan.notReached === null ? [] : [["not reached", notReachedText(plan)] as const]),
    ["cannot go back", oneWayText(plan)],
    ["digest", plan.digest],
  ]);
  return [
    findings("!", plan.problems),
    findings("?", [...plan.warnings, ...warnings]),
    fields,
    `\n${renderWaves(plan)}`,
    renderPlaces(plan, all),
    renderLabels(plan),
    renderPath(plan),
    renderWhatIf(plan),
    renderLeftBehind(plan),
    nextStep(plan),
  ].join("");
}
