/**
 * Declares one verb: its words, options, help with examples, and what it runs. All verbs share what is written here:
 * `--json`, `--url`, for changes `--dry-run`, `--reason`, `--if-match`, `--idempotency-key`.
 * It owns no meaning of its own; the objects' files do. What commander hands over is untyped, so verbs read it through
 * `Words`, which throws for a name that was never declared (a bug, not a mistake of the operator).
 */
import { Argument, Command, Option } from "commander";
import { createClient, resolveSettings, type Client } from "./client.ts";
import { closedWords, wholeFrom } from "./arguments.ts";
import { RUN } from "./command-line.ts";
import type { Terminal } from "./terminal.ts";

/** A word in its place, as `<product>` (needed) or `[product]`. */
export interface ArgumentSpec {
  readonly name: string;
  readonly about: string;
  /** Parses one word; throws InvalidArgumentError. `previous` is what the same option gave before. */
  parse?(text: string, previous: unknown): unknown;
}

/** An option, as `--origin <origin>`. */
export interface OptionSpec {
  readonly flags: string;
  readonly about: string;
  /** Parses one word; throws InvalidArgumentError. `previous` is what the same option gave before. */
  parse?(text: string, previous: unknown): unknown;
  readonly required?: boolean;
  readonly preset?: unknown;
}

export interface VerbSpec {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** It changes something: offers `--dry-run`. */
  readonly changes?: boolean;
  /** A change the audit keeps with a reason: `--reason` is needed. */
  readonly reason?: boolean;
  /** A write: offers `--idempotency-key`, and `--if-match` where what it writes has a revision. */
  readonly writes?: boolean | "unconditional";
  /** Runs when the object is called without a verb. */
  readonly isDefault?: boolean;
  /** Works without the API, so it has no `--url`. */
  readonly offline?: boolean;
  /** What an option that is left out means, for options that do not say `(default: …)` or `(needed …)` themselves. */
  readonly unsaid?: string;
  /** What the exit codes 0 and 1 mean, where it is not simply "done" and "refused or failed". */
  readonly exits?: readonly [zero: string, one: string];
  /** What belongs before, after or beside it, as `rollout plan`; left out: the other verbs of the object. */
  readonly seeAlso?: readonly string[];
  /** For the help of `--dry-run`, where it is not the command line alone that says what would be done. */
  readonly dryRun?: string;
  /** More text for the help, after the options. */
  readonly notes?: readonly string[];
  /** With `--json` it prints one document a line, and not one in all. */
  readonly streams?: boolean;
  /** Command lines without the leading `firebreak`. */
  readonly examples: readonly string[];
  /** Returns the exit code when it is not 0. */
  run(session: Session): Promise<number | void>;
}

/** The words and options of one call, by name (`--dry-run` is `dryRun`). */
export interface Words {
  /** A needed word. */
  text(name: string): string;
  maybe(name: string): string | undefined;
  number(name: string): number | undefined;
  texts(name: string): readonly string[] | undefined;
  on(name: string): boolean;
  /** Whatever the word's parser made of it. */
  value(name: string): unknown;
}

export interface Session {
  readonly terminal: Terminal;
  readonly words: Words;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** The API, settled at the first call: verbs that never call it need no token. */
  api(): Client;
}

/** Prints a JSON document for programs. */
export function printJson({ terminal }: Session, value: unknown): void {
  terminal.out.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints an answer: its JSON as it came, or what `render` makes of it for people. */
export function print<T>(
  session: Session,
  answer: { readonly value: T; readonly raw: unknown },
  render: (value: T) => string,
): void {
  if (session.json) printJson(session, answer.raw);
  else session.terminal.out.write(render(answer.value));
}

/** Where verbs leave their exit code for `run`. */
export interface Outcome {
  exitCode: number;
}

/** What a whole program shares while it is being built. */
export interface ProgramContext {
  readonly terminal: Terminal;
  readonly outcome: Outcome;
}

const URL_OPTION: OptionSpec = {
  flags: "--url <url>",
  about: "admin host (default: FIREBREAK_URL, else http://localhost:8787)",
};
const jsonOption = (streams: boolean): OptionSpec => ({
  flags: "--json",
  about: `for programs: ${streams ? "a JSON document a line" : "one JSON document"} on standard output, problems as JSON on standard error`,
});
const dryRunOption = (about = "show what would be sent, and change nothing"): OptionSpec => ({
  flags: "--dry-run",
  about,
});
const REASON_OPTION: OptionSpec = {
  flags: "--reason <text>",
  about: "why; kept in the audit",
  required: true,
};
const IF_MATCH_OPTION: OptionSpec = {
  flags: "--if-match <revision>",
  about: "only when the resource is still at this revision (default: as it was read)",
  parse: wholeFrom(0),
};
const IDEMPOTENCY_OPTION: OptionSpec = {
  flags: "--idempotency-key <key>",
  about: "a repeat with the same key is carried out once (default: random)",
};

function writeOptions(writes: VerbSpec["writes"]): readonly OptionSpec[] {
  if (writes === undefined || writes === false) return [];
  return writes === "unconditional" ? [IDEMPOTENCY_OPTION] : [IF_MATCH_OPTION, IDEMPOTENCY_OPTION];
}

/** Adds an object, such as `product`, that holds verbs. Without a verb it shows its help and exits 2. */
export function addObject(
  parent: Command,
  name: string,
  about: { readonly summary: string; readonly alias?: string },
): Command {
  const command = parent.command(name).summary(about.summary).description(about.summary);
  return about.alias === undefined ? command : command.alias(about.alias);
}

/** Adds a verb to an object. */
export function addVerb(parent: Command, spec: VerbSpec, context: ProgramContext): Command {
  const command = parent
    .command(spec.name, { isDefault: spec.isDefault === true })
    .summary(spec.summary)
    .description(spec.summary);
  for (const each of spec.arguments ?? []) {
    const argument = new Argument(each.name, each.about);
    if (each.parse !== undefined) argument.argParser<unknown>(parserOf(each));
    command.addArgument(argument);
  }
  for (const option of [...(spec.options ?? []), ...sharedOptions(spec)])
    command.addOption(toOption(option, spec.unsaid));
  command.addHelpText("after", () => helpAfter(spec, command));
  command.action(async () => {
    context.outcome.exitCode = (await spec.run(createSession(command, context.terminal))) ?? 0;
  });
  return command;
}

function sharedOptions(spec: VerbSpec): readonly OptionSpec[] {
  return [
    ...(spec.reason === true ? [REASON_OPTION] : []),
    ...(spec.changes === true ? [dryRunOption(spec.dryRun)] : []),
    ...writeOptions(spec.writes),
    ...(spec.offline === true ? [] : [URL_OPTION]),
    jsonOption(spec.streams === true),
  ];
}

function toOption(spec: OptionSpec, unsaid = "none"): Option {
  const { flags, about, required, preset } = spec;
  const says = required === true ? " (needed)" : ` (default: ${unsaid})`;
  const silent = !flags.includes("<") || preset !== undefined || /\((?:default|needed)\b/.test(about);
  const option = new Option(flags, silent ? about : about + says);
  if (spec.parse !== undefined) option.argParser<unknown>(parserOf(spec));
  if (required === true) option.makeOptionMandatory();
  if (preset !== undefined) option.default(preset);
  return option;
}

/** What commander calls, still telling which words it takes. */
function parserOf(spec: ArgumentSpec | OptionSpec): (text: string, previous: unknown) => unknown {
  const parse = (text: string, previous: unknown): unknown => spec.parse?.(text, previous);
  return Object.assign(parse, { words: closedWords(spec.parse) });
}

/** The longest list of siblings that is told without being asked. */
const SIBLINGS = 6;

function helpAfter({ notes, examples, exits, seeAlso }: VerbSpec, command: Command): string {
  const [zero, one] = exits ?? ["done", "refused or failed"];
  const siblings = (command.parent?.commands ?? []).filter((each) => each !== command).map(pathOfCommand);
  const see = seeAlso ?? (command.parent?.parent === null ? [] : siblings.slice(0, SIBLINGS));
  const lines = [
    ...(notes ?? []).map((note) => `\n${note}`),
    `\n${examples.length === 1 ? "Example:" : "Examples:"}`,
    ...examples.map((line) => `  $ ${RUN}${line}`),
    `\nExit codes: 0 ${zero}; 1 ${one}; 2 not how it is called.`,
    ...(see.length === 0 ? [] : [`See also: ${see.join(", ")}`]),
  ];
  return lines.join("\n");
}

/** The words that lead to a command, as `rollout plan`. */
export function pathOfCommand(command: Command): string {
  const names: string[] = [];
  for (let each: Command | null = command; each?.parent != null; each = each.parent)
    names.unshift(each.name());
  return names.join(" ");
}

function createSession(command: Command, terminal: Terminal): Session {
  const words = createWords(command);
  let client: Client | null = null;
  return {
    terminal,
    words,
    json: words.on("json"),
    dryRun: words.on("dryRun"),
    api: () => (client ??= createClient(resolveSettings(words.maybe("url"), terminal.env))),
  };
}

function createWords(command: Command): Words {
  const values: Record<string, unknown> = { ...command.optsWithGlobals<Record<string, unknown>>() };
  command.registeredArguments.forEach((argument, index) => {
    values[camelCase(argument.name())] = command.processedArgs[index] as unknown;
  });
  const value = (name: string): unknown => values[name];
  const typed = <T>(name: string, guard: (value: unknown) => value is T): T | undefined => {
    const found = value(name);
    if (found === undefined || guard(found)) return found;
    throw new TypeError(`option ${name} is not of the kind its verb reads`);
  };
  return {
    value,
    maybe: (name) => typed(name, isText),
    number: (name) => typed(name, isNumber),
    texts: (name) => typed(name, isTexts),
    on: (name) => value(name) === true,
    text: (name) => {
      const found = typed(name, isText);
      if (found === undefined) throw new TypeError(`word ${name} was not declared as needed`);
      return found;
    },
  };
}

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
