/**
 * `rollout watch`: shows a rollout until it is over. On a screen it redraws in place; elsewhere it writes a line whenever
 * something has changed, with `--json` one document a line. A control plane that is away for a while does not end it,
 * because a watch runs over nights; a rollout that cannot be read at the very first does.
 */
import type { Command } from "commander";
import { PROBLEM_BASE } from "../../src/contracts/problems.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { TERMINAL_PHASES } from "../../src/contracts/rollout.ts";
import { wholeFrom } from "./arguments.ts";
import type { Answer } from "./client.ts";
import { CLI_PROBLEM_BASE, Failure } from "./failure.ts";
import { renderRollout, rolloutLine } from "./rollout-render.ts";
import { pathOf, ROLLOUT_ID } from "./rollout-words.ts";
import { addVerb, type ProgramContext, type Session } from "./verb.ts";

const EVERY_SECONDS = 5;
/** Whatever passes by itself: the next look may find it gone. */
const PASSING: readonly string[] = [
  `${CLI_PROBLEM_BASE}unreachable`,
  `${CLI_PROBLEM_BASE}interrupted`,
  `${PROBLEM_BASE}control-unavailable`,
  `${PROBLEM_BASE}rate-limited`,
  `${PROBLEM_BASE}internal`,
];

export function addRolloutWatch(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "watch",
      summary: "follow a rollout until it is over",
      exits: ["it has completed", "it was stopped or rolled back, or cannot be read"],
      seeAlso: ["rollout show", "rollout pause", "rollout rollback", "status"],
      arguments: [ROLLOUT_ID],
      options: [
        {
          flags: "--every <seconds>",
          about: "how often to look",
          parse: wholeFrom(1),
          preset: EVERY_SECONDS,
        },
      ],
      notes: [
        "Ctrl-C ends the watch alone. With --json one document a line, whenever something has changed.",
      ],
      streams: true,
      examples: ["rollout watch 2026-11-autumn", "rollout watch 2026-11-autumn --json"],
      run: watch,
    },
    context,
  );
}

type Look = (session: Session) => Promise<Answer<RolloutView>>;
const look: Look = (session) => session.api().send(RolloutSchema, { method: "GET", path: pathOf(session) });

/** The same, but null (and a line for people) when it may be there again at the next look. */
async function lookAgain(session: Session): Promise<Answer<RolloutView> | null> {
  try {
    return await look(session);
  } catch (error) {
    if (!(error instanceof Failure) || !PASSING.includes(error.problem.type)) throw error;
    if (!session.json) session.terminal.err.write(`${error.problem.title}; looking again.\n`);
    return null;
  }
}

async function watch(session: Session): Promise<number> {
  const waitMs = (session.words.number("every") ?? EVERY_SECONDS) * 1000;
  const show = createDisplay(session);
  let last: Answer<RolloutView> = await look(session);
  show(last);
  while (!TERMINAL_PHASES.includes(last.value.phase)) {
    await session.terminal.sleep(waitMs);
    const found = await lookAgain(session);
    if (found === null) continue;
    last = found;
    show(last);
  }
  return last.value.phase === "completed" ? 0 : 1;
}

/** Shows one look after the other: over the last one on a screen, else only what is new. */
function createDisplay({ terminal, json }: Session): (answer: Answer<RolloutView>) => void {
  const { out } = terminal;
  let shown = "";
  if (out.isTerminal && !json) {
    return ({ value }) => {
      const text = renderRollout(value);
      out.draw(eraseLines(shown, out.columns));
      out.write(text);
      shown = text;
    };
  }
  return ({ value, raw }) => {
    const line = rolloutLine(value);
    if (line === shown) return;
    shown = line;
    out.write(json ? `${JSON.stringify(raw)}\n` : `${line}\n`);
  };
}

/** Moves the cursor to where the text began and erases from there. Lines that the screen wrapped count as several. */
export function eraseLines(text: string, columns: number): string {
  if (text === "") return "";
  const width = Math.max(1, columns);
  const rows = text
    .replace(/\n$/, "")
    .split("\n")
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
  return `\u001b[${rows}A\u001b[J`;
}
