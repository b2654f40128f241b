/**
 * The phases `waiting`, `awaiting-approval` and `shifting`: the wave at hand has groups below their target. A person is
 * asked first, so that a yes can be given before the window opens; it never stands in for what follows: an open window
 * and no freeze, then health. Only then thresholds rise, for the groups whose own time it is, at the wave's pace. Time
 * counts only while a group is open and nothing is waited for. Where data moves, a batch is held instead (`data/`).
 */
import type { FrozenGroup, RolloutState, WavePlan, WaveState } from "../../../contracts/rollout.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { EpochMs } from "../../../contracts/units.ts";
import { MINUTE_MS } from "../../calendar/memo.ts";
import { counted } from "../../counted.ts";
import { holdNext } from "../data/begin.ts";
import { moveRule } from "../data/rule.ts";
import { remaining, targetOf } from "../groups.ts";
import { FRESH_MS, PREFLIGHT_PATIENCE_MS, preflightsDue, stepTrouble } from "../health.ts";
import { type AskOpenness, opennessOf } from "../openness.ts";
import { LATE_MS } from "../pace.ts";
import { enter, notifyOnce, quietly, resetPace, wanting } from "../state.ts";
import { type OpenGroup, shiftGroups } from "../shift-groups.ts";
import { countBetween } from "../thresholds.ts";
import type { PhaseHandler, Turn } from "../turn.ts";

/** Replaces what is known of one wave. */
export function withWave(state: RolloutState, index: number, change: Partial<WaveState>): RolloutState {
  return { ...state, waves: state.waves.map((wave, at) => (at === index ? { ...wave, ...change } : wave)) };
}

/** Accounts that a wave has still to move. */
export function accountsAhead(
  state: RolloutState,
  frozen: readonly FrozenGroup[],
  indices: readonly number[],
): number {
  return indices.reduce((sum, index) => {
    const group = frozen[index];
    if (group === undefined) return sum;
    return (
      sum +
      countBetween(group, state.groups.moved[index] ?? 0, targetOf(state, index, { group, wave: state.wave }))
    );
  }, 0);
}

/**
 * Forgets the time of groups that were closed since their last step without a tick to see it: a window that ended and
 * another that began, or a freeze, in between. Time counts inside one opening only.
 */
function sinceOpen(
  state: RolloutState,
  turn: Turn,
  { open, ask }: { open: readonly OpenGroup[]; ask: AskOpenness },
): RolloutState {
  const pacedMs = [...state.groups.pacedMs];
  let changed = false;
  for (const { index } of open) {
    const fromMs = pacedMs[index] ?? null;
    const group = turn.frozen[index];
    if (fromMs === null || group === undefined || turn.nowMs - fromMs < LATE_MS) continue;
    const then = ask(group, fromMs);
    if (then.allowed && then.closesAtMs > turn.nowMs) continue;
    pacedMs[index] = null;
    changed = true;
  }
  return changed ? { ...state, groups: { ...state.groups, pacedMs } } : state;
}

interface Open {
  /** Indices of groups that may move now, the one whose time ends first in front. */
  readonly open: readonly OpenGroup[];
  readonly cause: "window" | "freeze" | "calendar";
  readonly name: string | null;
  /** When the first of the others may move. */
  readonly nextAtMs: EpochMs | null;
}

function lookAtCalendar(turn: Turn, indices: readonly number[], ask: AskOpenness): Open {
  const open: OpenGroup[] = [];
  let nextAtMs: EpochMs | null = null;
  let cause: Open["cause"] = "window";
  let name: string | null = null;
  for (const index of indices) {
    const group = turn.frozen[index];
    if (group === undefined) continue;
    const answer = ask(group, turn.nowMs);
    if (answer.allowed) {
      open.push({ index, closesAtMs: answer.closesAtMs });
      continue;
    }
    // What is told is the obstacle of the group that is next; a freeze or an error is told until a time is known.
    const sooner = answer.nextAtMs !== null && (nextAtMs === null || answer.nextAtMs < nextAtMs);
    if (sooner || (nextAtMs === null && (name === null || answer.reason === "invalid"))) {
      cause = answer.reason === "invalid" ? "calendar" : answer.reason;
      ({ name } = answer);
    }
    if (sooner) ({ nextAtMs } = answer);
  }
  return {
    open: open.sort((a, b) => a.closesAtMs - b.closesAtMs || a.index - b.index),
    cause,
    name,
    nextAtMs,
  };
}

function describeClosed({ cause, name }: Open): string {
  if (cause === "freeze") return `frozen by "${name ?? ""}"`;
  if (cause === "calendar") return `the calendar cannot be read: ${name ?? ""}`;
  return name === null ? "for its window" : `for the window "${name}"`;
}

/** Waits for the calendar, with the time of the first group that may go on. */
function waitForCalendar(state: RolloutState, wave: WavePlan, open: Open): Advanced {
  const reason = `Wave "${wave.name}" waits: ${describeClosed(open)}`;
  const deadlineMs = open.nextAtMs === null ? null : open.nextAtMs + FRESH_MS;
  return quietly(
    enter(resetPace(state), {
      phase: "waiting",
      cause: open.cause,
      reason,
      nextAtMs: open.nextAtMs,
      deadlineMs,
    }),
  );
}

/** Waits for health; asks for the preflight that is missing. */
function waitForHealth(
  state: RolloutState,
  turn: Turn,
  trouble: { cause: RolloutState["cause"]; reason: string },
): Advanced {
  const sinceMs = turn.nowMs - FRESH_MS;
  const due = preflightsDue(state, turn, { sinceMs, why: "before-shift" });
  const asked = due.length > 0 ? { ...state, preflightAskedMs: turn.nowMs } : state;
  const deadlineMs = (asked.preflightAskedMs ?? turn.nowMs) + PREFLIGHT_PATIENCE_MS;
  return wanting(enter(resetPace(asked), { phase: "waiting", ...trouble, deadlineMs }), due);
}

function waitForApproval(state: RolloutState, wave: WavePlan, accounts: number): Advanced {
  const reason = `Wave ${state.wave} "${wave.name}" waits for approval: it moves ${counted(accounts, "account")}`;
  const next = enter(resetPace(state), { phase: "awaiting-approval", cause: "approval", reason });
  return notifyOnce(next, `approval ${state.wave}`, { level: "ticket", text: `${state.plan.id}: ${reason}` });
}

function done(state: RolloutState, wave: WavePlan): Advanced {
  const shifted = withWave(state, state.wave, { shiftedMs: state.clockMs });
  const reason = `Wave "${wave.name}" has moved all of its accounts`;
  return {
    ...quietly(enter(resetPace(shifted), { phase: "baking", cause: "bake", reason })),
    happened: [`wave "${wave.name}" is moved`],
  };
}

function step(state: RolloutState, turn: Turn, { wave, open }: { wave: WavePlan; open: Open }): Advanced {
  const shifted = shiftGroups(state, turn, { wave, open: open.open });
  const first = state.waves[state.wave]?.firstMoveMs ?? null;
  const moved = shifted.accounts > 0 || shifted.raised;
  const marked =
    moved && first === null
      ? withWave(shifted.state, state.wave, { firstMoveMs: turn.nowMs })
      : shifted.state;
  const left = accountsAhead(marked, turn.frozen, remaining(marked, turn.frozen, marked.wave));
  const reason = `Wave "${wave.name}" is moving; ${counted(left, "account")} to go`;
  const next = enter(marked, {
    phase: "shifting",
    cause: "moving",
    reason,
    nextAtMs: turn.nowMs + MINUTE_MS,
  });
  if (!moved) return quietly(next);
  const why = `wave "${wave.name}": ${counted(shifted.accounts, "account")}`;
  return wanting(next, [{ kind: "publish", why }], [`${why} moved`]);
}

/** One look at the wave at hand. */
export const inShift: PhaseHandler = (state, turn) => {
  const wave = state.plan.waves[state.wave];
  if (wave === undefined) throw new Error(`rollout ${state.plan.id} has no wave ${state.wave}`);
  const indices = remaining(state, turn.frozen, state.wave);
  if (indices.length === 0) return done(state, wave);
  if (wave.approveBefore && (state.waves[state.wave]?.approved ?? null) === null) {
    return waitForApproval(state, wave, accountsAhead(state, turn.frozen, indices));
  }
  const products = Object.keys(state.plan.targets);
  const { windows, freezes, memo } = turn;
  const ask = opennessOf({ windows, freezes, products, labelKeys: state.labelKeys, memo }, wave.window);
  const open = lookAtCalendar(turn, indices, ask);
  if (open.open.length === 0) return waitForCalendar(state, wave, open);
  const trouble = stepTrouble(state, turn, state.phase !== "shifting");
  if (trouble !== null) return waitForHealth(state, turn, trouble);
  const paced = sinceOpen(state, turn, { open: open.open, ask });
  const rule = moveRule(state, turn.observations.facts);
  return rule.holds
    ? holdNext(paced, turn, { wave, open: open.open, rule })
    : step(paced, turn, { wave, open });
};
