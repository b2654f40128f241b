/**
 * What an operator can do about a rollout now: one sentence with the command to type. Total over the phases, so that no
 * phase leaves people without a next step. Pure; called where a rollout is shown.
 */
import type { RolloutView } from "../../src/contracts/api/rollouts.ts";
import type { RolloutPhase } from "../../src/contracts/rollout.ts";
import { RUN } from "./command-line.ts";
import { count, instant } from "./render.ts";

const ITSELF = "Nothing: it goes on by itself.";

/** `kiln 2.9.0`, or the word for it when there are several. */
function targetWords({ targets }: RolloutView): string {
  const [first, ...others] = Object.entries(targets);
  return first === undefined || others.length > 0 ? "PRODUCT VERSION" : first.join(" ");
}

function waveWord({ wave, waves }: RolloutView): string {
  return wave === null ? "WAVE" : (waves[wave]?.name ?? String(wave));
}

/** Waits that a person can end; null: nothing but time does. */
function waitAdvice(view: RolloutView): string | null {
  switch (view.cause) {
    case "halted":
      return `Halt is on: \`${RUN}halt off --reason …\` lets it go on.`;
    case "gate":
      return `Wait for more requests, or \`${RUN}rollout waive-gate ${view.id} ${waveWord(view)} --reason …\`.`;
    case "approval":
      return `\`${RUN}rollout approve ${view.id} ${waveWord(view)}\` goes on although the gate cannot tell.`;
    case "coverage":
      return `Send what has not been seen yet: \`${RUN}preflight ${targetWords(view)}\`.`;
    case "freeze":
      return `It goes on when the freeze ends; \`${RUN}freeze list\` shows it.`;
    case "version":
      return `Look at \`${RUN}version list\`: one that it needs is bad or not live.`;
    default:
      return null;
  }
}

function approvalAdvice(view: RolloutView): string {
  const wave = view.wave === null ? undefined : view.waves[view.wave];
  const moves = wave === undefined ? "" : ` It moves ${count(wave.accounts - wave.moved, "account")}.`;
  return `\`${RUN}rollout approve ${view.id} ${waveWord(view)}\`, or \`${RUN}rollout stop ${view.id} --reason …\`.${moves}`;
}

function defaultAdvice(view: RolloutView): string {
  const step = view.defaults.find(({ state }) => state === "pending");
  if (view.cause === "approval" && step !== undefined) {
    const approve = `\`${RUN}rollout approve ${view.id} default/${step.product}\``;
    return step.mirror?.state === "too-few"
      ? `${approve} moves it without; \`${RUN}rollout pause ${view.id} --reason …\` and \`resume\` measure again.`
      : `${approve}.`;
  }
  return waitAdvice(view) ?? ITSELF;
}

const ADVICE: { readonly [P in RolloutPhase]: (view: RolloutView) => string } = {
  draft: ({ id }) =>
    `\`${RUN}rollout plan ${id}\`, then \`${RUN}rollout start ${id} --digest …\` with the digest it prints.`,
  preflight: () => "Nothing: it goes on when the targets pass.",
  "preflight-failed": (view) =>
    `\`${RUN}preflight show ${targetWords(view)} --all\` has the bytes. Mend it and \`${RUN}rollout resume ${view.id}\`, or \`${RUN}preflight waive\` by name.`,
  waiting: (view) =>
    waitAdvice(view) ??
    (view.nextAt === null
      ? "Read the reason: only that ends the wait."
      : `${ITSELF.slice(0, -1)} at ${instant(view.nextAt)}.`),
  shifting: () => ITSELF,
  baking: (view) => waitAdvice(view) ?? ITSELF,
  "awaiting-approval": approvalAdvice,
  paused: ({ id }) =>
    `\`${RUN}rollout resume ${id}\`, \`${RUN}rollout rollback ${id} --all --reason …\` or \`${RUN}rollout stop ${id} --reason …\`.`,
  "rolling-back": () => `Watch it: \`${RUN}status\` shows how far the new maps have spread.`,
  "rolled-back": () => "Nothing: it is over, everybody is where they were.",
  "default-pending": defaultAdvice,
  "default-baking": ({ id }) =>
    `Nothing: the default is watched. \`${RUN}rollout rollback ${id} --all --reason …\` puts it back.`,
  settling: () => "Nothing: homes are being written, no decision changes.",
  completed: ({ id, leftBehind }) =>
    leftBehind.some(({ accounts }) => accounts > 0)
      ? `It is over. \`${RUN}rollout left-behind ${id}\` lists who stayed; \`${RUN}rollout adopt NEW --from ${id}\` takes them along.`
      : "Nothing: it is over.",
  stopped: ({ id }) => `It is over. \`${RUN}rollout adopt NEW --from ${id}\` takes along who was not moved.`,
};

/** What to do now, in one or two sentences. */
export function rolloutAdvice(view: RolloutView): string {
  return ADVICE[view.phase](view);
}
