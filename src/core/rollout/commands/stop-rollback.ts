/**
 * `stop`, `rollback` and `adopt`. Stop keeps everybody where they are and lets homes be written; rollback takes accounts
 * back. Both are legal in every phase that can still change, halt or no halt, paused or not. What cannot be undone
 * easily (irreversible versions, a default that moved, homes that were written) needs a confirmation; a version marked
 * bad or retired is never gone back to, confirmed or not.
 */
import { ok } from "../../../contracts/result.ts";
import type { CommandContext, RolloutCommand } from "../../../contracts/rollout-input.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import type { ProductName } from "../../../contracts/units.ts";
import { counted } from "../../counted.ts";
import { isUndoable, moveRule, undoProblems } from "../data/rule.ts";
import { batchOf } from "../data/state.ts";
import { defaultReturn } from "../failure.ts";
import { remaining } from "../groups.ts";
import { route } from "../phases/route.ts";
import { withWave } from "../phases/shift.ts";
import { beginRollback, defaultsMoved, returnProblems } from "../rollback.ts";
import { enter, isTerminal, quietly, resetPace } from "../state.ts";
import { irreversibleTargets } from "../versions.ts";
import { type CommandResult, refuse } from "./refuse.ts";

type Stop = Extract<RolloutCommand, { kind: "pause" | "stop" }>;
type RollBack = Extract<RolloutCommand, { kind: "rollback" }>;

/** Ends it here: moved accounts stay, homes are recorded. A draft is simply closed. */
export function stop(state: RolloutState, { reason }: Stop, { by }: CommandContext): CommandResult {
  if (state.phase === "stopped") return ok(quietly(state));
  if (isTerminal(state)) return refuse(state, `${state.plan.id} is ${state.phase}: nothing to stop`);
  const happened = [`stopped by ${by}: ${reason}`];
  const why = `Stopped by ${by}: ${reason}`;
  if (state.phase === "draft") {
    return ok({ ...quietly(enter(state, { phase: "stopped", cause: "operator", reason: why })), happened });
  }
  // Homes that are written already, or are being, must not be forgotten: a rollback puts them back first.
  const settle = { askedMs: state.settle?.askedMs ?? null, into: "stopped" } as const;
  const next = enter(resetPace({ ...state, settle, rollback: null, paused: null }), {
    phase: "settling",
    cause: "operator",
    reason: why,
  });
  return ok({ ...quietly(next), happened });
}

function defaultWords(state: RolloutState, product: ProductName, facts: CommandContext["facts"]): string {
  const before = state.defaults.find((step) => step.product === product)?.before ?? null;
  const problem = before === null ? null : defaultReturn(facts, product, before).problem;
  return problem === null
    ? `the default of ${product} has moved and goes back too`
    : `the default of ${product} has moved and stays: ${problem}`;
}

/** A batch whose hooks run and cannot be undone goes to its end, so its accounts are as good as moved. */
function isPastUndoing(state: RolloutState): boolean {
  const batch = batchOf(state);
  return batch?.direction === "forward" && batch.stage !== "holding" && !isUndoable(batch.hooks);
}

/** What an operator must have been told before it goes back; empty when nothing is out of the ordinary. */
function toConfirm(
  state: RolloutState,
  { scope }: RollBack,
  { facts, nowMs }: CommandContext,
): readonly string[] {
  const hasMoved = state.groups.moved.some((threshold) => threshold > 0) || isPastUndoing(state);
  if (!hasMoved && defaultsMoved(state).length === 0) return [];
  const oneWay = irreversibleTargets(facts, state.plan.targets, nowMs).map(
    (name) => `${name} is not declared reversible`,
  );
  const defaults =
    scope.kind === "where" ? [] : defaultsMoved(state).map((product) => defaultWords(state, product, facts));
  const homes =
    state.settle === null || state.settle.askedMs === null
      ? []
      : ["homes are being written and are put back first"];
  const noUndo = undoProblems(moveRule(state, facts).hooks, state.plan.targets);
  return [...oneWay, ...noUndo, ...defaults, ...homes];
}

/** Takes accounts back. While it is going back already, a wider scope or a confirmation begins it anew. */
export function rollback(state: RolloutState, command: RollBack, context: CommandContext): CommandResult {
  if (isTerminal(state) || state.phase === "draft") {
    const detail = `${state.plan.id} is ${state.phase}: there is nothing to take back; to go back after its end, roll out the old version`;
    return refuse(state, detail);
  }
  const { scope } = command;
  if (scope.kind === "to-wave" && (scope.wave < 0 || scope.wave >= state.waves.length)) {
    return refuse(state, `there is no wave ${scope.wave}`, { problem: "invalid" });
  }
  const closed = returnProblems(state, context.facts);
  if (closed.length > 0 && state.groups.moved.some((threshold) => threshold > 0)) {
    return refuse(state, `accounts cannot go back: ${closed.join("; ")}`, { problems: closed });
  }
  if (context.pairs != null) {
    const detail = `accounts cannot go back: ${context.pairs}; take the other product back first`;
    return refuse(state, detail, { problems: [context.pairs] });
  }
  const { kind: _, markBad = null, ...going } = command;
  const confirm = toConfirm(state, command, context);
  if (confirm.length > 0 && !command.confirmed) {
    return refuse(
      state,
      `confirm it with "confirmed": true (on the command line: --confirmed): ${confirm.join("; ")}`,
      { confirm },
    );
  }
  return ok(beginRollback(state, context.frozen, { ...going, markBad, by: context.by, automatic: false }));
}

/** Takes those that became eligible late into the wave at hand, once its own accounts are being or have been moved. */
export function adopt(state: RolloutState, { frozen, by }: CommandContext): CommandResult {
  const late = state.groups.fromWave.filter((wave) => wave > state.wave).length;
  const open = state.plan.waves[state.wave] !== undefined && state.rollback === null && state.settle === null;
  if (isTerminal(state) || state.phase === "draft" || !open) {
    return refuse(state, `${state.plan.id} has no open wave; take those left behind into a later rollout`);
  }
  if (late === 0) return ok(quietly(state));
  const fromWave = state.groups.fromWave.map((wave) => Math.min(wave, state.wave));
  const next = { ...state, groups: { ...state.groups, fromWave } };
  const happened = [`${counted(late, "group")} of late accounts adopted by ${by}`];
  if (state.phase !== "baking" || remaining(next, frozen, state.wave).length === 0)
    return ok({ ...quietly(next), happened });
  return ok({ ...quietly(route(withWave(next, state.wave, { shiftedMs: null, bakedMs: null }))), happened });
}
