/**
 * Replacements: a hotfix of a version for whoever is on it, beside any running rollout (§5.4). A small engine of its own:
 * preflight of the new version, a ramp of steps with the pace of waves, a bake after each, homes, done. It shares no
 * account with groups: one threshold for all, applied after the decision, so pins and quarantines follow and the default
 * (no account, no bucket) never does. Freezes hold it as a whole (it knows no account, so a freeze that could touch any
 * holds) unless its plan says `throughFreezes`. It leaves the maps only when nobody would fall back by that.
 * Pure; called by control like `advance`. What people tell it is in replacement-command.ts.
 */
import { BUCKETS } from "../../contracts/limits.ts";
import type { ReplacementInput, ReplacementState } from "../../contracts/replacement.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { mayMove, type MoveAllowed, type MoveForbidden } from "../calendar/may-move.ts";
import { MINUTE_MS, type CalendarMemo } from "../calendar/memo.ts";
import { isFresh, PREFLIGHT_PATIENCE_MS, REPEAT_MS } from "./health.ts";
import { gainOf, LATE_MS } from "./pace.ts";
import { isReplacing } from "./replacement-plan.ts";
import {
  inPhase,
  pauseReplacement,
  type ReplacementAdvanced,
  type WantedOfReplacement,
  withEffects,
} from "./replacement-state.ts";
import { targetProblem } from "./versions.ts";

/** What it is told, and what it may remember of the calendar. */
export interface ReplacementTurn extends ReplacementInput {
  readonly memo?: CalendarMemo | undefined;
}

/** How long the version that a rollback leads to is given to answer: a rollback is urgent. */
const PROBE_PATIENCE_MS = MINUTE_MS;

/** Takes a replacement to `nowMs`. As `advance`: pure, idempotent by clock, no data is never healthy. */
export function advanceReplacement(given: ReplacementState, turn: ReplacementTurn): ReplacementAdvanced {
  if (!isReplacing(given) || turn.nowMs < given.clockMs) return { state: given, effects: [] };
  const state = { ...given, clockMs: turn.nowMs };
  if (state.phase === "paused") return { state, effects: [] };
  if (state.rollback !== null) return goBack(state, turn);
  if (turn.halt) {
    return withEffects(
      {
        ...state,
        pacedMs: null,
        reason: "Halted: nothing moves by itself",
        nextAtMs: null,
        deadlineMs: null,
      },
      [],
    );
  }
  if (state.ending === "stopped") return finish(state, turn);
  // Nobody moves by the end, and from here on there is no other: paused for a bad version, it could only stay paused.
  if (state.settleAskedMs !== null) return repeated(finish(state, turn), turn);
  const trouble = targetProblem(turn.facts, state.plan.product, state.plan.to);
  if (trouble !== null) return pauseReplacement(state, trouble);
  if (turn.gate?.verdict === "fail") return pauseReplacement(state, `the gate failed: ${turn.gate.sentence}`);
  const watched = watch(state, turn);
  if (watched !== null) return watched;
  const went = state.stage >= state.plan.stepsBp.length ? finish(state, turn) : climb(state, turn);
  return repeated(went, turn);
}

/** What the new version's preflight has to say first; null: go on. Once everybody has moved only a failure counts. */
function watch(state: ReplacementState, { preflight, nowMs }: ReplacementTurn): ReplacementAdvanced | null {
  const run = preflight !== null && preflight.atMs >= state.preflightSinceMs ? preflight : null;
  if (run !== null && run.wave.verdict === "fail")
    return pauseReplacement(state, `preflight failed: ${run.wave.sentence}`);
  if (state.stage >= state.plan.stepsBp.length) return null;
  if (run === null || !isFresh(run.atMs, nowMs))
    return askPreflight(state, nowMs, "Waiting for a fresh preflight");
  return run.wave.verdict === "pass"
    ? null
    : askPreflight(state, nowMs, `preflight says too little: ${run.wave.sentence}`);
}

function askPreflight(state: ReplacementState, nowMs: EpochMs, reason: string): ReplacementAdvanced {
  const askedMs = state.preflightAskedMs;
  const waits = askedMs !== null && nowMs - askedMs < PREFLIGHT_PATIENCE_MS;
  const asked = { ...state, pacedMs: null, preflightAskedMs: waits ? askedMs : nowMs };
  const waiting = inPhase(asked, state.below === 0 ? "preflight" : "waiting", reason);
  // From when it began to wait: asking again puts nothing off, or one that cannot be reached would never be late.
  const next = { ...waiting, deadlineMs: state.deadlineMs ?? nowMs + PREFLIGHT_PATIENCE_MS };
  const { product, to } = state.plan;
  const run = { kind: "run-preflight", product, version: to, why: "before-shift" } as const;
  return withEffects(next, waits ? [] : [run]);
}

/** Along the ramp: up to the step at hand, watched there, on to the next. Steps without a bake follow each other at once. */
function climb(given: ReplacementState, turn: ReplacementTurn): ReplacementAdvanced {
  let state = given;
  if (state.shiftedMs !== null) {
    const endMs = state.shiftedMs + state.plan.bakeMinutes * MINUTE_MS;
    if (turn.nowMs < endMs)
      return withEffects({ ...inPhase(state, "baking", `${progress(state)}; baking`), nextAtMs: endMs }, []);
    state = { ...state, stage: state.stage + 1, shiftedMs: null, pacedMs: null };
  }
  return state.stage >= state.plan.stepsBp.length ? finish(state, turn) : shift(state, turn);
}

function progress({ plan, below }: ReplacementState): string {
  return `${plan.product} ${plan.from} → ${plan.to}: ${below / 100} %`;
}

function shift(state: ReplacementState, turn: ReplacementTurn): ReplacementAdvanced {
  const held = frozen(state, turn);
  if (held !== undefined) {
    const waiting = inPhase({ ...state, pacedMs: null }, "waiting", `Frozen by "${held.name}"`);
    return withEffects({ ...waiting, nextAtMs: held.untilMs }, []);
  }
  const goal = state.plan.stepsBp[state.stage] ?? BUCKETS;
  const pacedMs = isOpenSince(state, turn) ? state.pacedMs : null;
  const gain = gainOf(state.plan.paceBpPerMinute, pacedMs, turn.nowMs);
  // Never downwards: it may have been further up before a person resumed it.
  const below = Math.max(state.below, Math.min(goal, state.below + gain.gained));
  const raised = { ...state, below, pacedMs: gain.pacedMs };
  const why = progress(raised);
  const wanted: WantedOfReplacement[] = below > state.below ? [{ kind: "publish", why }] : [];
  if (below < goal)
    return withEffects({ ...inPhase(raised, "shifting", why), nextAtMs: turn.nowMs + MINUTE_MS }, wanted);
  const whole = inPhase({ ...raised, pacedMs: null, shiftedMs: turn.nowMs }, "baking", `${why}; baking`);
  const nextAtMs = turn.nowMs + state.plan.bakeMinutes * MINUTE_MS;
  return withEffects({ ...whole, nextAtMs }, wanted);
}

/** Until when a freeze holds it; `undefined` when none does. */
function frozen(
  state: ReplacementState,
  turn: ReplacementTurn,
): { readonly name: string; readonly untilMs: EpochMs | null } | undefined {
  for (const answer of answersAt(state, turn, turn.nowMs))
    if (!answer.allowed) return { name: answer.name ?? "", untilMs: answer.nextAtMs };
  return undefined;
}

/** Whether no freeze held it since its last step without a tick to see it: the time of one does not count. */
function isOpenSince(state: ReplacementState, turn: ReplacementTurn): boolean {
  const fromMs = state.pacedMs;
  if (fromMs === null || turn.nowMs - fromMs < LATE_MS) return true;
  for (const then of answersAt(state, turn, fromMs))
    if (!then.allowed || then.closesAtMs <= turn.nowMs) return false;
  return true;
}

/** What the calendar says at an instant, for each zone that accounts have. Every freeze that could touch one counts. */
function* answersAt(
  { plan }: ReplacementState,
  turn: ReplacementTurn,
  atMs: EpochMs,
): Generator<MoveAllowed | MoveForbidden> {
  if (plan.throughFreezes) return;
  const freezes = turn.freezes.map((freeze) => ({ ...freeze, scope: { products: freeze.scope.products } }));
  for (const zone of turn.zones.length === 0 ? ["UTC"] : turn.zones) {
    const subject = { products: [plan.product], labels: null, cell: null, zone };
    yield mayMove({ windows: null, windowName: null, freezes, subject, atMs, memo: turn.memo });
  }
}

/** Out of the maps, once nobody would fall back to the old version by that. */
function finish(
  state: ReplacementState,
  { nowMs, heldBy, homesWritten }: ReplacementTurn,
): ReplacementAdvanced {
  if (heldBy !== null) return withEffects(inPhase(state, "settling", `Stays in the maps: ${heldBy}`), []);
  const settling = inPhase(state, "settling", "Homes are being written; no decision changes");
  if (state.settleAskedMs === null)
    return withEffects({ ...settling, settleAskedMs: nowMs }, [{ kind: "settle-replacement" }]);
  if (!homesWritten) return withEffects(settling, []);
  const { from, to } = state.plan;
  const ended =
    state.ending === "completed"
      ? inPhase(state, "completed", `Complete: ${to} is the home of whoever was on ${from}`)
      : inPhase(state, "stopped", `Stopped at ${state.below / 100} %: who had moved stays on ${to}`);
  return withEffects(ended, [{ kind: "publish", why: `${from} → ${to} leaves the maps; nobody moves` }]);
}

/**
 * The version it leads to is probed first. One that fails holds until a person confirms; one that says nothing does not:
 * people who roll back know more than a probe that cannot connect. Windows, freezes and halt do not bind.
 */
function goBack(state: ReplacementState, { nowMs, probe }: ReplacementTurn): ReplacementAdvanced {
  const { rollback } = state;
  if (rollback === null) throw new Error("a replacement goes back without being told");
  const { product, from, to } = state.plan;
  const heard = probe !== null && probe.atMs >= rollback.askedMs ? probe : null;
  if (heard?.verdict === "fail" && !rollback.confirmed) {
    const why = `it would lead back to ${product} ${from}, which fails (${heard.sentence}); confirm the rollback to go on`;
    return pauseReplacement({ ...state, rollback: null }, why);
  }
  if (heard === null && nowMs - rollback.askedMs < PROBE_PATIENCE_MS) {
    const probing = inPhase(state, "rolling-back", `Probing ${product} ${from} before accounts go back`);
    return withEffects({ ...probing, nextAtMs: rollback.askedMs + PROBE_PATIENCE_MS }, []);
  }
  const back = { ...state, below: 0, pacedMs: null, rollback: null };
  return withEffects(inPhase(back, "rolled-back", `Rolled back: ${rollback.reason}`), [
    { kind: "publish", why: `${from} → ${to} is taken back` },
  ]);
}

/** The hourly run, asked for a little before the hour is over, for as long as the rule is in the maps. */
function repeated(done: ReplacementAdvanced, { nowMs, preflight }: ReplacementTurn): ReplacementAdvanced {
  const { state } = done;
  const dueMs = (preflight?.atMs ?? -Infinity) + REPEAT_MS;
  const askedMs = state.preflightAskedMs ?? -Infinity;
  const asks = isReplacing(state) && state.phase !== "paused";
  if (!asks || nowMs < dueMs || nowMs - askedMs < PREFLIGHT_PATIENCE_MS) return done;
  const { product, to } = state.plan;
  const run = { kind: "run-preflight", product, version: to, why: "hourly" } as const;
  const more = withEffects({ ...state, preflightAskedMs: nowMs }, [run]);
  return { state: more.state, effects: [...done.effects, ...more.effects] };
}
