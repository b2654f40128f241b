/**
 * `apply -f DIR`: makes an instance what a directory says, after saying what that would change. Every mistake in the
 * files is told first, with file and line, before anything is sent. Moves no account and no default, starts nothing,
 * and removes only what `--prune` names. Applying the same directory again changes nothing.
 */
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { ReasonSchema } from "../../src/contracts/api/common.ts";
import { toInput } from "./arguments.ts";
import { collectAccounts, type PresentAccounts } from "./directory/accounts.ts";
import { planAccounts, type AccountsPlan } from "./directory/accounts-plan.ts";
import { carryOut } from "./directory/carry-out.ts";
import { checkDirectory, createWorld } from "./directory/check.ts";
import { createPaint } from "./directory/colour.ts";
import { readKnownAccounts, readLive, type Live } from "./directory/live.ts";
import { planResources, type Call } from "./directory/plan.ts";
import { checkPruneKey, planPrune } from "./directory/prune.ts";
import { directoryFailure, readDirectory, type Directory } from "./directory/read.ts";
import { isEmpty, planJson, renderPlan, type WholePlan } from "./directory/render.ts";
import { EXIT_FAILED, EXIT_OK } from "./failure.ts";
import { count } from "./render.ts";
import { addVerb, printJson, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const OPTIONS: readonly OptionSpec[] = [
  { flags: "-f, --folder <folder>", about: "the directory, as `export DIR/` writes it", required: true },
  {
    flags: "--prune <name>",
    about: "remove this one too, as window/nights; may be repeated (default: nothing is removed)",
    parse: (text, previous) => [...(Array.isArray(previous) ? previous : []), checkPruneKey(text)],
  },
  { flags: "--reason <text>", about: "why; kept in the audit (default: apply of the directory's name)" },
  { flags: "--yes", about: "do it; without it, it is only said what it would do" },
];

const NOTES: readonly string[] = [
  `DIR holds one JSON file (comments allowed) for each thing, all of them optional:
  products/kiln.json  versions/kiln/2.9.0.json  windows/nights.json  freezes/xmas.json  rollouts/autumn.jsonc
  accounts.ndjson or accounts.csv
What has no file is left alone. \`export DIR/\` writes such a directory.`,
  "It moves no account and no default of a live product, and leaves rollouts that were started as they are.",
];

export function addApply(program: Command, context: ProgramContext): void {
  addVerb(
    program,
    {
      name: "apply",
      summary: "make the instance what a directory says, showing the difference first",
      seeAlso: ["export", "accounts import", "rollout start", "default promote"],
      exits: [
        "done, or nothing to change (with --dry-run: said)",
        "refused, or nothing done because --yes is missing",
      ],
      options: OPTIONS,
      changes: true,
      dryRun: "show what would change, and change nothing",
      notes: NOTES,
      examples: [
        "apply -f config --dry-run",
        'apply -f config --reason "2.9.0 is ready" --yes',
        "apply -f config --prune window/old-nights --yes",
      ],
      run: apply,
    },
    context,
  );
}

interface Planned extends WholePlan {
  readonly calls: readonly Call[];
}

async function apply(session: Session): Promise<number> {
  const { words, terminal, json } = session;
  const plan = await makePlan(session);
  if (!json) terminal.out.write(renderPlan(plan, createPaint(terminal)));
  const goes = words.on("yes") && !session.dryRun && !isEmpty(plan);
  const steps = goes ? await carryOut(session, plan) : 0;
  if (json) printJson(session, { applied: goes, steps, ...planJson(plan) });
  else if (goes) terminal.out.write(`Done: ${count(steps, "step")}.\n`);
  else if (session.dryRun) terminal.out.write("Dry run: nothing was changed.\n");
  else if (!isEmpty(plan)) terminal.out.write("Nothing was done. The same with --yes does it.\n");
  return goes || session.dryRun || isEmpty(plan) ? EXIT_OK : EXIT_FAILED;
}

async function makePlan(session: Session): Promise<Planned> {
  const { words } = session;
  const folder = words.text("folder");
  const reason = toInput(ReasonSchema, words.maybe("reason") ?? `apply of ${basename(resolve(folder))}`);
  const keys = words.texts("prune") ?? [];
  const directory = await readDirectory(folder);
  if (directory.mistakes.length > 0) throw directoryFailure(folder, directory.mistakes);
  const live = await readLive(session);
  const present =
    directory.accounts === null && !keys.some((key) => key.startsWith("account/"))
      ? null
      : await collectAccounts(readKnownAccounts(session));
  const accounts = await readAccounts({ directory, live, present });
  const mistakes = [...checkDirectory(directory, live), ...(accounts?.mistakes ?? [])];
  if (mistakes.length > 0) throw directoryFailure(folder, mistakes);
  const resources = planResources(directory, live, reason);
  const slugs = {
    written: accounts?.slugs ?? new Set<string>(),
    has: (slug: string): boolean => typeof present?.get(slug) === "object" && present.get(slug) !== null,
  };
  const pruned = planPrune({ keys, directory, live, reason, slugs });
  return {
    items: [...resources.items, ...pruned.items],
    accounts,
    notes: [...resources.notes, ...(accounts?.notes ?? []), ...pruned.notes],
    calls: [...resources.calls, ...pruned.calls],
  };
}

async function readAccounts(parts: {
  readonly directory: Directory;
  readonly live: Live;
  readonly present: PresentAccounts | null;
}): Promise<AccountsPlan | null> {
  const { directory, live, present } = parts;
  if (directory.accounts === null || present === null) return null;
  const place = { root: directory.path, file: directory.accounts };
  return planAccounts(place, present, createWorld(directory, live));
}
