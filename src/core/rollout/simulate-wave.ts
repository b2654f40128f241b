/**
 * When a wave would move whom, minute by minute with the engine's own pace and calendar: only groups that are open are
 * looked at, so that a plan over months of nights costs what its moving minutes cost. It assumes that nothing fails and
 * that a person says yes at once. Pure; called by plan.
 */
import type { FrozenGroup, RolloutPlan, WavePlan } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { MINUTE_MS, SEARCH_HORIZON_MS } from "../calendar/memo.ts";
import { type PlannedHold, simulatedBatch, type SimulatedStep } from "./data/simulate.ts";
import type { AskOpenness } from "./openness.ts";
import { capStep, gainOf } from "./pace.ts";

/** A group's threshold going from one value to another in a stretch of time. */
export interface MoveSegment {
  readonly wave: number;
  /** Index among the frozen groups. */
  readonly index: number;
  readonly fromMs: EpochMs;
  readonly untilMs: EpochMs;
  readonly from: number;
  readonly to: number;
}

export interface WaveRun {
  readonly segments: readonly MoveSegment[];
  /** When the last group was done; null when some group never is within 400 days. */
  readonly doneMs: EpochMs | null;
  /** Indices of groups that never open. */
  readonly never: readonly number[];
  /** When the account that was watched for moves; null: it does not in this wave, or none was. */
  readonly crossedMs: EpochMs | null;
}

/** One account: the index of its group, and its bucket. */
export interface Watched {
  readonly index: number;
  readonly bucket: number;
}

interface Pending {
  readonly index: number;
  readonly group: FrozenGroup;
  readonly target: number;
  moved: number;
  nextMs: EpochMs;
  closesMs: EpochMs;
  pacedMs: EpochMs | null;
  segment: { fromMs: EpochMs; from: number } | null;
}

export interface WaveQuestion {
  readonly wave: number;
  readonly plan: WavePlan;
  readonly startMs: EpochMs;
  /** Groups with something to move: index, where they stand, where they go. */
  readonly groups: readonly { index: number; group: FrozenGroup; moved: number; target: number }[];
  readonly ask: AskOpenness;
  /** Says when this account moves, to the minute. */
  readonly watch?: Watched | null | undefined;
  /** Where accounts are held while they move: how, and the plan that says how long. */
  readonly held?: { readonly plan: Pick<RolloutPlan, "data">; readonly hold: PlannedHold } | null;
}

/** Opens a group at `atMs`, or finds when to look again; false when it never opens. */
function open(pending: Pending, ask: AskOpenness, atMs: EpochMs): boolean {
  const answer = ask(pending.group, atMs);
  pending.pacedMs = null;
  if (!answer.allowed) {
    pending.nextMs = answer.nextAtMs ?? Infinity;
    return answer.nextAtMs !== null;
  }
  pending.closesMs = answer.closesAtMs;
  pending.segment = { fromMs: atMs, from: pending.moved };
  return true;
}

function close(pending: Pending, { wave, atMs }: { wave: number; atMs: EpochMs }, into: MoveSegment[]): void {
  const { segment, index, moved } = pending;
  if (segment !== null && moved > segment.from) {
    into.push({ wave, index, fromMs: segment.fromMs, untilMs: atMs, from: segment.from, to: moved });
  }
  pending.segment = null;
}

/** One minute of the groups that are open; those that are done are closed. @returns true when the watched one moved. */
function minute(
  openNow: readonly Pending[],
  { plan, wave, watch }: WaveQuestion,
  { atMs, movedAtMs, most, into }: { atMs: EpochMs; movedAtMs: EpochMs; most: number; into: MoveSegment[] },
): boolean {
  let accounts = 0;
  let crossed = false;
  for (const pending of openNow) {
    const gain = gainOf(plan.paceBpPerMinute, pending.pacedMs, atMs);
    const range = { from: pending.moved, to: Math.min(pending.target, pending.moved + gain.gained) };
    const step = capStep(pending.group, range, {
      budget: Math.min(plan.maxPerTick ?? Infinity, most) - accounts,
      mayExceed: accounts === 0,
    });
    accounts += step.accounts;
    crossed ||=
      watch?.index === pending.index && pending.moved <= watch.bucket && watch.bucket < step.threshold;
    pending.moved = step.threshold;
    pending.pacedMs = gain.pacedMs;
    if (pending.moved >= pending.target) close(pending, { wave, atMs: movedAtMs }, into);
  }
  return crossed;
}

/** Who moves in one step: everybody who is open, or a batch of them. */
function stepOf({ held }: WaveQuestion, open: readonly Pending[], atMs: EpochMs): SimulatedStep<Pending> {
  if (held == null) return { open, accounts: Infinity, movedAtMs: atMs, nextMs: null };
  return simulatedBatch(held, open, atMs);
}

/** Runs one wave from `startMs` until all its groups are done. */
export function simulateWave(question: WaveQuestion): WaveRun {
  const { ask, startMs, wave } = question;
  const segments: MoveSegment[] = [];
  const never: number[] = [];
  let left: Pending[] = question.groups.map((group) => ({
    ...group,
    nextMs: startMs,
    closesMs: 0,
    pacedMs: null,
    segment: null,
  }));
  let atMs = startMs;
  let doneMs = startMs;
  let crossedMs: EpochMs | null = null;
  while (left.length > 0 && atMs <= startMs + SEARCH_HORIZON_MS) {
    for (const pending of left) {
      if (pending.segment !== null && atMs >= pending.closesMs) {
        close(pending, { wave, atMs: pending.closesMs }, segments);
        pending.nextMs = atMs;
      }
      if (pending.segment === null && pending.nextMs <= atMs && !open(pending, ask, atMs))
        never.push(pending.index);
    }
    const openNow = left
      .filter(({ segment }) => segment !== null)
      .sort((a, b) => a.closesMs - b.closesMs || a.index - b.index);
    const step = stepOf(question, openNow, atMs);
    const { movedAtMs } = step;
    if (step.open.length > 0) {
      if (minute(step.open, question, { atMs, movedAtMs, most: step.accounts, into: segments }))
        crossedMs = movedAtMs;
      doneMs = movedAtMs;
    }
    left = left.filter(({ moved, target, nextMs }) => moved < target && nextMs !== Infinity);
    // Where what is left of every window is too short for a batch, nothing happens before it closes.
    const idle = openNow.length > 0 && step.open.length === 0;
    const next = left.reduce(
      (soonest, { segment, nextMs, closesMs }) =>
        Math.min(soonest, segment === null ? nextMs : idle ? closesMs : atMs + MINUTE_MS),
      Infinity,
    );
    atMs = Math.max(atMs + 1, next, step.nextMs ?? 0);
  }
  never.push(...left.map(({ index }) => index));
  return { segments, doneMs: never.length > 0 ? null : doneMs, never, crossedMs };
}
