/**
 * The phases `default-pending` and `default-baking`: the default moves alone, last, one product after another, in its own
 * window, after preflight passed for what the default serves (no waiver of a failure counts), with its predecessor as
 * standby, and after mirrored requests compared well where the plan asks for it (mirror.ts). It is watched; when that goes wrong it is put back by itself, whatever else is reversible: unknown accounts
 * carry no data. Nobody's account moves here. Design §5, "Default".
 */
import type { Advanced, ProductFacts } from "../../../contracts/rollout-input.ts";
import type { DefaultPlan, DefaultState, RolloutState } from "../../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../../contracts/units.ts";
import type { MoveForbidden } from "../../calendar/may-move.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../calendar/memo.ts";
import { own } from "../../record.ts";
import {
  anyPreflightTrouble,
  barWord,
  FRESH_MS,
  gateVerdict,
  lastMovingWave,
  preflightsDue,
  preflightTrouble,
  PREFLIGHT_PATIENCE_MS,
  type Unhealthy,
  versionTrouble,
} from "../health.ts";
import { defaultReturn, goodStandby, markOf, withFailure } from "../failure.ts";
import { defaultOpenness } from "../default-openness.ts";
import type { Openness } from "../openness.ts";
import { andThen, enter, notifyOnce, pauseItself, quietly, wanting } from "../state.ts";
import type { PhaseHandler, Turn } from "../turn.ts";
import { currentDefault, forgetMirror, mirrorFirst } from "./mirror.ts";
import { route } from "./route.ts";

/** Red runs for the default in a row that put it back. */
const MAX_REDS = 2;
/** How long control may take until the product shows the default that was asked for. */
const SET_PATIENCE_MS = 5 * MINUTE_MS;
const BAKE_PATIENCE_MS = 12 * HOUR_MS;

function withStep(state: RolloutState, product: ProductName, change: Partial<DefaultState>): RolloutState {
  const defaults = state.defaults.map((step) => (step.product === product ? { ...step, ...change } : step));
  return { ...state, defaults };
}

function pending(
  state: RolloutState,
  where: Unhealthy & { nextAtMs?: EpochMs | null; deadlineMs?: EpochMs | null },
): RolloutState {
  return enter(state, { phase: "default-pending", ...where });
}

/** Whether the default may move now. */
function openness(state: RolloutState, turn: Turn, { window }: DefaultPlan): Openness {
  const product = currentDefault(state)?.product ?? "";
  const zones = turn.frozen.map(({ zone }) => zone);
  return defaultOpenness(turn, { product, window, zones })(turn.nowMs);
}

/** Waits for the preflight of what the default serves, and asks for it. */
function preflightFirst(state: RolloutState, turn: Turn, product: ProductName): Advanced | null {
  const trouble = preflightTrouble(state, turn, { product, purpose: "default" });
  if (trouble === null) return null;
  const sinceMs = turn.nowMs - FRESH_MS;
  const due = preflightsDue(state, turn, { sinceMs, why: "before-default" });
  const failed = own(turn.observations.preflight, product)?.default.verdict === "fail";
  const measured = failed ? forgetMirror(state, product) : state;
  const asked = due.length > 0 ? { ...measured, preflightAskedMs: turn.nowMs } : measured;
  const deadlineMs = (asked.preflightAskedMs ?? turn.nowMs) + PREFLIGHT_PATIENCE_MS;
  const reason = `The default of ${product} does not move: ${trouble.reason}`;
  const held = wanting(pending(asked, { cause: "preflight", reason, deadlineMs }), due);
  if (!failed) return held;
  return andThen(held, (same) =>
    notifyOnce(same, `default-preflight ${product}`, {
      level: "ticket",
      text: `${state.plan.id}: ${reason}`,
    }),
  );
}

/** What else must hold; classes that only the default serves are asked for here. */
function evidenceTrouble(state: RolloutState, turn: Turn, product: ProductName): Unhealthy | null {
  const version = `${product} ${state.plan.targets[product] ?? ""}`;
  const uncovered = own(turn.observations.uncovered, product);
  if (uncovered === undefined)
    return { cause: "coverage", reason: `it is not known which requests ${version} has answered` };
  if (uncovered.length > 0) {
    return { cause: "coverage", reason: `${version} has not been seen to answer: ${uncovered.join(", ")}` };
  }
  return null;
}

function move(
  state: RolloutState,
  turn: Turn,
  { step, facts }: { step: DefaultState; facts: ProductFacts },
): Advanced {
  const { product } = step;
  const target = state.plan.targets[product] ?? "";
  const expected = facts.default ?? "";
  const before = { default: expected, standby: facts.standby };
  const standby = goodStandby(turn.observations.facts, product, expected);
  const reason = `The default of ${product} is moving to ${target}; ${standby ?? "nothing"} stands by`;
  const next = enter(withStep(state, product, { movedMs: turn.nowMs, before, putBackMs: null }), {
    phase: "default-baking",
    cause: "default",
    reason,
    deadlineMs: turn.nowMs + SET_PATIENCE_MS,
  });
  return wanting(
    next,
    [
      { kind: "set-default", product, expected, to: { default: target, standby } },
      { kind: "notify", level: "info", text: `${state.plan.id}: ${reason}` },
    ],
    [`the default of ${product} moves to ${target}`],
  );
}

/** Name of the notice that somebody is waited for. */
export const approvalNotice = (product: ProductName): string => `approval default ${product}`;

function approval(state: RolloutState, product: ProductName, second: boolean): Advanced {
  const by = second ? "a second person's approval" : "approval";
  const reason = `The default (unknown accounts) of ${product} waits for ${by}`;
  const text = `${state.plan.id}: ${reason}`;
  return notifyOnce(pending(state, { cause: "approval", reason }), approvalNotice(product), {
    level: "ticket",
    text,
  });
}

function waitForCalendar(
  state: RolloutState,
  product: ProductName,
  { reason: why, name, nextAtMs }: MoveForbidden,
): Advanced {
  const what =
    why === "freeze"
      ? `frozen by "${name ?? ""}"`
      : why === "window"
        ? "for its window"
        : "the calendar cannot be read";
  const cause = why === "invalid" ? "calendar" : why;
  return quietly(pending(state, { cause, reason: `The default of ${product} waits: ${what}`, nextAtMs }));
}

/** The product at hand waits for its moment. Asked from the cheap to the dear; a person's yes is asked for early. */
export const inDefaultPending: PhaseHandler = (state, turn) => {
  const plan = state.plan.default;
  const step = currentDefault(state);
  const lastMs = state.waves.at(-1)?.bakedMs ?? null;
  if (plan === null || step === undefined || lastMs === null) return quietly(route(state));
  const { product } = step;
  const facts = own(turn.observations.facts, product);
  if (facts?.default === state.plan.targets[product]) {
    // Somebody moved it by hand: there is nothing left to do, and nothing of ours to put back.
    return quietly(route(withStep(state, product, { bakedMs: turn.nowMs, movedMs: null, putBackMs: null })));
  }
  if (state.groups.barredMs.some((at) => at !== null)) {
    const reason = `The default of ${product} stays: accounts were rolled back. Stop it, or pause and resume with "again"`;
    const held = pending(state, { cause: "rollback", reason });
    // It waits for a person alone, so each time that it comes to wait somebody is told.
    const text = `${state.plan.id}: ${reason}`;
    return notifyOnce(held, `default-barred ${held.sinceMs}`, { level: "ticket", text });
  }
  const earliestMs = lastMs + plan.afterDays * DAY_MS;
  if (turn.nowMs < earliestMs) {
    const reason = `The default moves ${plan.afterDays === 1 ? "a day" : `${plan.afterDays} days`} after the last wave`;
    return quietly(pending(state, { cause: "default", reason, nextAtMs: earliestMs }));
  }
  const second = facts?.fourEyes === true;
  if ((plan.approveBefore || second) && step.approved === null) return approval(state, product, second);
  const open = openness(state, turn, plan);
  if (!open.allowed) return waitForCalendar(state, product, open);
  const trouble = versionTrouble(state, turn) ?? anyPreflightTrouble(state, turn) ?? gateBars(state, turn);
  const evidence = evidenceTrouble(state, turn, product);
  const preflight = preflightFirst(state, turn, product);
  if (preflight !== null) return preflight;
  if (trouble !== null) return quietly(pending(state, trouble));
  if (evidence !== null) return quietly(pending(state, evidence));
  if (facts?.default == null)
    return quietly(pending(state, { cause: "default", reason: `${product} has no default` }));
  const mirrored = mirrorFirst(state, turn, { step, closesAtMs: open.closesAtMs });
  return "wait" in mirrored ? mirrored.wait : move(mirrored.go, turn, { step, facts });
};

/** The last wave passed its gate when it was baked; what speaks against it now keeps the default where it is. */
function gateBars(state: RolloutState, turn: Turn): Unhealthy | null {
  const wave = lastMovingWave(state);
  const gate = wave === null ? null : gateVerdict(state, turn, wave);
  if (gate?.bars !== true) return null;
  return { cause: "gate", reason: `the gate of the last wave ${barWord(gate)}: ${gate.sentence}` };
}

function putBack(
  state: RolloutState,
  turn: Turn,
  { step, why }: { step: DefaultState; why: string },
): Advanced {
  const { product, before } = step;
  if (before === null) return pauseItself(state, "default", why);
  const expected = state.plan.targets[product] ?? "";
  const { to, problem } = defaultReturn(turn.observations.facts, product, before);
  const failed = withFailure(state, `the default of ${product} failed: ${why}`, [product]);
  if (problem !== null)
    return pauseItself(failed, "default", `the default of ${product} fails (${why}) and stays: ${problem}`);
  const mark = markOf(state, product, `rollout ${state.plan.id}: the default failed: ${why}`);
  const back = wanting(
    withStep(failed, product, { putBackMs: turn.nowMs }),
    [{ kind: "set-default", product, expected, to }, mark],
    [`the default of ${product} is put back to ${before.default}`],
  );
  return andThen(back, (next) =>
    pauseItself(next, "default", `the default of ${product} was put back to ${before.default}: ${why}`),
  );
}

/** Why the default that moved is to be put back; null when nothing speaks against it. */
function failureOf(state: RolloutState, turn: Turn, step: DefaultState): string | null {
  const { product } = step;
  const gate = own(turn.observations.defaultGates, product);
  if (gate?.verdict === "fail" && gate.atMs >= (step.movedMs ?? 0)) return gate.sentence;
  const seen = own(state.preflights, product);
  if (seen === undefined || seen.defaultReds < MAX_REDS) return null;
  return `preflight failed twice in a row: ${own(turn.observations.preflight, product)?.default.sentence ?? ""}`;
}

/** The default has moved and is watched. */
export const inDefaultBaking: PhaseHandler = (state, turn) => {
  const step = currentDefault(state);
  const movedMs = step?.movedMs ?? null;
  if (step === undefined || movedMs === null || step.putBackMs !== null) return quietly(route(state));
  const { product } = step;
  const baking = (where: Unhealthy & { nextAtMs?: EpochMs; deadlineMs: EpochMs }): RolloutState =>
    enter(state, { phase: "default-baking", ...where });
  const now = own(turn.observations.facts, product)?.default ?? null;
  const target = state.plan.targets[product] ?? "";
  if (now !== target) {
    const deadlineMs = movedMs + SET_PATIENCE_MS;
    if (turn.nowMs < deadlineMs)
      return quietly(
        baking({ cause: "default", reason: `The default of ${product} is being set`, deadlineMs }),
      );
    const reason = `the default of ${product} is ${now ?? "not set"}, not ${target}: somebody changed it, or it could not be set`;
    return pauseItself(withStep(state, product, { putBackMs: turn.nowMs }), "default", reason);
  }
  const why = failureOf(state, turn, step);
  if (why !== null) return putBack(state, turn, { step, why });
  const bake = state.plan.default?.bake ?? { minutes: 0, requests: 0 };
  const endMs = movedMs + bake.minutes * MINUTE_MS;
  const deadlineMs = endMs + BAKE_PATIENCE_MS;
  if (turn.nowMs < endMs) {
    return quietly(
      baking({ cause: "bake", reason: `The default of ${product} is watched`, nextAtMs: endMs, deadlineMs }),
    );
  }
  const requests = own(turn.observations.defaultRequests, product) ?? 0;
  if (requests < bake.requests) {
    const reason = `${bake.requests} requests of unknown accounts are waited for; so far ${requests}`;
    return quietly(baking({ cause: "requests", reason, deadlineMs }));
  }
  return {
    ...quietly(route(withStep(state, product, { bakedMs: turn.nowMs }))),
    happened: [`the default of ${product} is done`],
  };
};
