/**
 * `npm run firebreak -- <object> <verb> …`: the command line of operators and of CI. Talks to the admin API alone
 * (FIREBREAK_URL, FIREBREAK_TOKEN); only `maps verify|diff|load` work on files without it.
 * This file starts it and hands over the exit code; everything else is in scripts/cli/.
 */
import { run } from "./cli/program.ts";
import { createProcessTerminal } from "./cli/terminal.ts";

process.exitCode = await run(process.argv.slice(2), createProcessTerminal());
