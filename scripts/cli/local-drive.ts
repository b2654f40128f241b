/**
 * How `tick`, `demo` and `node` reach the runner of a local run: its loopback server, whose address is in `control.json`
 * of the state folder. None of this exists in a deployment.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { showRequest } from "./change.ts";
import { cliFailure, type Failure } from "./failure.ts";
import { exchange, readAll } from "./transport.ts";
import { printJson, type OptionSpec, type Session } from "./verb.ts";

export const STATE_OPTION: OptionSpec = {
  flags: "--state <folder>",
  about: "state folder of the local run (default: FIREBREAK_STATE, else .firebreak)",
};
const DEFAULT_STATE = ".firebreak";
const CONTROL_FILE = "control.json";
/** A tick may settle a large import. */
const IDLE_MS = 5 * 60_000;
const START_HINT = "Start it with `npm start` (or name its folder with --state).";

const ControlFileSchema = z.looseObject({ url: z.url({ protocol: /^http$/ }) });
const RunnerSchema = z.looseObject({ ports: z.array(z.int()) });
const RefusalSchema = z.looseObject({ error: z.string() });

interface Asked<T> {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly schema: z.ZodType<T>;
}

/** Sends one request to the runner, or shows it. */
export async function drive<T>(
  session: Session,
  { render, ...asked }: Asked<T> & { readonly render: (value: T) => string },
): Promise<void> {
  if (session.dryRun) {
    const url = new URL(asked.path, await controlUrl(stateOf(session)));
    const headers = { "content-type": "application/json" };
    showRequest(session, { method: "POST", url: url.href, headers, body: asked.body }, null);
    return;
  }
  const value = await askRunner(session, asked);
  if (session.json) printJson(session, value);
  else session.terminal.out.write(render(value));
}

/** Sends one request to the runner. @throws a Failure with the next step when there is none, or when it refuses. */
export async function askRunner<T>(session: Session, { path, body, schema }: Asked<T>): Promise<T> {
  const folder = stateOf(session);
  const answer = await exchange({
    url: new URL(path, await controlUrl(folder)),
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    idleMs: IDLE_MS,
    startHint: `The run that used ${folder} has ended. ${START_HINT}`,
  });
  const text = await readAll(answer);
  if (answer.statusCode !== 200) throw runnerRefusal(text);
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw runnerRefusal(text);
  return parsed.data;
}

/** Ports of the nodes of this run; empty while they start. @throws Failure when there is no run. */
export async function runnerPorts(session: Session): Promise<readonly number[]> {
  const answer = await exchange({
    url: new URL("/", await controlUrl(stateOf(session))),
    method: "GET",
    headers: {},
    body: null,
    idleMs: IDLE_MS,
    startHint: START_HINT,
  });
  return RunnerSchema.safeParse(parseJson(await readAll(answer))).data?.ports ?? [];
}

/** The folder of the local run that is meant. */
export function stateOf({ words, terminal }: Session): string {
  const named = terminal.env["FIREBREAK_STATE"];
  return words.maybe("state") ?? (named === undefined || named === "" ? DEFAULT_STATE : named);
}

function runnerRefusal(text: string): Failure {
  const refusal = RefusalSchema.safeParse(parseJson(text));
  return cliFailure("unexpected-answer", {
    title: "The local run refused",
    detail: refusal.success ? refusal.data.error : text.slice(0, 200),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where the runner of this folder listens. */
async function controlUrl(folder: string): Promise<string> {
  const file = join(folder, CONTROL_FILE);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const detail = `There is no ${file}.`;
    throw cliFailure(
      "no-local-instance",
      { title: "No local run is using this folder", detail, next: START_HINT },
      error,
    );
  });
  const parsed = ControlFileSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.url;
  throw cliFailure("no-local-instance", {
    title: "No local run is using this folder",
    detail: `${file} holds no address.`,
    next: START_HINT,
  });
}
