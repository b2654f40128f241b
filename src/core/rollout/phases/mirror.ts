/**
 * Mirroring before a default moves: while the default step waits in its window, requests of no known account go to the
 * candidate as well (`root` says so, the edge does it), until they have compared well for long enough. Worse than is
 * tolerated pauses with the numbers; too few after the time allowed wait for a person; not measured is never a pass.
 * It is on exactly while the phase is `default-pending` with the cause `mirror`, of the product at hand: `endMirrors`
 * ends it after every other turn and command, whatever it was. Pure; called by default-step, advance and command.
 */
import type { MirrorPlan, MirrorState, RootMirror } from "../../../contracts/mirror.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import type { DefaultPlan, DefaultState, RolloutState } from "../../../contracts/rollout.ts";
import type { EpochMs, ProductName } from "../../../contracts/units.ts";
import { MINUTE_MS } from "../../calendar/memo.ts";
import { canonicalJson } from "../../maps/canonical.ts";
import { comparedOf, describeCounts, judgeMirror, NOTHING_COMPARED } from "../../mirror.ts";
import { own } from "../../record.ts";
import { enter, notifyOnce, pauseItself, quietly, wanting } from "../state.ts";
import type { Turn } from "../turn.ts";

/** What a plan meant that only said "yes", before there was anything to say. */
const AS_USUAL: MirrorPlan = { shareBp: 1000, minutes: 30, requests: 200, worseBp: 100, waitMinutes: 240 };

/** The mirroring that a plan asks for; null: none. Plans that are stored since before it was built say true or false. */
export function mirrorPlanOf(plan: DefaultPlan | null): MirrorPlan | null {
  const asked: unknown = plan?.mirror;
  if (asked === true) return AS_USUAL;
  return plan === null || plan.mirror === false ? null : plan.mirror;
}

/** The product at hand: the first whose default is not done. */
export function currentDefault({ defaults }: RolloutState): DefaultState | undefined {
  return defaults.find(({ bakedMs }) => bakedMs === null);
}

function withMirror(state: RolloutState, product: ProductName, mirror: MirrorState): RolloutState {
  const defaults = state.defaults.map((step) => (step.product === product ? { ...step, mirror } : step));
  return { ...state, defaults };
}

/** Time that was mirrored so far: never beyond the window that it runs in, however late a tick comes. */
export function mirroredMs({ spentMs, sinceMs, untilMs }: MirrorState, nowMs: EpochMs): number {
  return sinceMs === null ? spentMs : spentMs + Math.max(0, Math.min(nowMs, untilMs ?? nowMs) - sinceMs);
}

function interrupted(mirror: MirrorState, nowMs: EpochMs): MirrorState {
  return { ...mirror, spentMs: mirroredMs(mirror, nowMs), sinceMs: null, untilMs: null };
}

/** Whether requests of this product are being mirrored, and rightly so. */
function isRunning(state: RolloutState, step: DefaultState): boolean {
  if ((step.mirror?.sinceMs ?? null) === null) return false;
  const isWaiting = state.phase === "default-pending" && state.cause === "mirror";
  return isWaiting && currentDefault(state)?.product === step.product;
}

/** What the published maps say of a product; null: nothing is mirrored. */
export function rootMirror(state: RolloutState, product: ProductName): RootMirror | null {
  const step = state.defaults.find((other) => other.product === product);
  const plan = mirrorPlanOf(state.plan.default);
  const version = own(state.plan.targets, product);
  if (step?.mirror == null || plan === null || version === undefined || !isRunning(state, step)) return null;
  const { run, untilMs } = step.mirror;
  return { version, share: plan.shareBp, run, until: untilMs };
}

/** Ends what is mirrored and should not be: the last thing that happens in every turn and command. */
export function endMirrors(done: Advanced): Advanced {
  const { state } = done;
  const over = state.defaults.filter(
    (step) => (step.mirror?.sinceMs ?? null) !== null && !isRunning(state, step),
  );
  if (over.length === 0) return done;
  // Where it only waits (for its window, for halt to end) the same measurement goes on later.
  const result = state.phase === "default-pending" ? null : "broken-off";
  const defaults = state.defaults.map((step) =>
    step.mirror != null && over.includes(step)
      ? {
          ...step,
          mirror: { ...interrupted(step.mirror, state.clockMs), result: step.mirror.result ?? result },
        }
      : step,
  );
  const why = `requests of unknown accounts are no longer mirrored to ${over
    .map(({ product }) => `${product} ${state.plan.targets[product] ?? ""}`)
    .join(", ")}`;
  const ended = wanting({ ...state, defaults }, [{ kind: "publish", why }], [why]);
  return {
    state: ended.state,
    effects: [...done.effects, ...ended.effects],
    happened: [...done.happened, ...ended.happened],
  };
}

/** What was measured does not count for the candidate as it will be: the next one begins anew. */
export function forgetMirror(state: RolloutState, product: ProductName): RolloutState {
  const mirror = state.defaults.find((step) => step.product === product)?.mirror ?? null;
  return mirror?.result !== null ? state : withMirror(state, product, { ...mirror, result: "broken-off" });
}

/** A person says yes although too few were compared. Null: that is not what is asked. */
export function waiveMirror(
  mirror: MirrorState | null | undefined,
  by: { readonly by: string; readonly atMs: EpochMs },
): MirrorState | null {
  return mirror?.result === "too-few" && mirror.waived === null ? { ...mirror, waived: by } : null;
}

interface Question {
  readonly state: RolloutState;
  readonly nowMs: EpochMs;
  readonly plan: MirrorPlan;
  readonly product: ProductName;
  /** `kiln 2.9.0` */
  readonly target: string;
  /** When the opening of the window ends. */
  readonly closesAtMs: EpochMs;
}

/** Either the state with which the default may move, or what is done instead. */
export type Mirrored = { readonly go: RolloutState } | { readonly wait: Advanced };

/** Asked when all else speaks for moving the default. */
export function mirrorFirst(
  state: RolloutState,
  turn: Turn,
  { step, closesAtMs }: { readonly step: DefaultState; readonly closesAtMs: EpochMs },
): Mirrored {
  const plan = mirrorPlanOf(state.plan.default);
  const known = step.mirror ?? null;
  if (plan === null || (known?.waived ?? null) !== null) return { go: state };
  const { nowMs } = turn;
  const { product } = step;
  const target = `${product} ${state.plan.targets[product] ?? ""}`;
  const question: Question = { state, nowMs, plan, product, target, closesAtMs };
  if (known?.result === "too-few") return { wait: askPerson(question, known) };
  if (known === null || known.result !== null) return { wait: begin(question, null) };
  const fact = own(turn.observations.mirrors, product);
  const counts = fact?.run === known.run ? fact.counts : known.counts;
  const isSame = canonicalJson(counts) === canonicalJson(known.counts);
  const seen = isSame ? known : { ...known, counts };
  // Ticks were missed while its window closed and opened again: edges have stopped, so the maps must say it anew.
  const isStale = seen.untilMs !== null && nowMs >= seen.untilMs;
  if (seen.sinceMs === null || isStale) return { wait: begin(question, seen) };
  return look(question, seen, { isSame, isFresh: fact?.run === known.run });
}

/** Begins, or goes on with what an interruption left; either way the maps say it from now on. */
function begin(question: Question, left: MirrorState | null): Advanced {
  const { state, nowMs, product, target, closesAtMs } = question;
  const before = left ?? {
    // With the time, because a restore may bring the same step about once more.
    run: `${state.plan.id}/${product}/${nowMs.toString(36)}-${state.step + 1}`,
    startedMs: nowMs,
    sinceMs: null,
    untilMs: null,
    spentMs: 0,
    counts: NOTHING_COMPARED,
    result: null,
    waived: null,
  };
  const mirror: MirrorState = { ...interrupted(before, nowMs), sinceMs: nowMs, untilMs: closesAtMs };
  const why = `requests of unknown accounts are mirrored to ${target}`;
  const next = waiting({ ...question, state: withMirror(state, product, mirror) }, mirror);
  return wanting(next, [{ kind: "publish", why }], [why]);
}

/**
 * Judges what was compared. Only what the meters say now is a pass: while they are silent nobody knows what the last
 * requests were answered, and the ones known may all have been before something broke. A failure stands all the same.
 */
function look(
  question: Question,
  mirror: MirrorState,
  { isSame, isFresh }: { readonly isSame: boolean; readonly isFresh: boolean },
): Mirrored {
  const { state, nowMs, plan, product, target } = question;
  const ended = (change: Partial<MirrorState>): RolloutState =>
    withMirror(state, product, { ...mirror, ...change });
  const verdict = judgeMirror(plan, mirror.counts);
  const spentMs = mirroredMs(mirror, nowMs);
  if (verdict === "fail") {
    const reason = `${target} answers mirrored requests of unknown accounts worse than the default does: ${describeCounts(plan, mirror.counts)}`;
    return { wait: pauseItself(ended({ result: "failed" }), "mirror", reason) };
  }
  if (verdict === "pass" && isFresh && spentMs >= plan.minutes * MINUTE_MS) {
    return { go: withMirror(state, product, { ...interrupted(mirror, nowMs), result: "passed" }) };
  }
  if (spentMs >= plan.waitMinutes * MINUTE_MS) {
    const few: MirrorState = { ...mirror, result: "too-few" };
    return { wait: askPerson({ ...question, state: ended({ result: "too-few" }) }, few) };
  }
  return { wait: quietly(waiting({ ...question, state: isSame ? state : ended({}) }, mirror)) };
}

function waiting({ state, nowMs, plan, target }: Question, mirror: MirrorState): RolloutState {
  const spentMs = mirroredMs(mirror, nowMs);
  const at = (minutes: number): EpochMs => nowMs + minutes * MINUTE_MS - spentMs;
  const left = Math.ceil((plan.minutes * MINUTE_MS - spentMs) / MINUTE_MS);
  const time = left > 0 ? `; ${left} more minutes` : "";
  return enter(state, {
    phase: "default-pending",
    cause: "mirror",
    reason: `Requests of unknown accounts are mirrored to ${target}: ${describeCounts(plan, mirror.counts)}${time}`,
    nextAtMs: left > 0 ? at(plan.minutes) : at(plan.waitMinutes),
    deadlineMs: at(plan.waitMinutes),
  });
}

function askPerson({ state, plan, product, target }: Question, { counts, run }: MirrorState): Advanced {
  const what =
    comparedOf(counts) === 0
      ? `no request of an unknown account could be compared on ${target}`
      : `too few requests of unknown accounts were compared on ${target}: ${describeCounts(plan, counts)}`;
  const reason = `The default of ${product} stays, because ${what}. Approve "${product}" to move it all the same, or pause and resume to measure again`;
  const next = enter(state, { phase: "default-pending", cause: "approval", reason });
  return notifyOnce(next, `mirror-few ${run}`, { level: "ticket", text: `${state.plan.id}: ${reason}` });
}
