/**
 * `break-glass check|show`: the document for the hour in which the control plane cannot be used. `check` parses a file
 * with the edge's own parser, says whom it would touch, and prints the command lines of both ways; it writes nothing
 * itself, because KV is written by wrangler. `show` reads back what is in force.
 */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { StatusSchema, type Status } from "../../src/contracts/api/status.ts";
import type { BreakGlass } from "../../src/contracts/maps.ts";
import {
  BREAK_GLASS_COMMANDS,
  LOCAL,
  PRODUCTION,
  shellWord,
  tellBreakGlass,
  wranglerEnv,
} from "../../src/core/break-glass-words.ts";
import { parseBreakGlass } from "../../src/core/maps/break-glass.ts";
import { oneOf } from "./arguments.ts";
import { breakGlassLine } from "./break-glass-line.ts";
import { effectOf, type Effect } from "./break-glass-effect.ts";
import { RUN } from "./command-line.ts";
import { cliFailure, Failure } from "./failure.ts";
import { fileFailure } from "./file-stream.ts";
import { stateOf } from "./local-drive.ts";
import { askForDump, openMaps, readDump } from "./maps-dump.ts";
import { clean, count, instant, percent, renderFields, renderTable } from "./render.ts";
import { addObject, addVerb, print, printJson, type ProgramContext, type Session } from "./verb.ts";

export function addBreakGlass(program: Command, context: ProgramContext): void {
  const object = addObject(program, "break-glass", {
    summary: "the document for when the control plane cannot be used: check, show",
  });
  addCheck(object, context);
  addVerb(
    object,
    {
      name: "show",
      summary: "what is in force, by which way it came, until when, how many edges go by it",
      examples: ["break-glass show"],
      run: async (session) =>
        print(session, await session.api().send(StatusSchema, { method: "GET", path: "/status" }), (status) =>
          renderInForce(status, endOf(session, status)),
        ),
    },
    context,
  );
}

function addCheck(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "check",
      summary: "check a document as edges would, say whom it touches, and print how to put it in force",
      arguments: [{ name: "<file>", about: "the document, as JSON" }],
      options: [
        {
          flags: "--maps <file>",
          about: "say whom it touches from this dump (default: asked at the admin host)",
        },
        {
          flags: "--env <name>",
          about: "environment of wrangler.toml that the commands are for: production or staging; or local",
          parse: oneOf(PRODUCTION, "staging", LOCAL),
          preset: PRODUCTION,
        },
      ],
      exits: ["edges would take it", "edges would refuse it, or it has expired"],
      seeAlso: ["break-glass show", "maps dump", "status"],
      notes: [
        `A document, in which only reason and expires are needed:
  { "reason": "2.9.0 loses uploads", "expires": "2026-11-29T06:00:00Z", "written": "2026-11-28T23:10:00Z",
    "instead": { "kiln": { "2.9.0": "2.8.0" } }, "default": { "kiln": "2.8.0" },
    "accounts": { "acme": { "kiln": "2.8.0" } }, "hold": { "products": { "fogbugz": true } },
    "halt": true, "holdGeneration": 4711 }
Needs neither network nor admin host; where that answers, or with --maps, it also says whom the document touches.`,
      ],
      examples: [
        "break-glass check break-glass.json",
        "break-glass check break-glass.json --maps maps.ndjson",
      ],
      run: check,
    },
    context,
  );
}

interface Commands {
  readonly put: string;
  readonly show: string;
  readonly end: string;
  /** Null: nothing is deployed there. */
  readonly deploy: string | null;
}

interface Checked {
  readonly document: BreakGlass | null;
  readonly effect: Effect | null;
  /** Why it is not known whom it touches. */
  readonly unknown: string | null;
  readonly warnings: readonly string[];
  readonly commands: Commands;
}

async function check(session: Session): Promise<void> {
  const { words, terminal } = session;
  const file = words.text("file");
  const document = await readDocument(file);
  const nowMs = terminal.nowMs();
  if (document !== null && document.expires <= nowMs) {
    throw cliFailure("file", {
      title: "The document has expired",
      detail: `It expired at ${instant(new Date(document.expires).toISOString())}: edges would take it and do nothing.`,
      next: "Give `expires` a time ahead, as 2026-11-29T06:00:00Z.",
    });
  }
  const compared = await compare(session, document);
  const checked: Checked = {
    document,
    ...compared,
    warnings: document === null ? [] : warningsOf(document, nowMs),
    commands: commandsFor(session, shellWord(file)),
  };
  if (session.json) printJson(session, checked);
  else terminal.out.write(renderChecked(checked));
}

function commandsFor(session: Session, path: string): Commands {
  const environment = session.words.text("env");
  const { put, putLocally, show, showLocally, deploy } = BREAK_GLASS_COMMANDS;
  if (environment === LOCAL) {
    const folder = stateOf(session);
    return {
      put: putLocally(`--path ${path}`, folder),
      show: showLocally(folder),
      end: putLocally("'{}'", folder),
      deploy: null,
    };
  }
  return {
    put: put(`--path ${path}`, environment),
    show: show(environment),
    end: put("'{}'", environment),
    deploy: deploy(`"$(cat ${path})"`, environment),
  };
}

/** The document, parsed as edges do. Null: it takes an earlier one back. */
async function readDocument(file: string): Promise<BreakGlass | null> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw fileFailure(file, error, "read");
  });
  const parsed = parseBreakGlass(text);
  if (parsed.ok) return parsed.value;
  throw cliFailure("file", {
    title: "Edges would refuse this document",
    detail: `${file}: ${parsed.error.detail}`,
    next: `Correct it; while a document is refused, the last good one stays in force. \`${RUN}break-glass check --help\` shows one.`,
  });
}

async function compare(
  session: Session,
  document: BreakGlass | null,
): Promise<Pick<Checked, "effect" | "unknown">> {
  const file = session.words.maybe("maps");
  try {
    const dump = file === undefined ? await askForDump(session) : await readDump(file);
    const { maps, findings } = openMaps(dump);
    if (maps !== null) return { effect: effectOf(maps, document, session.terminal.nowMs()), unknown: null };
    return { effect: null, unknown: `the maps cannot be read: ${findings[0]?.detail ?? "no root"}` };
  } catch (error) {
    // Without an admin host the check of the document is all the more needed; a file that was named must be there.
    if (file !== undefined || !(error instanceof Failure)) throw error;
    return { effect: null, unknown: error.problem.detail };
  }
}

const HOUR_MS = 3_600_000;
/** Longer than a night: by then the control plane should be back, and nobody remembers the document. */
const LONG_HOURS = 24;

function warningsOf({ expires, written }: BreakGlass, nowMs: number): readonly string[] {
  const hours = (expires - nowMs) / HOUR_MS;
  return [
    ...(hours > LONG_HOURS ? [`it stays in force for ${Math.round(hours)} hours unless it is ended`] : []),
    ...(written === 0
      ? ["it says no `written`, so a document in the other place that does say one wins over it"]
      : []),
    ...(written > nowMs
      ? ["its `written` lies ahead: nothing written before then can replace it from the other place"]
      : []),
  ];
}

function renderChecked({ document, effect, unknown, warnings, commands }: Checked): string {
  return [
    document === null
      ? "An empty document: it ends whatever is in force by that way.\n"
      : renderFields([
          ["edges would", "take it"],
          ["reason", document.reason],
          ["expires", instant(new Date(document.expires).toISOString())],
          ["asks for", emptyAs(tellBreakGlass(document), "nothing: it has no entry")],
        ]),
    ...warnings.map((warning) => `! ${clean(warning)}\n`),
    effect === null ? `\nWhom it touches is not known: ${clean(unknown ?? "")}\n` : renderEffect(effect),
    "\nPut it in force (KV; edges know it within a minute), read it back, end it:\n",
    ...[commands.put, commands.show, commands.end].map((line) => `  ${line}\n`),
    commands.deploy === null
      ? ""
      : `When KV cannot be written (from a checkout of the release that runs; the next deploy without --var ends it):\n  ${commands.deploy}\n`,
    `Then: \`${RUN}break-glass show\`.\n`,
  ].join("");
}

function emptyAs(lines: readonly string[], otherwise: string): readonly string[] {
  return lines.length === 0 ? [otherwise] : lines;
}

function renderEffect({ generation, counts, unknown, idle }: Effect): string {
  const rows = [
    ...counts.map(({ product, from, to, accounts, domains }) => [
      product,
      from,
      to,
      count(accounts, "account") + (domains === 0 ? "" : `, ${count(domains, "custom domain")}`),
    ]),
    ...unknown.map(({ product, from, to }) => [product, from, to, "unknown accounts"]),
  ];
  const table =
    rows.length === 0
      ? "nobody gets anything else\n"
      : `\n${renderTable(["product", "gets now", "would get", "who"], rows)}`;
  return [
    `\nAgainst the maps of generation ${generation}: ${table}`,
    ...idle.map((line) => `! an entry that does nothing: ${clean(line)}\n`),
  ].join("");
}

function renderInForce({ breakGlass, seen, warnings }: Status, end: string): string {
  const notes = warnings
    .filter((warning) => /break-glass|BREAK_GLASS/.test(warning))
    .map((warning) => `! ${clean(warning)}\n`)
    .join("");
  const isolates = seen.generations.reduce((sum, each) => sum + each.isolates, 0);
  const goBy = `${seen.breakGlassIsolates} of ${count(isolates, "isolate")} heard of in two minutes, ${percent(seen.breakGlassShare)} of the traffic`;
  if (!breakGlass.active) {
    const still = seen.breakGlassIsolates === 0 ? "" : `Edges that still go by the last document: ${goBy}.\n`;
    return `${notes}Break-glass is not in use.\n${still}`;
  }
  return (
    notes +
    renderFields([
      ["break-glass", "ACTIVE"],
      ["reason", breakGlass.reason],
      ["does", breakGlass.does],
      ["came by", CAME_BY[breakGlass.by ?? "unknown"]],
      ["written", breakGlass.written === null ? "it does not say" : instant(breakGlass.written)],
      ["expires", instant(breakGlass.expires)],
      ["edges that go by it", goBy],
      ["end it", end],
    ])
  );
}

const CAME_BY = {
  kv: "the key break-glass in KV",
  variable: "the variable BREAK_GLASS of a deploy",
  unknown: "not known: the control plane does not answer",
} as const;

/** What ends it where it is in force. */
function endOf(session: Session, { breakGlass: { by }, environment }: Status): string {
  if (by === "variable") return `npx wrangler deploy ${wranglerEnv(environment)} (without --var)`;
  const { hostname } = session.api().address({ path: "" });
  return breakGlassLine("'{}'", { environment, hostname, folder: stateOf(session) });
}
