/**
 * `tick`, `demo` and `node`: drive the local run that `npm start` began. None of this exists in a deployment.
 */
import type { Command } from "commander";
import { z } from "zod";
import { commaList, oneOf, toProductVersion, toShare, toSlug, wholeFrom } from "./arguments.ts";
import { usageFailure } from "./failure.ts";
import { drive, STATE_OPTION } from "./local-drive.ts";
import { addTick } from "./local-tick.ts";
import { renderFields } from "./render.ts";
import { addVerb, type ProgramContext, type Session } from "./verb.ts";

const AnySchema = z.looseObject({});

export function addLocal(program: Command, context: ProgramContext): void {
  addTick(program, context);
  addDemo(program, context);
  addNode(program, context);
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
