/**
 * `rollout start`, `pause`, `resume`, `approve`, `waive-gate` and `stop`. None sends the revision by itself: the engine
 * raises it every minute, and a pause must never be refused for that. What guards against surprises is named instead:
 * the digest of the plan, the index of the wave.
 */
import { InvalidArgumentError, type Command } from "commander";
import {
  ApproveInputSchema,
  PauseInputSchema,
  ResumeInputSchema,
  RolloutSchema,
  StartInputSchema,
  StopInputSchema,
  WaiveGateInputSchema,
  type RolloutView,
} from "../../src/contracts/api/rollouts.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { RUN } from "./command-line.ts";
import { count } from "./render.ts";
import { rolloutAdvice } from "./rollout-advice.ts";
import { rolloutLine } from "./rollout-render.ts";
import { findApproval, findWave, pathOf, ROLLOUT_ID, type Approval } from "./rollout-words.ts";
import { addVerb, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const AGAIN: OptionSpec = {
  flags: "--again",
  about: "accounts that were rolled back may go forward once more",
};
const WHY: OptionSpec = { flags: "--reason <text>", about: "why; kept in the audit" };
const WAVE = { name: "<wave>", about: "its name, or its number as `rollout show` counts" };

export function addRolloutChanges(object: Command, context: ProgramContext): void {
  addStart(object, context);
  addPauseAndStop(object, context);
  addResume(object, context);
  addApprove(object, context);
  addWaiveGate(object, context);
}

/** What became of it, and what to do next. */
function renderDone(view: RolloutView): string {
  return `${rolloutLine(view)}\nWhat to do: ${rolloutAdvice(view)}\n`;
}

/** Sends one step of a rollout. */
function step(session: Session, verb: string, body: unknown): Promise<void> {
  const request = { method: "POST", path: pathOf(session, `/${verb}`), body } as const;
  return change(session, { schema: RolloutSchema, request, render: renderDone });
}

function toDigest(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError(
    `It is the digest that \`${RUN}rollout plan\` prints: 64 digits and letters a to f.`,
  );
}

function addStart(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "start",
      summary: "start a draft: preflight, then its first wave",
      seeAlso: ["rollout plan", "rollout watch", "preflight run", "rollout pause"],
      arguments: [ROLLOUT_ID],
      options: [
        {
          flags: "--digest <digest>",
          about: "start what `rollout plan` printed, else refuse (default: whatever is planned now)",
          parse: toDigest,
        },
        AGAIN,
        WHY,
      ],
      changes: true,
      writes: true,
      examples: [
        "rollout start 2026-11-autumn --digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "rollout start 2026-11-autumn",
      ],
      run: (session) =>
        step(
          session,
          "start",
          toInput(StartInputSchema, {
            digest: session.words.maybe("digest"),
            again: session.words.on("again"),
            reason: session.words.maybe("reason"),
          }),
        ),
    },
    context,
  );
}

function addPauseAndStop(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "pause",
      summary: "move nobody until somebody resumes it; who has moved stays",
      seeAlso: ["rollout resume", "rollout rollback", "rollout stop", "halt on"],
      arguments: [ROLLOUT_ID],
      changes: true,
      reason: true,
      writes: true,
      examples: ['rollout pause 2026-11-autumn --reason "support sees slow searches"'],
      run: (session) =>
        step(session, "pause", toInput(PauseInputSchema, { reason: session.words.text("reason") })),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "stop",
      summary: "end it here: who has moved stays for good, nobody else moves",
      seeAlso: ["rollout rollback", "rollout pause", "rollout left-behind"],
      arguments: [ROLLOUT_ID],
      changes: true,
      reason: true,
      writes: true,
      examples: ['rollout stop 2026-11-autumn --reason "2.9.1 comes instead"'],
      run: (session) =>
        step(session, "stop", toInput(StopInputSchema, { reason: session.words.text("reason") })),
    },
    context,
  );
}

function addResume(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "resume",
      summary: "go on after a pause, or after a preflight that failed; preflight runs again",
      seeAlso: ["rollout show", "rollout watch", "rollout waive-gate"],
      arguments: [ROLLOUT_ID],
      options: [AGAIN, WHY],
      changes: true,
      writes: true,
      examples: ['rollout resume 2026-11-autumn --reason "searches are fast again"'],
      run: (session) =>
        step(
          session,
          "resume",
          toInput(ResumeInputSchema, {
            again: session.words.on("again"),
            reason: session.words.maybe("reason"),
          }),
        ),
    },
    context,
  );
}

function addApprove(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "approve",
      summary: "say yes to one wave, or to moving a default",
      seeAlso: ["rollout show", "rollout watch", "rollout pause"],
      arguments: [ROLLOUT_ID, { name: "<wave>", about: `${WAVE.about}; or default, default/PRODUCT` }],
      changes: true,
      writes: true,
      notes: ["It says how many accounts the wave moves. The same yes twice does nothing."],
      examples: ["rollout approve 2026-11-autumn rest", "rollout approve 2026-11-autumn default/kiln"],
      run: approve,
    },
    context,
  );
}

/** What saying yes does, in numbers. */
function consequence(view: RolloutView, approval: Approval): string {
  if (approval.kind === "default") {
    return `The default of ${approval.product} moves to ${view.targets[approval.product] ?? "its target"}: every request of an unknown account.`;
  }
  const wave = view.waves[approval.wave];
  if (wave === undefined) return "";
  const left = wave.accounts - wave.moved;
  const all = left === wave.accounts ? "" : `, ${count(wave.moved, "account")} of it have moved already`;
  return `Wave ${approval.wave} "${wave.name}" moves ${count(left, "account")}${all}.`;
}

async function approve(session: Session): Promise<void> {
  const { words, terminal } = session;
  const { value: view } = await session.api().send(RolloutSchema, { method: "GET", path: pathOf(session) });
  const approval = findApproval(words.text("wave"), view);
  terminal.err.write(session.json ? "" : `${consequence(view, approval)}\n`);
  const said = approval.kind === "wave" ? { wave: approval.wave } : { default: approval.product };
  await change(session, {
    schema: RolloutSchema,
    request: {
      method: "POST",
      path: pathOf(session, "/approve"),
      body: toInput(ApproveInputSchema, said),
    },
    render: (after) => `Approved. ${consequence(after, approval)}\n${renderDone(after)}`,
  });
}

function addWaiveGate(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "waive-gate",
      summary: "let a gate that came to no verdict pass, by name",
      seeAlso: ["rollout show", "gate test", "rollout resume"],
      arguments: [ROLLOUT_ID, WAVE],
      changes: true,
      reason: true,
      writes: true,
      notes: ["For the wave at hand. A gate that failed is not waived."],
      examples: ['rollout waive-gate 2026-11-autumn staff --reason "too few requests at night"'],
      run: async (session) => {
        const { words } = session;
        const { value: view } = await session
          .api()
          .send(RolloutSchema, { method: "GET", path: pathOf(session) });
        const body = { wave: findWave(words.text("wave"), view), reason: words.text("reason") };
        await step(session, "waive-gate", toInput(WaiveGateInputSchema, body));
      },
    },
    context,
  );
}
