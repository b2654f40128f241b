/**
 * `rollout rollback`: takes accounts back, all of them, down to a wave, or those that match. Without `--yes` it says in
 * numbers what it would do and does nothing. What cannot be undone easily (a version that is not reversible, a default
 * that has moved) the control plane names, and takes only with `--confirmed`: `--yes` is no answer to a question that was
 * not asked yet.
 */
import type { Command } from "commander";
import { RollbackPreviewSchema, type RollbackPreview } from "../../src/contracts/api/rollout-plan.ts";
import { RolloutGridSchema } from "../../src/contracts/api/rollout-grid.ts";
import { RolloutSchema, RollbackInputSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { numberBetween, oneOf, repeated, toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { EXIT_FAILED, EXIT_OK, usageFailure } from "./failure.ts";
import { clean, count, pairs } from "./render.ts";
import { rolloutAdvice } from "./rollout-advice.ts";
import { rolloutLine } from "./rollout-render.ts";
import {
  conditionsText,
  findWave,
  pathOf,
  ROLLOUT_ID,
  toCondition,
  toWhere,
  type Condition,
} from "./rollout-words.ts";
import { addVerb, printJson, type OptionSpec, type ProgramContext, type Session } from "./verb.ts";

const OPTIONS: readonly OptionSpec[] = [
  { flags: "--all", about: "everybody whom it moved (so it is when nothing else is said)" },
  {
    flags: "--to-wave <wave>",
    about: "keep what the waves up to and including this one moved (default: none, all go back)",
  },
  {
    flags: "--where <key=value>",
    about:
      "only accounts with cohort=NAME, cell=NAME or a label KEY=VALUE; repeatable: all must match (default: everybody)",
    parse: repeated(toCondition),
  },
  {
    flags: "--percent-per-minute <percent>",
    about: "take them back at this pace, percent of those who moved a minute (default: at once)",
    parse: numberBetween(0, 100),
  },
  {
    flags: "--mark-bad <yes|no>",
    about: "mark the targets bad (default: those whose gate or preflight failed, with --all)",
    parse: oneOf("yes", "no"),
  },
  { flags: "--yes", about: "do it; without it, it is only said what it would do" },
  { flags: "--confirmed", about: "also where a version is not reversible or a default has moved" },
];

export function addRolloutBack(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "rollback",
      summary: "take accounts back to where they were",
      exits: [
        "it is on its way back (with --dry-run: said that it would be)",
        "refused, or would be, or nothing done because --yes is missing",
      ],
      dryRun: "the control plane says in numbers what it would do; nothing is done",
      seeAlso: ["rollout pause", "rollout show", "rollout impact", "version mark-bad", "default revert"],
      arguments: [ROLLOUT_ID],
      options: OPTIONS,
      changes: true,
      reason: true,
      writes: true,
      notes: [
        "Windows, freezes and halt do not bind it. The version it leads to is probed first.",
        "Without --yes it only says what it would do.",
      ],
      examples: [
        'rollout rollback 2026-11-autumn --all --reason "attachments fail" --yes',
        'rollout rollback 2026-11-autumn --where cohort=early --reason "attachments fail" --yes',
        'rollout rollback 2026-11-autumn --to-wave staff --reason "too slow for the many" --yes',
      ],
      run: rollBack,
    },
    context,
  );
}

interface Scope {
  readonly toWave: number | null;
  readonly conditions: readonly Condition[];
}

function isCondition(value: unknown): value is Condition {
  return typeof value === "object" && value !== null && "field" in value;
}

/** @throws Failure (usage) when more than one of them is said. */
function scopeOf({ words }: Session, view: RolloutView): Scope {
  const wave = words.maybe("toWave");
  const given = words.value("where");
  const conditions = Array.isArray(given) ? given.filter(isCondition) : [];
  const said = [words.on("all"), wave !== undefined, conditions.length > 0].filter(Boolean);
  if (said.length > 1) throw usageFailure("--all, --to-wave and --where exclude each other: say one.");
  return { toWave: wave === undefined ? null : findWave(wave, view), conditions };
}

/** What it will do, in numbers, as the control plane counts them. */
export function rollbackText(
  preview: RollbackPreview,
  {
    targets,
    conditions,
  }: { readonly targets: RolloutView["targets"]; readonly conditions: readonly Condition[] },
): string {
  const { accounts, stay, waves, defaults, confirm, refused, marksBad } = preview;
  if (refused !== null) return `It would be refused: ${clean(refused)}.`;
  const parts = waves.map((wave) => `${wave.name} ${wave.accounts.toLocaleString("en-US")}`).join(", ");
  const having = conditions.length === 0 ? "" : ` with ${conditionsText(conditions)}`;
  const back = defaults.filter(({ to }) => to !== null).map(({ product }) => product);
  const kept = defaults.filter(({ to }) => to === null);
  return [
    `Takes ${count(accounts, "account")}${having} back from ${pairs(targets)}${parts === "" ? "" : ` (${parts})`}.`,
    ...(stay === 0 ? [] : [`${count(stay, "account")} that moved ${stay === 1 ? "stays" : "stay"}.`]),
    ...(back.length === 0 ? [] : [`The default of ${back.join(" and of ")} goes back too.`]),
    ...kept.map(({ product, problem }) => `The default of ${product} stays: ${clean(problem ?? "")}.`),
    ...(marksBad.length === 0 ? [] : [`Marks ${marksBad.join(" and ")} bad.`]),
    ...(confirm.length === 0 ? [] : [`Takes --confirmed as well: ${clean(confirm.join("; "))}.`]),
  ].join(" ");
}

function bodyOf({ words }: Session, { toWave, conditions }: Scope): unknown {
  const markBad = words.maybe("markBad");
  return toInput(RollbackInputSchema, {
    ...(toWave === null ? {} : { toWave }),
    ...(conditions.length === 0 ? {} : { where: toWhere(conditions) }),
    percentPerMinute: words.number("percentPerMinute"),
    confirmed: words.on("confirmed"),
    ...(markBad === undefined ? {} : { markBad: markBad === "yes" }),
    reason: words.text("reason"),
  });
}

/** Asks what it would do. With `--yes` nothing waits for the answer: going back is urgent. */
async function ask(session: Session, body: unknown): Promise<RollbackPreview | null> {
  const request = { method: "POST", path: pathOf(session, "/rollback/preview"), body } as const;
  try {
    return (await session.api().send(RollbackPreviewSchema, request)).value;
  } catch (error) {
    if (!session.words.on("yes")) throw error;
    return null;
  }
}

/** A cohort or cell that no account of the rollout has is a slip of the pen, and nobody may take it for done. */
async function refuseStrangers(session: Session, { conditions }: Scope): Promise<void> {
  const places = conditions.filter(({ field }) => field !== "label");
  if (places.length === 0) return;
  const request = { method: "GET", path: pathOf(session, "/grid") } as const;
  const { rows } = (await session.api().send(RolloutGridSchema, request)).value;
  const known = {
    cohort: new Set(rows.flatMap(({ cohorts }) => cohorts)),
    cell: new Set(rows.flatMap(({ cell }) => (cell === null ? [] : [cell]))),
  };
  for (const { field, value } of places) {
    if (field === "label" || known[field].has(value)) continue;
    const names = [...known[field]].toSorted();
    throw usageFailure(
      `No account of ${session.words.text("id")} is of ${field} "${value}".`,
      names.length === 0 ? `None of its accounts has a ${field}.` : `There are: ${names.join(", ")}.`,
    );
  }
}

const isAllowed = (would: RollbackPreview | null): boolean => would !== null && would.refused === null;

async function rollBack(session: Session): Promise<number> {
  const { words, terminal, json, dryRun } = session;
  const { value: view } = await session.api().send(RolloutSchema, { method: "GET", path: pathOf(session) });
  const scope = scopeOf(session, view);
  const body = bodyOf(session, scope);
  const would = await ask(session, body);
  // Asked only where nobody would go back: an answer that does not come must not stand in the way of a rollback.
  if (would?.refused === null && would.accounts === 0) await refuseStrangers(session, scope);
  const { targets } = view;
  const text = would === null ? "What it does is not known." : rollbackText(would, { targets, ...scope });
  if (json && (dryRun || !words.on("yes"))) {
    printJson(session, { ...(dryRun ? { dryRun } : { done: false }), would, body });
    return dryRun && isAllowed(would) ? EXIT_OK : EXIT_FAILED;
  }
  if (!words.on("yes") && !dryRun) {
    const next = isAllowed(would) ? " The same with --yes does it." : "";
    terminal.out.write(`${text}\nNothing was done.${next}\n`);
    // A script that forgot it must not take this for a rollback.
    return EXIT_FAILED;
  }
  if (!json) terminal.err.write(`${text}\n`);
  await change(session, {
    schema: RolloutSchema,
    request: { method: "POST", path: pathOf(session, "/rollback"), body },
    render: (after) => `${rolloutLine(after)}\nWhat to do: ${rolloutAdvice(after)}\n`,
  });
  return dryRun && !isAllowed(would) ? EXIT_FAILED : EXIT_OK;
}
