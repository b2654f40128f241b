/** Verdicts of gates for people: counts, bounds, what is missing. Pure; called where a rollout is shown. */
import type { GateView } from "../../src/contracts/api/gates.ts";
import type { RolloutView } from "../../src/contracts/api/rollouts.ts";
import { clean, count, percent, renderTable } from "./render.ts";

const POINTS = 100;
const points = (share: number): string => `${share >= 0 ? "+" : ""}${Number((share * POINTS).toFixed(2))}`;

function side({ accounts, requests, rate }: GateView["moved"]): string {
  return `${percent(rate)} of ${requests.toLocaleString("en-US")} (${count(accounts, "account")})`;
}

function boundsText({ increase, tolerated }: GateView): string {
  if (increase === null) return "not known yet";
  return `${points(increase.estimate)}, between ${points(increase.lower)} and ${points(increase.upper)} (tolerated ${points(tolerated)})`;
}

function actionText({ action, wouldDo }: GateView): string {
  if (action === wouldDo) return action ?? "";
  return `${action ?? "nothing"}, would ${wouldDo ?? "do nothing"}`;
}

/** The verdicts over the wave at hand and those before it; the empty text while there are none. */
export function renderGates({ waves }: RolloutView): string {
  const shown = waves.flatMap(({ name, gates = [] }) => gates.map((gate) => ({ name, gate })));
  if (shown.length === 0) return "";
  const rows = shown.map(({ name, gate }) => [
    name,
    `${gate.product} ${gate.version}`,
    gate.verdict,
    actionText(gate),
    side(gate.moved),
    side(gate.notMoved),
    boundsText(gate),
  ]);
  const head = ["gate of", "target", "verdict", "does", "moved fail", "not moved fail", "increase, points"];
  const [last] = shown.toReversed();
  const said = last === undefined ? [] : [last.gate.sentence, ...missingOf(last.gate)];
  return `\n${renderTable(head, rows)}${said.map((line) => `${clean(line)}\n`).join("")}`;
}

function missingOf({ missing }: GateView): readonly string[] {
  return [...new Set(missing.map(({ sentence }) => sentence))].map((sentence) => `Missing: ${sentence}`);
}
