/**
 * `tick`, `demo` and `node`: drive the local run that `npm start` began, through the runner's own loopback server. Its
 * address is in `control.json` of the state folder. None of this exists in a deployment.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { commaList, oneOf, toInstant, toProductVersion, toShare, toSlug, wholeFrom } from "./arguments.ts";
import { showRequest } from "./change.ts";
import { cliFailure, usageFailure, type Failure } from "./failure.ts";
import { instant, renderFields } from "./render.ts";
import { exchange, readAll } from "./transport.ts";
import { addVerb, printJson, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const STATE_OPTION: OptionSpec = {
  flags: "--state <folder>",
  about: "state folder of the local run",
  preset: ".firebreak",
};
const CONTROL_FILE = "control.json";
/** A tick may settle a large import. */
const IDLE_MS = 5 * 60_000;
const START_HINT = "Start it with `npm start` (or name its folder with --state).";

const ControlFileSchema = z.looseObject({ url: z.url({ protocol: /^http$/ }) });
const RefusalSchema = z.looseObject({ error: z.string() });
const TickSchema = z.looseObject({
  now: z.number(),
  advanced: z.boolean(),
  happened: z.array(z.string()),
  generation: z.number(),
});
const AnySchema = z.looseObject({});

export function addLocal(program: Command, context: ProgramContext): void {
  addTick(program, context);
  addDemo(program, context);
  addNode(program, context);
}

function addTick(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "tick",
      summary: "local run: let the control plane's clock be a given time",
      seeAlso: ["demo", "node", "status"],
      options: [
        { flags: "--at <instant>", about: "the time of the tick", parse: toInstant, required: true },
        STATE_OPTION,
      ],
      changes: true,
      offline: true,
      notes: ["The clock only goes forward: an earlier time does nothing."],
      examples: ["tick --at 2026-11-28T22:05:00Z"],
      run: (session) =>
        drive(session, {
          path: "/tick",
          body: { at: session.words.text("at") },
          schema: TickSchema,
          render: ({ now, advanced, happened, generation }) =>
            `${advanced ? "Ticked" : "Nothing done: the clock is already at or past that time"}. It is ${instant(new Date(now).toISOString()) ?? ""}; published so far: generation ${generation}.\n` +
            happened.map((line) => `  ${line}\n`).join(""),
        }),
    },
    context,
  );
}

function addDemo(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "demo",
      summary: "local run: make a demo version fail, or be well again",
      seeAlso: ["tick", "node", "preflight run"],
      arguments: [{ name: "<product/version>", about: "as in kiln/2.9.1", parse: checkedProductVersion }],
      options: [
        {
          flags: "--error-rate <share>",
          about: "share of requests answered 500, 0 to 1 (default: 0)",
          parse: toShare,
        },
        {
          flags: "--latency-ms <ms>",
          about: "milliseconds added to every answer (default: 0)",
          parse: wholeFrom(0),
        },
        { flags: "--refuse", about: "refuse connections" },
        { flags: "--hang", about: "accept requests and never answer" },
        { flags: "--reset", about: "reset connections" },
        { flags: "--fails-without-account", about: "500 for unknown accounts, as kiln/2.9.0 always does" },
        {
          flags: "--only <accounts>",
          about: "only for these accounts, apart by commas (default: all)",
          parse: commaList(toSlug),
        },
        STATE_OPTION,
      ],
      changes: true,
      offline: true,
      notes: ["Without any fault it is well again."],
      examples: ["demo kiln/2.9.1 --error-rate 0.05 --only acme", "demo kiln/2.9.1"],
      run: setDemo,
    },
    context,
  );
}

function checkedProductVersion(text: string): string {
  toProductVersion(text);
  return text;
}

async function setDemo(session: Session): Promise<void> {
  const { words } = session;
  const { product, version } = toProductVersion(words.text("product/version"));
  const only = words.texts("only");
  if (only !== undefined && words.on("refuse"))
    throw usageFailure("--refuse closes the port for everybody: leave out --only.");
  const faults = {
    ...given("errorRate", words.number("errorRate")),
    ...given("latencyMs", words.number("latencyMs")),
    ...given("refuse", words.on("refuse") || undefined),
    ...given("hang", words.on("hang") || undefined),
    ...given("reset", words.on("reset") || undefined),
    ...given("failsWithoutAccount", words.on("failsWithoutAccount") || undefined),
  };
  if (only !== undefined && Object.keys(faults).length === 0)
    throw usageFailure("--only needs a fault that it limits.");
  await drive(session, {
    path: "/demo",
    body: { product, version, ...faults, ...given("onlyAccounts", only) },
    schema: AnySchema,
    render: () => {
      const named = Object.entries(faults).map(([fault, value]) =>
        value === true ? fault : `${fault} ${JSON.stringify(value)}`,
      );
      const whom = only === undefined ? "" : ` for ${only.join(", ")}`;
      return `${product}/${version}: ${named.length === 0 ? "well" : `${named.join(", ")}${whom}`}.\n`;
    },
  });
}

const given = (name: string, value: unknown): Record<string, unknown> =>
  value === undefined ? {} : { [name]: value };

const ACTIONS = ["restart", "flush", "state", "kv", "control", "meter", "cache"] as const;
const MODES = ["ok", "throw", "hang"] as const;
const ALONE: ReadonlySet<string> = new Set(["restart", "flush", "state"]);

function addNode(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "node",
      summary: "local run: restart one node, have it report its counts, or break what it depends on",
      seeAlso: ["tick", "demo", "status"],
      arguments: [
        { name: "<number>", about: "which node, from 1", parse: wholeFrom(1) },
        { name: "<action>", about: ACTIONS.join(", "), parse: oneOf(...ACTIONS) },
        {
          name: "[mode]",
          about: `for all but restart, flush and state: ${MODES.join(", ")}`,
          parse: oneOf(...MODES),
        },
      ],
      options: [STATE_OPTION],
      changes: true,
      offline: true,
      examples: ["node 1 restart", "node 2 kv hang", "node 2 kv ok"],
      run: (session) => {
        const { words } = session;
        const action = words.text("action");
        const mode = words.maybe("mode");
        const alone = ALONE.has(action);
        if (alone !== (mode === undefined)) {
          throw usageFailure(
            alone ? `${action} takes no mode.` : `${action} needs one of ${MODES.join(", ")}.`,
          );
        }
        return drive(session, {
          path: "/node",
          body: { node: words.number("number"), action, ...given("mode", mode) },
          schema: AnySchema,
          render: (state) =>
            renderFields(Object.entries(state).map(([name, value]) => [name, JSON.stringify(value)])),
        });
      },
    },
    context,
  );
}

interface Drive<T> {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly schema: z.ZodType<T>;
  readonly render: (value: T) => string;
}

/** Sends one request to the runner, or shows it. */
async function drive<T>(session: Session, { path, body, schema, render }: Drive<T>): Promise<void> {
  const folder = session.words.text("state");
  const url = new URL(path, await controlUrl(folder));
  const headers = { "content-type": "application/json" };
  if (session.dryRun) {
    showRequest(session, { method: "POST", url: url.href, headers, body }, null);
    return;
  }
  const answer = await exchange({
    url,
    method: "POST",
    headers,
    body: JSON.stringify(body),
    idleMs: IDLE_MS,
    startHint: `The run that used ${folder} has ended. ${START_HINT}`,
  });
  const text = await readAll(answer);
  if (answer.statusCode !== 200) throw runnerRefusal(text);
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw runnerRefusal(text);
  if (session.json) printJson(session, parsed.data);
  else session.terminal.out.write(render(parsed.data));
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
