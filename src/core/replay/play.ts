/**
 * Plays a recording through the engine and the gates: what would have happened had this been in place, and which rule
 * would have stopped it when. Pure: the same recording gives the same answer. Called by the command line.
 */
import type { Recording } from "../../contracts/api/replay.ts";
import type { RolloutState } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { MINUTE_MS } from "../calendar/memo.ts";
import { isTerminal } from "../rollout/state.ts";
import type { ReplayPreflight } from "./answers.ts";
import { ReplayWorld, type ReplayStep } from "./world.ts";

export interface Replayed {
  readonly accounts: number;
  /** Each change of phase or cause, oldest first. */
  readonly steps: readonly ReplayStep[];
  /** What stopped it; null: it went through to its end, or only waited for its windows. */
  readonly stopped: (ReplayStep & { readonly rule: string }) | null;
  readonly last: ReplayStep;
  readonly notices: readonly { readonly atMs: EpochMs; readonly text: string }[];
}

/** What has held for less at the end is a wait like any other. */
const HELD_MS = 60 * MINUTE_MS;
const RULES: Readonly<Partial<Record<RolloutState["cause"], string>>> = {
  preflight: "preflight",
  coverage: "request-class coverage",
  gate: "gate",
  mirror: "mirrored requests of unknown accounts",
  version: "a version marked bad",
  default: "the watch over the default",
};

const STOPPED: readonly RolloutState["phase"][] = [
  "preflight-failed",
  "paused",
  "rolling-back",
  "rolled-back",
];

/** Whether a rule holds it from this step to the end, whatever else is waited for meanwhile, and nobody moved after it. */
function holds(step: ReplayStep, later: readonly ReplayStep[], endMs: EpochMs): boolean {
  if (RULES[step.cause] === undefined || endMs - step.atMs < HELD_MS) return false;
  return later.every(({ phase, moved }) => phase === step.phase && moved === step.moved);
}

/** The first step that stopped it, else the first from which on it was held to the end. What passes is a wait. */
function stoppedBy(steps: readonly ReplayStep[], endMs: EpochMs): Replayed["stopped"] {
  const stop = steps.find(({ phase }) => STOPPED.includes(phase));
  const step = stop ?? steps.find((one, index) => holds(one, steps.slice(index + 1), endMs));
  return step === undefined ? null : { ...step, rule: RULES[step.cause] ?? step.cause };
}

/**
 * Plays a recording to its end, or until nothing can happen any more.
 * @throws RangeError when it cannot be started as it was planned, with why.
 */
export function replay(recording: Recording, preflight: ReplayPreflight): Replayed {
  const player = new ReplayWorld(recording, preflight);
  const untilMs = Date.parse(recording.until);
  player.start();
  while (player.nowMs < untilMs && !isTerminal(player.state)) player.minute();
  const { steps, notices, accounts, nowMs } = player;
  const last = steps.at(-1);
  if (last === undefined) throw new Error("a replay has at least its start");
  return { accounts: accounts.length, steps, stopped: stoppedBy(steps, nowMs), last, notices };
}
