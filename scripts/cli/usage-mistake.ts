/**
 * A mistake in how the command line is called, as a `Failure` that says what was meant, or what there is.
 * Commander finds the mistake; what to say about it is decided here, from the commands themselves, so that a verb or flag
 * that is added is suggested without anybody writing it down. Called by program.ts alone.
 */
import type { Command, CommanderError } from "commander";
import { RUN } from "./command-line.ts";
import { usageFailure, type Failure } from "./failure.ts";
import { nearest } from "./nearest.ts";
import { pathOfCommand } from "./verb.ts";

/** Thrown in place of commander's own error, to keep which command it was about. */
export class UsageMistake extends Error {
  override readonly name = "UsageMistake";
  readonly found: CommanderError;
  readonly command: Command;

  constructor(found: CommanderError, command: Command) {
    super(found.message, { cause: found });
    this.found = found;
    this.command = command;
  }
}

/** Every verb of a program: the commands that have no commands below them. */
export function verbsOf(program: Command): readonly Command[] {
  return program.commands.flatMap((each) => (each.commands.length === 0 ? [each] : verbsOf(each)));
}

/** What is wrong, and what to write instead. */
export function explainMistake({ found, command }: UsageMistake): Failure {
  const said = plainWords(found.message.replace(/^error: /, ""));
  const suggestion = suggestionFor(said, found.code, command);
  const help = helpOf(command);
  return usageFailure(said, suggestion === null ? `See ${help}` : `${suggestion}\nHelp: ${help}`);
}

/** Commander's "command-argument value 'X' is invalid for argument 'account'" in the words of help. */
function plainWords(said: string): string {
  return said
    .replace(
      /^command-argument value '(.*?)' is invalid for argument '(.*?)'\. /s,
      "'$1' will not do for <$2>. ",
    )
    .replace(/^option '(.*?)' argument '(.*?)' is invalid\. /s, "'$2' will not do for $1. ");
}

function suggestionFor(said: string, code: string, command: Command): string | null {
  const typed = /'([^']*)'/.exec(said)?.[1] ?? "";
  if (code === "commander.unknownOption") return forFlag(typed, command);
  if (code === "commander.unknownCommand") return forVerb(typed, command);
  if (code === "commander.excessArguments") return forTooMany(command);
  if (code === "commander.invalidArgument") return null;
  if (code === "commander.missingMandatoryOptionValue") return forNeeded(typed, command);
  return `Usage: ${usageOf(command)}`;
}

/** What a flag that must be there is for. */
function forNeeded(flags: string, command: Command): string {
  const about = command.options.find((option) => option.flags === flags)?.description ?? "";
  return `Add ${flags}: ${about}.`;
}

function forFlag(typed: string, command: Command): string {
  const flags = flagsOf(command);
  const near = nearest(typed.split("=")[0] ?? typed, flags);
  if (near.length > 0) return didYouMean(near);
  return `${pathOfCommand(command) || "firebreak"} knows ${flags.join(", ")}.`;
}

function forVerb(typed: string, command: Command): string {
  const names = command.commands.flatMap((each) => [each.name(), ...each.aliases()]);
  const near = nearest(typed, names);
  if (near.length > 0) return didYouMean(near);
  const elsewhere = verbsOf(rootOf(command)).filter((each) => each.name() === typed);
  if (elsewhere.length > 0) return didYouMean(elsewhere.map(pathOfCommand));
  return `${pathOfCommand(command) || "firebreak"} knows ${command.commands.map((each) => each.name()).join(", ")}.`;
}

/** A mistyped verb beside one that may be left out (`preflight shw …`) arrives as a word too many. */
function forTooMany(command: Command): string {
  const siblings = (command.parent?.commands ?? []).map((each) => each.name());
  const first = command.args[0] ?? "";
  const near = siblings.includes(first) ? [] : nearest(first, siblings);
  return near.length > 0 ? didYouMean(near) : `Usage: ${usageOf(command)}`;
}

function didYouMean(words: readonly string[]): string {
  return `Did you mean ${words.join(" or ")}?`;
}

/** The long flags of a command and of those above it. */
export function flagsOf(command: Command): readonly string[] {
  const flags: string[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent)
    flags.push(...each.options.map(({ long }) => long ?? ""));
  return [...new Set([...flags, "--help"])].filter((flag) => flag !== "");
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

function usageOf(command: Command): string {
  return `firebreak ${[pathOfCommand(command), command.usage()].filter((part) => part !== "").join(" ")}`;
}

function helpOf(command: Command): string {
  return `${RUN}${[pathOfCommand(command), "--help"].filter((part) => part !== "").join(" ")}`;
}
