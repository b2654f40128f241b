/**
 * `replay run FILE`: plays a recorded timeline through the engine and the gates, on this machine alone, and says when
 * which rule would have stopped it. Asks no server and changes nothing. `gate test` is its sibling for imagined traffic.
 */
import { InvalidArgumentError, type Command } from "commander";
import { RecordingSchema, type Recording } from "../../src/contracts/api/replay.ts";
import type { ReplayPreflight } from "../../src/core/replay/answers.ts";
import { replay, type Replayed } from "../../src/core/replay/play.ts";
import { oneOf, toInput } from "./arguments.ts";
import { readJsonFile } from "./json-file.ts";
import { clean, count, renderTable } from "./render.ts";
import { addObject, addVerb, printJson, type ProgramContext, type Session } from "./verb.ts";

const PREFLIGHTS = ["on", "waived", "unheard"] as const;

export function addReplay(program: Command, context: ProgramContext): void {
  const object = addObject(program, "replay", {
    summary: "play a recorded timeline: when would which rule have stopped it?",
  });
  addVerb(
    object,
    {
      name: "run",
      summary: "play a recording through the engine and the gates, on this machine",
      exits: ["a rule stopped it", "it went through, or the recording cannot be read"],
      seeAlso: ["gate test", "rollout plan"],
      arguments: [{ name: "<file>", about: "a recording (- is standard input)" }],
      options: [
        {
          flags: "--preflight <how>",
          about:
            "on; waived: failed probes were let past by name; unheard: none could be tried, and that was let past",
          parse: oneOf(...PREFLIGHTS),
          preset: "on",
        },
      ],
      notes: ["The founding incident is test/vectors/incident-default-moved-with-the-rest.json."],
      examples: [
        "replay run test/vectors/incident-default-moved-with-the-rest.json",
        "replay run test/vectors/incident-default-moved-with-the-rest.json --preflight waived",
      ],
      run: runReplay,
    },
    context,
  );
}

async function runReplay(session: Session): Promise<number> {
  const { words, terminal, json } = session;
  const given = await readJsonFile(terminal, words.text("file"));
  const recording = toInput(RecordingSchema, given);
  const how = PREFLIGHTS.find((one) => one === words.text("preflight")) ?? "on";
  const played = play(recording, how);
  if (json) printJson(session, { name: recording.name, preflight: how, played: shown(played) });
  else terminal.out.write(renderReplay(recording, how, played));
  return played.stopped === null ? 1 : 0;
}

function play(recording: Recording, how: ReplayPreflight): Replayed {
  try {
    return replay(recording, how);
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

const at = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;

function shown(played: Replayed): unknown {
  const step = ({ atMs, ...rest }: Replayed["steps"][number]): object => ({ at: at(atMs), ...rest });
  const { accounts, steps, stopped, last, notices } = played;
  return {
    accounts,
    stopped: stopped === null ? null : step(stopped),
    last: step(last),
    steps: steps.map(step),
    notices: notices.map(({ atMs, text }) => ({ at: at(atMs), text })),
  };
}

const LATER: Record<ReplayPreflight, string> = {
  on: "with preflight on",
  waived: "with every failed probe waived",
  unheard: "with no probe that could be tried",
};

/** The story as a table, and the minute and rule that stopped it. */
export function renderReplay(recording: Recording, how: ReplayPreflight, played: Replayed): string {
  const { steps, stopped, accounts, last } = played;
  const rows = steps.map(({ atMs, phase, cause, moved, reason }) => [at(atMs), phase, cause, moved, reason]);
  const head = `${recording.name}, ${LATER[how]}: ${count(accounts, "account")}\n`;
  const table = renderTable(["when", "phase", "cause", "moved", "reason"], rows);
  if (stopped === null)
    return `${head}${table}Nothing stopped it: it is ${last.phase}, ${last.moved.toLocaleString("en-US")} moved.\n`;
  const defaults = Object.entries(stopped.defaults).map(
    ([product, version]) => `${product} ${version ?? "none"}`,
  );
  return `${head}${table}Stopped ${at(stopped.atMs)} by ${stopped.rule}: ${clean(stopped.reason)}.\n${stopped.moved.toLocaleString("en-US")} of ${count(accounts, "account")} had moved; default (unknown accounts): ${defaults.join(", ")}.\n`;
}
