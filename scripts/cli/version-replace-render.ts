/** How replacements look to people: where one is and why, and what beginning one would mean. Pure: views in, text out. */
import type { ReplacementPlanView, ReplacementView } from "../../src/contracts/api/replacements.ts";
import { clean, count, instant, renderFields, renderTable } from "./render.ts";

/** One line for what just became of it. */
export function replacementLine(view: ReplacementView): string {
  const next = view.nextAt === null ? "" : `; next at ${instant(view.nextAt)}`;
  const line = `${view.product} ${view.from} → ${view.to} is ${view.phase}, ${view.percent} % moved: ${view.reason}${next}`;
  return [clean(line), ...view.warnings.map((warning) => `! ${clean(warning)}`), ""].join("\n");
}

/** Everything about one: what `show` prints. */
export function renderReplacement(view: ReplacementView): string {
  const steps = view.steps.map((step, at) => (at === view.step ? `[${step}]` : String(step))).join(", ");
  return renderFields([
    ["product", view.product],
    ["replaces", `${view.from} by ${view.to}`],
    ["phase", view.phase],
    ["reason", view.reason],
    ["next at", instant(view.nextAt)],
    ["moved", `${view.percent} %`],
    ["steps", `${steps} %`],
    ["pace", view.percentPerMinute === null ? "each step at once" : `${view.percentPerMinute} % a minute`],
    ["bake", count(view.bakeMinutes, "minute")],
    ["goes through freezes", view.throughFreezes],
    ["at home on the old", count(view.accounts, "account")],
    ["begun", clean(`${view.by}, ${instant(view.startedAt) ?? ""}: ${view.why}`)],
    ["ended", instant(view.endedAt)],
    ["its clock", instant(view.clock)],
    ["warnings", view.warnings],
    ["revision", view.revision],
  ]);
}

/** All of them, one a line. */
export function renderReplacements(views: readonly ReplacementView[]): string {
  return renderTable(
    ["replaced", "by", "phase", "moved", "next at", "reason"],
    views.map((view) => [
      `${view.product} ${view.from}`,
      view.to,
      view.phase,
      `${view.percent} %`,
      instant(view.nextAt),
      view.reason,
    ]),
  );
}

/** What would refuse it, whom it is about, what it would not do. */
export function renderReplacementPlan(plan: ReplacementPlanView): string {
  const verdict =
    plan.problems.length === 0
      ? `${plan.product} ${plan.from} can be replaced by ${plan.to}.`
      : `${plan.product} ${plan.from} cannot be replaced by ${plan.to}:`;
  return [
    clean(verdict),
    ...plan.problems.map((problem) => `  - ${clean(problem)}`),
    `It is the home of ${count(plan.accounts, "account")}; ${count(plan.pins, "pin")} and ${count(plan.quarantines, "quarantine")} name it, and follow.`,
    ...plan.warnings.map((warning) => `! ${clean(warning)}`),
    "",
  ].join("\n");
}
