/**
 * The phase `rolling-back`: split groups where labels ask for it, probe where it leads, put homes back that were written
 * already, then lower thresholds, at once or at a pace, and put the defaults back. Windows and freezes are not asked.
 * A probe that fails holds until a person confirms; one that says nothing holds an automatic rollback only: people who
 * roll back know more than a probe that cannot connect. What was lowered is a new generation like any other.
 */
import type { FrozenGroup, Rollback, RolloutState } from "../../../contracts/rollout.ts";
import type { Advanced } from "../../../contracts/rollout-input.ts";
import { MINUTE_MS } from "../../calendar/memo.ts";
import { counted } from "../../counted.ts";
import { own } from "../../record.ts";
import type { ProductName } from "../../../contracts/units.ts";
import { holdBack } from "../data/back.ts";
import { moveRule, type MoveRule } from "../data/rule.ts";
import { defaultReturn } from "../failure.ts";
import { gainOf } from "../pace.ts";
import { defaultsMoved, probeKey, returnProblems, returnVersions } from "../rollback.ts";
import { andThen, enter, notifyOnce, pauseItself, quietly, wanting, type Wanted } from "../state.ts";
import { countBetween } from "../thresholds.ts";
import type { PhaseHandler, Turn } from "../turn.ts";

/** How long an answer of the probes is waited for: a rollback is urgent. */
export const PROBE_PATIENCE_MS = MINUTE_MS;

function hold(state: RolloutState, cause: RolloutState["cause"], reason: string): RolloutState {
  return enter(state, {
    phase: "rolling-back",
    cause,
    reason,
    deadlineMs: state.sinceMs + PROBE_PATIENCE_MS,
  });
}

/** Null: go on. */
function probeTrouble(state: RolloutState, turn: Turn, rollback: Rollback): Advanced | null {
  if (state.groups.moved.every((threshold) => threshold === 0)) return null; // nobody goes anywhere
  const probes = returnVersions(state).map(({ product, version }) => {
    const key = probeKey(product, version);
    const fact = own(turn.observations.probes, key);
    return { key, fact: fact !== undefined && fact.atMs >= rollback.askedMs ? fact : undefined };
  });
  const failed = probes.filter(({ fact }) => fact?.verdict === "fail");
  if (failed.length > 0) {
    if (rollback.confirmed) return null;
    const names = failed.map(({ key, fact }) => `${key}: ${fact?.sentence ?? ""}`).join("; ");
    const text = `it would lead to a version that fails (${names}); confirm the rollback to go on`;
    // Automatic or not, nobody is sent to a version that is seen to fail.
    return pauseItself({ ...state, rollback: null }, "probe", text);
  }
  const unheard = probes.filter(({ fact }) => fact?.verdict !== "pass");
  if (unheard.length === 0) return null;
  const open = unheard.some(({ fact }) => fact === undefined);
  const names = unheard.map(({ key }) => key).join(", ");
  if (open && turn.nowMs - rollback.askedMs < PROBE_PATIENCE_MS) {
    return quietly(hold(state, "probe", `Probing ${names} before accounts go back`));
  }
  if (!rollback.automatic) return null;
  return pauseItself(
    { ...state, rollback: null },
    "probe",
    `nothing was heard from ${names}, so it does not roll back by itself`,
  );
}

/** Thresholds one step further down, and which groups have lost somebody. */
function lower(
  state: RolloutState,
  turn: Turn,
  rollback: Rollback,
): { state: RolloutState; accounts: number; done: boolean } {
  const gain = gainOf(rollback.paceBpPerMinute, rollback.steppedMs, turn.nowMs);
  const barredMs = [...state.groups.barredMs];
  let accounts = 0;
  const moved = state.groups.moved.map((now, index) => {
    const goal = Math.min(now, rollback.goal[index] ?? 0);
    const next = Math.max(goal, now - gain.gained);
    if (goal < now) barredMs[index] = turn.nowMs;
    accounts += countOf(turn.frozen[index], next, now);
    return next;
  });
  const done = moved.every((now, index) => now <= (rollback.goal[index] ?? 0));
  const groups = { ...state.groups, moved, barredMs };
  return { state: { ...state, groups, rollback: { ...rollback, steppedMs: gain.pacedMs } }, accounts, done };
}

function countOf(group: FrozenGroup | undefined, from: number, to: number): number {
  return group === undefined ? 0 : countBetween(group, from, to);
}

/** Defaults that this rollout has moved go back, but for those whose version before must not take anybody any more. */
function defaultsBack(state: RolloutState, turn: Turn): { state: RolloutState; wanted: Wanted[] } {
  const put = new Set<ProductName>();
  const notified = [...state.notified];
  const wanted: Wanted[] = [];
  for (const { product, before } of state.defaults) {
    if (before === null || !defaultsMoved(state).includes(product)) continue;
    const { to, problem } = defaultReturn(turn.observations.facts, product, before);
    const expected = state.plan.targets[product] ?? "";
    const key = `default-stays ${product}`;
    if (problem === null) {
      put.add(product);
      wanted.push({ kind: "set-default", product, expected, to });
    } else if (!notified.includes(key)) {
      notified.push(key);
      const text = `${state.plan.id}: the default of ${product} stays on ${expected}: ${problem}`;
      wanted.push({ kind: "notify", level: "page", text });
    }
  }
  if (wanted.length === 0) return { state, wanted };
  const defaults = state.defaults.map((step) =>
    put.has(step.product) ? { ...step, putBackMs: state.clockMs } : step,
  );
  return { state: { ...state, defaults, notified }, wanted };
}

function finish(state: RolloutState, rollback: Rollback): RolloutState {
  const whole = rollback.scope.kind === "all";
  const cleared = { ...state, rollback: null, settle: null };
  const { by, automatic, reason: why, askedMs, scope } = rollback;
  const wentBack = { by, automatic, reason: why, askedMs, scope };
  if (whole)
    return enter(
      { ...cleared, wentBack },
      { phase: "rolled-back", cause: "done", reason: `Rolled back: ${rollback.reason}` },
    );
  const reason = `Rolled back in part (${rollback.reason}); resume goes on without these accounts, or with them by --again`;
  const paused = { by: rollback.by, atMs: state.clockMs, reason };
  return enter({ ...cleared, paused }, { phase: "paused", cause: "rollback", reason });
}

/** What it leads to may have been marked bad or retired since it began: then nobody goes there any more. */
function closedOnTheWay(state: RolloutState, turn: Turn, { goal }: Rollback): Advanced | null {
  const going = state.groups.moved.some((now, index) => now > (goal[index] ?? 0));
  const closed = going ? returnProblems(state, turn.observations.facts) : [];
  if (closed.length === 0) return null;
  return pauseItself(
    { ...state, rollback: null },
    "version",
    `it goes back no further: ${closed.join("; ")}`,
  );
}

function lowerAndPublish(state: RolloutState, turn: Turn, rollback: Rollback): Advanced {
  const closed = closedOnTheWay(state, turn, rollback);
  if (closed !== null) return closed;
  // The default moved last, so it is the first to go back, whichever wave it goes back to.
  const back = rollback.scope.kind !== "where" ? defaultsBack(state, turn) : { state, wanted: [] };
  const rule = moveRule(back.state, turn.observations.facts);
  if (rule.holds) return lowerHeld(back, turn, { rollback, rule });
  const lowered = lower(back.state, turn, rollback);
  const { accounts } = lowered;
  const why = `rolled back ${counted(accounts, "account")}`;
  const publish: Wanted[] = accounts > 0 || lowered.done ? [{ kind: "publish", why }] : [];
  const happened = publish.length > 0 ? [why] : [];
  if (lowered.done) return wanting(finish(lowered.state, rollback), [...back.wanted, ...publish], happened);
  const where = {
    phase: "rolling-back",
    cause: "rollback",
    reason: `rolling back: ${rollback.reason}`,
  } as const;
  return wanting(
    enter(lowered.state, { ...where, nextAtMs: turn.nowMs + MINUTE_MS }),
    [...back.wanted, ...publish],
    happened,
  );
}

/** Where data or versions must not mix, accounts go back a batch at a time, held in between. */
function lowerHeld(
  { state, wanted }: { state: RolloutState; wanted: Wanted[] },
  turn: Turn,
  of: { rollback: Rollback; rule: MoveRule },
): Advanced {
  const reason = `rolling back: ${of.rollback.reason}`;
  const on = enter(state, {
    phase: "rolling-back",
    cause: "rollback",
    reason,
    nextAtMs: turn.nowMs + MINUTE_MS,
  });
  return andThen(wanting(on, wanted), (next) => {
    const held = holdBack(next, turn, of);
    if (held !== null) return held;
    const publish: Wanted = { kind: "publish", why: "rolled back" };
    return wanting(finish(next, of.rollback), [publish], ["rolled back"]);
  });
}

/** Homes that were written are put back while the thresholds still stand, so that this changes no decision. */
function homesBack(state: RolloutState, turn: Turn, rollback: Rollback): Advanced {
  if (state.settle === null || state.settle.askedMs === null) return lowerAndPublish(state, turn, rollback);
  if (rollback.stage === "homes" && turn.observations.homes === "restored") {
    return lowerAndPublish({ ...state, settle: null }, turn, { ...rollback, stage: "lowering" });
  }
  const next = hold(
    { ...state, rollback: { ...rollback, stage: "homes" } },
    "homes",
    "Homes are being put back first",
  );
  return rollback.stage === "homes" ? quietly(next) : wanting(next, [{ kind: "restore-homes" }]);
}

/** One look at a rollback. */
export const inRollback: PhaseHandler = (state, turn) => {
  const { rollback } = state;
  if (rollback === null) throw new Error(`rollout ${state.plan.id} is rolling back to nothing`);
  if (rollback.stage === "splitting") {
    const waiting = quietly(
      hold(state, "rollback", "Accounts of the label are being put into groups of their own"),
    );
    return andThen(waiting, (same) =>
      turn.nowMs - rollback.askedMs < 10 * PROBE_PATIENCE_MS
        ? quietly(same)
        : notifyOnce(same, `split-late ${rollback.askedMs}`, {
            level: "page",
            text: `${state.plan.id}: groups are still being split`,
          }),
    );
  }
  if (rollback.stage === "probing") {
    const trouble = probeTrouble(state, turn, rollback);
    if (trouble !== null) return trouble;
    return homesBack({ ...state, rollback: { ...rollback, stage: "lowering" } }, turn, {
      ...rollback,
      stage: "lowering",
    });
  }
  return rollback.stage === "homes" || state.settle !== null
    ? homesBack(state, turn, rollback)
    : lowerAndPublish(state, turn, rollback);
};
