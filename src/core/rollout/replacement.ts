/**
 * Replacements: a hotfix of a version for whoever is on it, beside any running rollout (§5.4). A small engine of its own:
 * preflight of the new version, a ramp with the pace of waves, a bake, homes, done. It shares no account with groups:
 * one threshold for all, applied after the decision. Freezes hold it as a whole (it knows no account, so a freeze that
 * could touch any holds) unless its plan says `throughFreezes`. While a rollout targets `from` it cannot leave the maps.
 * Pure; called by control like `advance`.
 */
import { BUCKETS } from "../../contracts/limits.ts";
import type { Facts } from "../../contracts/rollout-input.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { mayMove } from "../calendar/may-move.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { isFresh, REPEAT_MS } from "./health.ts";
import { gainOf } from "./pace.ts";
import type {
  ReplacementAdvanced,
  ReplacementEffect,
  ReplacementInput,
  ReplacementPhase,
  ReplacementState,
} from "./replacement-plan.ts";
import { isReversible, returnProblem, targetProblem, versionFacts } from "./versions.ts";

type Bare = ReplacementEffect extends infer Effect
  ? Effect extends ReplacementEffect
    ? Omit<Effect, "step">
    : never
  : never;

function withEffects(state: ReplacementState, wanted: readonly Bare[]): ReplacementAdvanced {
  const effects = wanted.map((effect, index) => ({ ...effect, step: state.step + index + 1 }));
  return { state: { ...state, step: state.step + effects.length }, effects };
}

function at(state: ReplacementState, phase: ReplacementPhase, reason: string): ReplacementState {
  return { ...state, phase, reason, nextAtMs: null };
}

function pauseFor(state: ReplacementState, reason: string): ReplacementAdvanced {
  const next = at({ ...state, pacedMs: null }, "paused", reason);
  return withEffects(next, [
    { kind: "notify", level: "page", text: `${state.plan.from} → ${state.plan.to} paused: ${reason}` },
  ]);
}

function askPreflight(state: ReplacementState, input: ReplacementInput, reason: string): ReplacementAdvanced {
  const askedMs = state.preflightAskedMs;
  const waits = askedMs !== null && input.nowMs - askedMs < 10 * MINUTE_MS;
  const next = at(
    { ...state, pacedMs: null, preflightAskedMs: waits ? askedMs : input.nowMs },
    state.below === 0 ? "preflight" : "waiting",
    reason,
  );
  return withEffects(
    next,
    waits ? [] : [{ kind: "run-preflight", product: state.plan.product, version: state.plan.to }],
  );
}

/** Until when a freeze holds it; `undefined` when none does. Every freeze that could touch one account counts. */
function frozen(
  state: ReplacementState,
  input: ReplacementInput,
): { name: string; untilMs: EpochMs | null } | undefined {
  if (state.plan.throughFreezes) return undefined;
  const freezes = input.freezes.map((freeze) => ({ ...freeze, scope: { products: freeze.scope.products } }));
  for (const zone of input.zones.length === 0 ? ["UTC"] : input.zones) {
    const subject = { products: [state.plan.product], labels: null, cell: null, zone };
    const answer = mayMove({
      windows: null,
      windowName: null,
      freezes,
      subject,
      atMs: input.nowMs,
      memo: input.memo,
    });
    if (!answer.allowed) return { name: answer.name ?? "", untilMs: answer.nextAtMs };
  }
  return undefined;
}

function shift(state: ReplacementState, input: ReplacementInput): ReplacementAdvanced {
  const held = frozen(state, input);
  if (held !== undefined)
    return withEffects(
      { ...at({ ...state, pacedMs: null }, "waiting", `Frozen by "${held.name}"`), nextAtMs: held.untilMs },
      [],
    );
  const gain = gainOf(state.plan.paceBpPerMinute, state.pacedMs, input.nowMs);
  const below = Math.min(BUCKETS, state.below + gain.gained);
  const raised = { ...state, below, pacedMs: gain.pacedMs };
  const why = `${state.plan.product} ${state.plan.from} → ${state.plan.to}: ${below / 100} %`;
  const wanted: Bare[] = below > state.below ? [{ kind: "publish", why }] : [];
  if (below < BUCKETS)
    return withEffects({ ...at(raised, "shifting", why), nextAtMs: input.nowMs + MINUTE_MS }, wanted);
  const nextAtMs = input.nowMs + state.plan.bakeMinutes * MINUTE_MS;
  const whole = { ...raised, shiftedMs: input.nowMs };
  return withEffects({ ...at(whole, "baking", `${why}; baking`), nextAtMs }, wanted);
}

function finish(state: ReplacementState, input: ReplacementInput): ReplacementAdvanced {
  const { nowMs, heldBy } = input;
  if (heldBy !== null)
    return withEffects(
      at(state, "settling", `Stays in the maps while rollout ${heldBy} moves accounts to ${state.plan.from}`),
      [],
    );
  if (state.settleAskedMs === null) {
    const asked = at(
      { ...state, settleAskedMs: nowMs },
      "settling",
      "Homes are being written; no decision changes",
    );
    return withEffects(asked, [{ kind: "settle-replacement" }]);
  }
  if (!input.homesWritten) return withEffects(state, []);
  return withEffects(at(state, "completed", "Complete"), [
    { kind: "publish", why: "the replacement leaves the maps" },
  ]);
}

/** Takes a replacement to `nowMs`. As `advance`: pure, idempotent by clock, no data is never healthy. */
export function advanceReplacement(given: ReplacementState, input: ReplacementInput): ReplacementAdvanced {
  const ended = given.phase === "completed" || given.phase === "rolled-back" || given.phase === "paused";
  if (ended || input.nowMs < given.clockMs) return { state: given, effects: [] };
  const state = { ...given, clockMs: input.nowMs };
  if (input.halt)
    return withEffects(
      { ...state, pacedMs: null, reason: "Halted: nothing moves by itself", nextAtMs: null },
      [],
    );
  const trouble = targetProblem(input.facts, state.plan.product, state.plan.to);
  if (trouble !== null) return pauseFor(state, trouble);
  if (input.gate?.verdict === "fail") return pauseFor(state, `the gate failed: ${input.gate.sentence}`);
  if (state.phase === "settling") return finish(state, input);
  const run = input.preflight;
  if (run !== null && run.wave.verdict === "fail")
    return pauseFor(state, `preflight failed: ${run.wave.sentence}`);
  if (run === null || !isFresh(run.atMs, input.nowMs))
    return askPreflight(state, input, "Waiting for a fresh preflight");
  if (run.wave.verdict !== "pass")
    return askPreflight(state, input, `preflight says too little: ${run.wave.sentence}`);
  if (state.shiftedMs === null) return repeated(shift(state, input), input);
  const endMs = state.shiftedMs + state.plan.bakeMinutes * MINUTE_MS;
  return input.nowMs < endMs
    ? repeated(withEffects({ ...at(state, "baking", "Baking"), nextAtMs: endMs }, []), input)
    : finish(state, input);
}

/** The hourly run, asked for a little before the hour is over. */
function repeated(done: ReplacementAdvanced, { nowMs, preflight }: ReplacementInput): ReplacementAdvanced {
  const dueMs = (preflight?.atMs ?? nowMs) + REPEAT_MS;
  const askedMs = done.state.preflightAskedMs ?? -Infinity;
  if (nowMs < dueMs || nowMs - askedMs < 10 * MINUTE_MS) return done;
  const { product, to } = done.state.plan;
  const more = withEffects({ ...done.state, preflightAskedMs: nowMs }, [
    { kind: "run-preflight", product, version: to },
  ]);
  return { state: more.state, effects: [...done.effects, ...more.effects] };
}

/** Pauses, resumes or takes it back. The sentence says why it may not. */
export function commandReplacement(
  state: ReplacementState,
  what: {
    readonly kind: "pause" | "resume" | "rollback";
    readonly reason: string;
    readonly confirmed: boolean;
  },
  { nowMs, facts }: { nowMs: EpochMs; facts: Facts },
): ReplacementAdvanced | string {
  const { plan } = state;
  if (state.phase === "completed" || state.phase === "rolled-back")
    return `the replacement is ${state.phase}`;
  if (what.kind === "pause")
    return withEffects(at({ ...state, pacedMs: null }, "paused", `Paused: ${what.reason}`), []);
  if (what.kind === "resume") {
    if (state.phase !== "paused") return `the replacement is ${state.phase}, not paused`;
    const phase = state.settleAskedMs !== null ? "settling" : state.shiftedMs !== null ? "baking" : "waiting";
    return withEffects(at({ ...state, preflightAskedMs: null }, phase, "Resumed"), []);
  }
  if (state.settleAskedMs !== null) return "homes are being written: replace the other way round instead";
  const closed = returnProblem(facts, plan.product, plan.from);
  if (closed !== null) return `accounts cannot go back: ${closed}`;
  const oneWay = !isReversible(versionFacts(facts, plan.product, plan.to), nowMs);
  if (oneWay && !what.confirmed) return `confirm it: ${plan.to} is not declared reversible`;
  const back = at({ ...state, below: 0, pacedMs: null }, "rolled-back", `Rolled back: ${what.reason}`);
  return withEffects(back, [{ kind: "publish", why: `${plan.from} → ${plan.to} is taken back` }]);
}
