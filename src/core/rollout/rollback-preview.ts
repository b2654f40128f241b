/**
 * What a rollback would do, before it is begun: accounts by wave, defaults, what must be confirmed, what refuses it, and
 * which versions it marks bad. It asks the same functions as the rollback itself, so the two cannot differ.
 * Pure; called by control, which has put the accounts of labels into groups of their own, in memory alone, before.
 */
import type { CommandContext, RolloutCommand } from "../../contracts/rollout-input.ts";
import type { RollbackPreviewView } from "../../contracts/rollout-port.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import { rollback } from "./commands/stop-rollback.ts";
import { defaultReturn, marksOf } from "./failure.ts";
import { targetOf } from "./groups.ts";
import { defaultsMoved, goalOf } from "./rollback.ts";
import { countBetween } from "./thresholds.ts";

export type RollbackPreview = Omit<RollbackPreviewView, "id">;

type RollBack = Extract<RolloutCommand, { kind: "rollback" }>;

function wavesOf(
  state: RolloutState,
  { frozen }: CommandContext,
  goal: readonly number[],
): RollbackPreview["waves"] {
  const waves = state.plan.waves.map(({ name }, wave) => {
    let accounts = 0;
    for (const [index, group] of frozen.entries()) {
      const from = wave === 0 ? 0 : targetOf(state, index, { group, wave: wave - 1 });
      const to = targetOf(state, index, { group, wave });
      const low = Math.max(from, goal[index] ?? 0);
      accounts += countBetween(group, low, Math.min(to, state.groups.moved[index] ?? 0));
    }
    return { name, accounts };
  });
  return waves.filter(({ accounts }) => accounts > 0);
}

/** What would be refused without a confirmation, as the refusal lists it. */
function confirmOf(state: RolloutState, what: RollBack, context: CommandContext): readonly string[] {
  const answer = rollback(state, { ...what, confirmed: false }, context);
  const asked = answer.ok ? undefined : answer.error.extensions?.["confirm"];
  return Array.isArray(asked) ? asked.filter((line): line is string => typeof line === "string") : [];
}

/** Looks at a rollback without beginning it. `context.frozen` and `state` have the groups that the scope is about. */
export function previewRollback(
  state: RolloutState,
  what: RollBack,
  context: CommandContext,
): RollbackPreview {
  const goal = goalOf(state, context.frozen, what.scope);
  const counts = context.frozen.map((group, index) => {
    const moved = state.groups.moved[index] ?? 0;
    return { moved: countBetween(group, 0, moved), back: countBetween(group, goal[index] ?? 0, moved) };
  });
  const accounts = counts.reduce((sum, { back }) => sum + back, 0);
  const confirmed = rollback(state, { ...what, confirmed: true }, context);
  const whole = what.scope.kind === "all";
  const marks = marksOf(state, { asked: what.markBad ?? null, whole, reason: what.reason });
  const defaults = what.scope.kind === "where" ? [] : defaultsMoved(state);
  return {
    accounts,
    stay: counts.reduce((sum, { moved }) => sum + moved, 0) - accounts,
    waves: wavesOf(state, context, goal),
    defaults: state.defaults.flatMap(({ product, before }) => {
      if (before === null || !defaults.includes(product)) return [];
      const { problem } = defaultReturn(context.facts, product, before);
      return [{ product, to: problem === null ? before.default : null, problem }];
    }),
    confirm: confirmOf(state, what, context),
    refused: confirmed.ok ? null : confirmed.error.detail,
    marksBad: marks.map(({ product, version }) => `${product} ${version}`),
  };
}
