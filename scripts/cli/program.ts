/**
 * The whole command line: every object with its verbs, and the one place where failures become text and exit codes.
 * 0: done; 1: refused or failed; 2: not how it is called. Called by scripts/firebreak.ts, and by tests with a terminal
 * in memory. With `--json` anywhere, problems go to standard error as one JSON document, usage mistakes included.
 */
import { Command } from "commander";
import { addAccess } from "./access.ts";
import { addAccountCareVerbs } from "./account-care.ts";
import { addAccountHistory } from "./account-history.ts";
import { addAccountPut } from "./account-put.ts";
import { addAccountVerbs } from "./account.ts";
import { addImportVerbs } from "./account-import.ts";
import { addAlarms } from "./alarms.ts";
import { addApply } from "./apply.ts";
import { addAssignments } from "./assignments.ts";
import { addAudit } from "./audit.ts";
import { addBackup } from "./backup.ts";
import { addBreakGlass } from "./break-glass.ts";
import { addCard } from "./card.ts";
import { addClone } from "./clone.ts";
import { RUN } from "./command-line.ts";
import { addCompare } from "./compare.ts";
import { addCompletion } from "./completion.ts";
import { addDefault } from "./default.ts";
import { addDoctor } from "./doctor.ts";
import { addEvents } from "./events.ts";
import { addExplain } from "./explain.ts";
import {
  cliFailure,
  EXIT_OK,
  EXIT_USAGE,
  Failure,
  failureJson,
  renderFailure,
  usageFailure,
} from "./failure.ts";
import { addFreeze } from "./freeze.ts";
import { addGate } from "./gate.ts";
import { addHalt } from "./halt.ts";
import { addLocal } from "./local.ts";
import { addMaps } from "./maps.ts";
import { addOverride } from "./override.ts";
import { addPreflight } from "./preflight.ts";
import { addProductMode } from "./product-mode.ts";
import { addProduct } from "./product.ts";
import { addReplay } from "./replay.ts";
import { addRollout } from "./rollout.ts";
import { addStatus } from "./status.ts";
import { guardTerminal, type Terminal } from "./terminal.ts";
import { addTimeline } from "./timeline.ts";
import { addToken } from "./token.ts";
import { addVersionBad } from "./version-bad.ts";
import { addVersionReplace } from "./version-replace.ts";
import { explainMistake, UsageMistake } from "./usage-mistake.ts";
import { addVersion } from "./version.ts";
import { addWebhook } from "./webhook.ts";
import { addWindow } from "./window.ts";
import { addObject, type Outcome } from "./verb.ts";

const HELP_CODES = new Set(["commander.helpDisplayed", "commander.help", "commander.version"]);

const ENVIRONMENT_HELP = `
A rollout, from a new version to the last account:
  product put kiln --domain …, accounts import FILE: once, where there is nothing yet
  version register kiln 2.9.0 --origin …, version state kiln 2.9.0 candidate --reason …, preflight kiln 2.9.0
  window put weekend-nights --days fri,sat --from 22:00 --to 04:00
  rollout create FILE (its help shows one), plan ID, start ID --digest … (as plan prints it), watch ID, show ID
  rollout approve ID WAVE, or ID default/kiln, where the plan asks; pause ID --reason …, resume ID
  rollout rollback ID --all --reason … says what it would do, and with --yes does it
  halt on --reason … stops everything automatic at once; doctor and status say how it stands; timeline ID afterwards

Environment:
  FIREBREAK_URL    the admin host (default http://localhost:8787)
  FIREBREAK_TOKEN  the token; on this machine \`dev\` unless it is set. Never given as an argument.

Exit codes: 0 done, 1 refused or failed, 2 not how it is called.
Help of one verb, with examples: ${RUN}<object> <verb> --help`;

/**
 * Runs one command line.
 * @param argv the words after the program's name.
 * @returns the exit code; never throws for what an operator can cause.
 */
export async function run(argv: readonly string[], unguarded: Terminal): Promise<number> {
  const terminal = guardTerminal(unguarded);
  const json = wantsJson(argv);
  const outcome: Outcome = { exitCode: EXIT_OK };
  try {
    await createProgram(terminal, { outcome, json }).parseAsync([...argv], { from: "user" });
    return outcome.exitCode;
  } catch (error) {
    return report(error, terminal, json);
  }
}

/** `--json` before a `--`, wherever it stands: it must hold even when the rest cannot be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? argv.length : end).includes("--json");
}

/** Every command with its verbs; parsing it runs what it names. Also read by tests and by shell completion. */
export function createProgram(
  terminal: Terminal,
  { outcome, json }: { readonly outcome: Outcome; readonly json: boolean },
): Command {
  const program = new Command("firebreak")
    .description("Edge account router: products, versions, accounts and the maps that edges read.")
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(json ? "" : text),
      // Mistakes are told by `report`, with what was meant.
      outputError: () => undefined,
      getOutHelpWidth: () => terminal.out.columns || 110,
      getErrHelpWidth: () => terminal.err.columns || 110,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError(false)
    .showSuggestionAfterError(false)
    .helpCommand("help [object]", "help of an object")
    .configureHelp({ showGlobalOptions: false })
    .addHelpText("after", ENVIRONMENT_HELP)
    .option("--json", "for programs: JSON on standard output, problems as JSON on standard error")
    .option("--url <url>", "admin host (default: FIREBREAK_URL, else http://localhost:8787)");
  const context = { terminal, outcome };
  addStatus(program, context);
  addAlarms(program, context);
  addDoctor(program, context);
  addExplain(program, context);
  addProductMode(addProduct(program, context), context);
  const versions = addVersion(program, context);
  addVersionBad(versions, context);
  addVersionReplace(versions, context);
  addPreflight(program, context);
  addDefault(program, context);
  const accounts = addObject(program, "accounts", {
    summary: "accounts: list, edit, import, pin, hold",
    alias: "account",
  });
  addAccountVerbs(accounts, context);
  addAccountHistory(accounts, context);
  addAccountPut(accounts, context);
  addImportVerbs(accounts, context);
  addAccountCareVerbs(accounts, context);
  addAssignments(program, context);
  addEvents(program, context);
  addWindow(program, context);
  addFreeze(program, context);
  addRollout(program, context);
  addReplay(program, context);
  addGate(program, context);
  addHalt(program, context);
  addBreakGlass(program, context);
  addOverride(program, context);
  addToken(program, context);
  addAccess(program, context);
  addWebhook(program, context);
  addAudit(program, context);
  addTimeline(program, context);
  addApply(program, context);
  addClone(program, context);
  addBackup(program, context);
  addCompare(program, context);
  addCard(program, context);
  addMaps(program, context);
  addLocal(program, context);
  addCompletion(program, context);
  keepCommandOfMistakes(program);
  return program;
}

function keepCommandOfMistakes(command: Command): void {
  command.exitOverride((error) => {
    throw new UsageMistake(error, command);
  });
  command.commands.forEach(keepCommandOfMistakes);
}

function report(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof UsageMistake) return reportMistake(error, terminal, json);
  const failure = error instanceof Failure ? error : bug(error);
  terminal.err.write(json ? failureJson(failure) : renderFailure(failure));
  return failure.exitCode;
}

/** A bug of ours: the trace is the only evidence there is. */
function bug(error: unknown): Failure {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return cliFailure("bug", { title: "firebreak: unexpected error", detail });
}

function reportMistake(mistake: UsageMistake, terminal: Terminal, json: boolean): number {
  const { exitCode, code } = mistake.found;
  if (exitCode === 0) return EXIT_OK;
  // Without a verb commander has shown the help already.
  const failure = HELP_CODES.has(code) ? usageFailure("a verb is missing") : explainMistake(mistake);
  if (json) terminal.err.write(failureJson(failure));
  else if (!HELP_CODES.has(code)) terminal.err.write(renderFailure(failure));
  return EXIT_USAGE;
}
