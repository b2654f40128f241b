/**
 * A rollout as people and programs see it: phases, waves with their progress, who is left behind by now. Shapes are those
 * of `contracts/api/rollouts`; the revision is control's. Pure; counts come from the frozen buckets.
 */
import type { MirrorView } from "../../contracts/api/mirror.ts";
import type { RolloutView, WaveView } from "../../contracts/api/rollouts.ts";
import type { MirrorPlan, MirrorState } from "../../contracts/mirror.ts";
import type { LeftBehind, Observations } from "../../contracts/rollout-input.ts";
import type { DefaultState, FrozenGroup, RolloutState } from "../../contracts/rollout.ts";
import type { CoveredClass } from "../../contracts/preflight.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { comparedOf, NOTHING_COMPARED } from "../mirror.ts";
import type { SeenRequests } from "../preflight/verdict.ts";
import { movedAccounts, targetOf } from "./groups.ts";
import { mirroredMs, mirrorPlanOf } from "./phases/mirror.ts";
import { countBetween } from "./thresholds.ts";

export interface ViewContext {
  readonly frozen: readonly FrozenGroup[];
  /** Of the start; accounts that came later are counted by control. */
  readonly leftBehind: readonly LeftBehind[];
  readonly gates: Observations["gates"];
  /** Requests of moved accounts since the wave at hand was done; null: not known. */
  readonly requests: number | null;
  /** Requests by class that each target answered well since the start, real and synthetic. */
  readonly coverage: readonly {
    readonly product: ProductName;
    readonly version: VersionName;
    readonly classes: Readonly<Record<CoveredClass, SeenRequests>>;
  }[];
  readonly createdLater: number;
  /** It is over, and `leftBehind` is of its end: nothing has to be added. Left out: no. */
  readonly listed?: boolean;
  readonly revision: number;
}

const BP_PER_PERCENT = 100;

const shown = (atMs: EpochMs): string => new Date(atMs).toISOString();
const maybe = (atMs: EpochMs | null): string | null => (atMs === null ? null : shown(atMs));

function waveView(state: RolloutState, wave: number, context: ViewContext): WaveView {
  const { frozen, gates } = context;
  let accounts = 0;
  let moved = 0;
  for (const [index, group] of frozen.entries()) {
    const from = wave === 0 ? 0 : targetOf(state, index, { group, wave: wave - 1 });
    const to = Math.max(from, targetOf(state, index, { group, wave }));
    accounts += countBetween(group, from, to);
    moved += countBetween(group, from, Math.min(to, state.groups.moved[index] ?? 0));
  }
  const known = state.waves[wave];
  const approved = known?.approved ?? null;
  return {
    name: state.plan.waves[wave]?.name ?? "",
    accounts,
    moved,
    progress: accounts === 0 ? ((known?.shiftedMs ?? null) === null ? 0 : 1) : moved / accounts,
    verdict: gates[wave]?.verdict ?? null,
    requests: wave === state.wave ? context.requests : null,
    threshold: known?.threshold ?? 0,
    approved: approved === null ? null : { by: approved.by, at: shown(approved.atMs) },
    firstMoveAt: maybe(known?.firstMoveMs ?? null),
    shiftedAt: maybe(known?.shiftedMs ?? null),
    bakedAt: maybe(known?.bakedMs ?? null),
  };
}

function mirrorView(plan: MirrorPlan, mirror: MirrorState | null, clockMs: EpochMs): MirrorView {
  const counts = mirror?.counts ?? NOTHING_COMPARED;
  const compared = comparedOf(counts);
  const { same, different, worse, slower, skipped, timed } = counts;
  const idle = mirror === null ? "waiting" : "interrupted";
  const running = mirror?.sinceMs == null ? idle : "mirroring";
  const percent = (share: number): number => Number(share.toFixed(2));
  return {
    state: mirror?.result ?? running,
    percent: plan.shareBp / BP_PER_PERCENT,
    minutes: {
      mirrored: mirror === null ? 0 : Math.floor(mirroredMs(mirror, clockMs) / MINUTE_MS),
      wanted: plan.minutes,
    },
    compared,
    wanted: plan.requests,
    same,
    different,
    worse,
    worsePercent: compared === 0 ? null : percent((100 * worse) / compared),
    toleratedPercent: plan.worseBp / BP_PER_PERCENT,
    slower,
    skipped,
    meanMs:
      timed === 0
        ? null
        : { default: percent(counts.defaultMs / timed), candidate: percent(counts.candidateMs / timed) },
    waived: mirror?.waived == null ? null : { by: mirror.waived.by, at: shown(mirror.waived.atMs) },
  };
}

function defaultView(step: DefaultState, state: RolloutState): RolloutView["defaults"][number] {
  const plan = mirrorPlanOf(state.plan.default);
  const mirror = step.mirror ?? null;
  // Somebody set the default by hand: there was nothing to mirror.
  if (plan === null || (mirror === null && step.bakedMs !== null)) return moveView(step);
  return { ...moveView(step), mirror: mirrorView(plan, mirror, state.clockMs) };
}

function moveView({ product, movedMs, bakedMs, putBackMs }: DefaultState): RolloutView["defaults"][number] {
  if (putBackMs !== null) return { product, state: "put-back", at: shown(putBackMs) };
  if (bakedMs !== null) return { product, state: "baked", at: shown(bakedMs) };
  return { product, state: movedMs === null ? "pending" : "moved", at: maybe(movedMs) };
}

/** Accounts that it has not moved, by reason: those of the start, those it moved back, those that came too late. */
export function leftBehindNow(state: RolloutState, context: ViewContext): readonly LeftBehind[] {
  if (context.listed === true) return context.leftBehind;
  const counts = { "rolled-back": 0, late: 0, "not-reached": 0, "created-later": context.createdLater };
  for (const [index, group] of context.frozen.entries()) {
    const moved = state.groups.moved[index] ?? 0;
    const peak = state.groups.peak[index] ?? 0;
    counts["rolled-back"] += countBetween(group, moved, peak);
    const never = group.buckets.length - countBetween(group, 0, Math.max(moved, peak));
    if ((state.groups.fromWave[index] ?? 0) > 0) counts.late += never;
    else counts["not-reached"] += never;
  }
  const reasons = ["rolled-back", "late", "not-reached", "created-later"] as const;
  const now = reasons.map((reason) => ({ reason, accounts: counts[reason], examples: [] }));
  return [...context.leftBehind, ...now.filter(({ accounts }) => accounts > 0)];
}

/** Whose rollback it is, or was. */
function rollbackView({ rollback, wentBack }: RolloutState): RolloutView["rollback"] {
  const known = rollback ?? wentBack;
  if (known === undefined) return null;
  const { by, automatic, reason, askedMs, scope } = known;
  return {
    by,
    automatic,
    at: shown(askedMs),
    reason,
    scope: scope.kind,
    toWave: scope.kind === "to-wave" ? scope.wave : null,
    stage: rollback?.stage ?? "done",
  };
}

/** What `rollout show` prints. */
export function rolloutView(state: RolloutState, context: ViewContext): RolloutView {
  const { plan, paused } = state;
  return {
    id: plan.id,
    targets: { ...plan.targets },
    phase: state.phase,
    cause: state.cause,
    reason: state.reason,
    nextAt: maybe(state.nextAtMs),
    deadline: maybe(state.deadlineMs),
    wave: state.wave < plan.waves.length ? state.wave : null,
    waves: plan.waves.map((_, wave) => waveView(state, wave, context)),
    defaults: state.defaults.map((step) => defaultView(step, state)),
    paused: paused === null ? null : { by: paused.by, at: shown(paused.atMs), reason: paused.reason },
    rollback: rollbackView(state),
    coverage: context.coverage.map(({ product, version, classes }) => ({
      product,
      version,
      known: { ...classes.known },
      unknown: { ...classes.unknown },
      none: { ...classes.none },
      ip: { ...classes.ip },
    })),
    accounts: context.frozen.reduce((sum, { buckets }) => sum + buckets.length, 0),
    moved: movedAccounts(state, context.frozen),
    digest: state.digest,
    salt: state.salt,
    startedAt: maybe(state.startedMs),
    clock: shown(state.clockMs),
    leftBehind: leftBehindNow(state, context).map((left) => ({ ...left, examples: [...left.examples] })),
    revision: context.revision,
  };
}
