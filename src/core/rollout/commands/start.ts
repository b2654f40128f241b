/**
 * `start`: freezes what the rollout sees of the accounts, remembers what a rollback restores, and asks for preflight.
 * Refused when another rollout has one of its products (a queue that starts by itself on a Saturday is a trap) and when
 * the world is not the one that was planned.
 */
import { ok } from "../../../contracts/result.ts";
import type { CommandContext, RolloutCommand } from "../../../contracts/rollout-input.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import { moveRule } from "../data/rule.ts";
import { freshData } from "../data/state.ts";
import { freshColumns } from "../groups.ts";
import { enter, wanting, type Wanted } from "../state.ts";
import { waveThresholds } from "../thresholds.ts";
import { pairProblem, targetProblem } from "../versions.ts";
import { PREFLIGHT_PATIENCE_MS } from "../health.ts";
import { type CommandResult, refuse } from "./refuse.ts";

type Start = Extract<RolloutCommand, { kind: "start" }>;

function worldProblems(state: RolloutState, { facts }: CommandContext): readonly string[] {
  const targets = Object.entries(state.plan.targets).map(([product, version]) =>
    targetProblem(facts, product, version),
  );
  return [...targets, pairProblem(facts, state.plan.targets)].filter((message) => message !== null);
}

/** Why it may not start; null when it may. */
function obstacle(state: RolloutState, command: Start, context: CommandContext): CommandResult | null {
  if (state.phase !== "draft") return refuse(state, `${state.plan.id} was started before`);
  const other = command.others.find(({ products }) =>
    products.some((product) => product in state.plan.targets),
  );
  if (other !== undefined) {
    return refuse(state, `rollout ${other.id} has the same product; let it end, or stop it, first`, {
      other: other.id,
    });
  }
  const { digest } = command.frozen;
  if (command.requiredDigest !== null && command.requiredDigest !== digest) {
    return refuse(state, "plan or accounts have changed since the plan was made; plan again", {
      problem: "stale-revision",
      digest,
    });
  }
  const problems = worldProblems(state, context);
  return problems.length === 0 ? null : refuse(state, problems.join("; "), { problems });
}

/** Starts a draft. Nobody moves: it goes to `preflight`. */
export function start(state: RolloutState, command: Start, context: CommandContext): CommandResult {
  const refused = obstacle(state, command, context);
  if (refused !== null) return refused;
  const { frozen } = command;
  const { plan } = state;
  const thresholds = waveThresholds(plan.waves, frozen.groups);
  const begun: RolloutState = {
    ...state,
    digest: frozen.digest,
    startedMs: context.nowMs,
    waves: state.waves.map((wave, index) => ({ ...wave, threshold: thresholds[index] ?? 0 })),
    groups: freshColumns(frozen.groups),
    labelKeys: frozen.labelKeys,
    origins: frozen.origins,
    preflightAskedMs: context.nowMs,
    defaults: plan.default === null ? [] : Object.keys(plan.targets).map(freshDefault),
  };
  const next = enter(begun, {
    phase: "preflight",
    cause: "preflight",
    reason: "Waiting for the preflight of every target",
    deadlineMs: context.nowMs + PREFLIGHT_PATIENCE_MS,
  });
  const runs = Object.entries(plan.targets).map(([product, version]): Wanted => ({
    kind: "run-preflight",
    product,
    version,
    why: "before-start",
  }));
  const rule = moveRule(next, context.facts);
  // The publish that follows the runs is the one whose settling the first batch waits for.
  const data = freshData(rule.never, next.step + runs.length + 1);
  return ok(
    wanting(
      rule.holds ? { ...next, data } : next,
      [...runs, { kind: "publish", why: "the rollout is in the maps; nobody has moved" }],
      ["started"],
    ),
  );
}

function freshDefault(product: string): RolloutState["defaults"][number] {
  return { product, approved: null, movedMs: null, before: null, bakedMs: null, putBackMs: null };
}
