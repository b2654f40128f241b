/**
 * `version replace` and `version replacement …`: a hotfix takes the place of a version for whoever is on it. Replacements
 * are addressed by the version that is replaced. Like `rollout`, no verb sends the revision by itself: the engine raises
 * it at every step, and a pause must never be refused for that.
 */
import type { Command } from "commander";
import {
  ReplacementInputSchema,
  ReplacementPauseInputSchema,
  ReplacementPlanInputSchema,
  ReplacementPlanSchema,
  ReplacementResumeInputSchema,
  ReplacementRollbackInputSchema,
  ReplacementSchema,
  ReplacementStopInputSchema,
} from "../../src/contracts/api/replacements.ts";
import { commaList, numberBetween, toInput, toVersion, wholeFrom } from "./arguments.ts";
import { change } from "./change.ts";
import { showWholeList } from "./lists.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import {
  renderReplacement,
  renderReplacementPlan,
  renderReplacements,
  replacementLine,
} from "./version-replace-render.ts";
import {
  addObject,
  addVerb,
  print,
  printJson,
  type ArgumentSpec,
  type OptionSpec,
  type ProgramContext,
  type Session,
} from "./verb.ts";

const FROM: ArgumentSpec = { name: "<from>", about: "the version that is replaced", parse: toVersion };
const TO: ArgumentSpec = { name: "<to>", about: "the version that takes its place", parse: toVersion };

const RAMP: readonly OptionSpec[] = [
  {
    flags: "--steps <percents>",
    about: "percents of its accounts, apart by commas, up to 100; each is watched (default: 100)",
    parse: commaList(numberBetween(0, 100)),
  },
  {
    flags: "--percent-per-minute <percent>",
    about: "pace, percent of its accounts a minute (default: each step at once)",
    parse: numberBetween(0, 100),
  },
  {
    flags: "--bake <minutes>",
    about: "how long each step is watched (default: 30)",
    parse: wholeFrom(0),
  },
  { flags: "--through-freezes", about: "it cannot wait: freezes do not hold it (halt does)" },
];

/** Adds what replaces versions to the object `version`. */
export function addVersionReplace(version: Command, context: ProgramContext): void {
  addReplace(version, context);
  const object = addObject(version, "replacement", {
    summary: "versions that are being replaced: list, show, pause, resume, stop, roll back",
    alias: "replacements",
  });
  addReading(object, context);
  addSteps(object, context);
  addRollback(object, context);
}

function pathOf({ words }: Session, below = ""): string {
  const at = `/products/${encodeURIComponent(words.text("product"))}/replacements`;
  return `${at}/${encodeURIComponent(words.text("from"))}${below}`;
}

function addReplace(version: Command, context: ProgramContext): void {
  addVerb(
    version,
    {
      name: "replace",
      summary: "a hotfix takes the place of a version, for whoever is on it; beside any rollout",
      seeAlso: ["version replacement show", "version replacement pause", "preflight run"],
      arguments: [PRODUCT_ARGUMENT, FROM, TO],
      options: RAMP,
      changes: true,
      reason: true,
      writes: true,
      notes: [
        "Preflight of the new version first, then its ramp. Homes, pins, quarantines and stable follow at the end.",
        "The default (unknown accounts) never does: promote it by its own step. --dry-run says what would refuse it.",
      ],
      examples: [
        'version replace kiln 2.8.0 2.8.1 --percent-per-minute 5 --reason "attachments over 10 MB"',
        'version replace kiln 2.8.0 2.8.1 --steps 1,25,100 --bake 60 --reason "attachments over 10 MB" --dry-run',
      ],
      run: replace,
    },
    context,
  );
}

function rampOf({ words }: Session): Readonly<Record<string, unknown>> {
  return {
    to: words.text("to"),
    steps: words.value("steps"),
    percentPerMinute: words.number("percentPerMinute"),
    bakeMinutes: words.number("bake"),
    throughFreezes: words.on("throughFreezes"),
  };
}

async function replace(session: Session): Promise<number> {
  const { words } = session;
  const body = toInput(ReplacementInputSchema, { ...rampOf(session), reason: words.text("reason") });
  if (!session.dryRun) {
    const request = { method: "PUT", path: pathOf(session), body } as const;
    await change(session, { schema: ReplacementSchema, request, render: replacementLine });
    return 0;
  }
  const asked = toInput(ReplacementPlanInputSchema, rampOf(session));
  const path = pathOf(session, "/plan");
  const plan = await session.api().send(ReplacementPlanSchema, { method: "POST", path, body: asked });
  if (session.json) printJson(session, { dryRun: true, plan: plan.raw });
  else session.terminal.out.write(`${renderReplacementPlan(plan.value)}Dry run: nothing was changed.\n`);
  return plan.value.problems.length === 0 ? 0 : 1;
}

function addReading(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "list",
      summary: "replacements of a product's versions, newest first",
      arguments: [PRODUCT_ARGUMENT],
      examples: ["version replacement list kiln"],
      run: (session) =>
        showWholeList(session, {
          item: ReplacementSchema,
          request: { path: `/products/${encodeURIComponent(session.words.text("product"))}/replacements` },
          noun: ["replacement", "replacements"],
          render: renderReplacements,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "show",
      summary: "where the replacement of a version is, and why",
      arguments: [PRODUCT_ARGUMENT, FROM],
      examples: ["version replacement show kiln 2.8.0"],
      run: async (session) =>
        print(
          session,
          await session.api().send(ReplacementSchema, { method: "GET", path: pathOf(session) }),
          renderReplacement,
        ),
    },
    context,
  );
}

/** Sends one step of a replacement. */
function step(session: Session, verb: string, body: unknown): Promise<void> {
  const request = { method: "POST", path: pathOf(session, `/${verb}`), body } as const;
  return change(session, { schema: ReplacementSchema, request, render: replacementLine });
}

function addSteps(object: Command, context: ProgramContext): void {
  const shared = { arguments: [PRODUCT_ARGUMENT, FROM], changes: true, writes: true } as const;
  addVerb(
    object,
    {
      ...shared,
      name: "pause",
      summary: "nobody more moves until somebody resumes it",
      reason: true,
      examples: ['version replacement pause kiln 2.8.0 --reason "support sees slow searches"'],
      run: (session) =>
        step(
          session,
          "pause",
          toInput(ReplacementPauseInputSchema, { reason: session.words.text("reason") }),
        ),
    },
    context,
  );
  addVerb(
    object,
    {
      ...shared,
      name: "resume",
      summary: "go on after a pause; preflight runs again",
      options: [{ flags: "--reason <text>", about: "why; kept in the audit" }],
      examples: ['version replacement resume kiln 2.8.0 --reason "searches are fast again"'],
      run: (session) =>
        step(
          session,
          "resume",
          toInput(ReplacementResumeInputSchema, { reason: session.words.maybe("reason") }),
        ),
    },
    context,
  );
  addVerb(
    object,
    {
      ...shared,
      name: "stop",
      summary: "end it here: who has moved stays for good, nobody else moves",
      reason: true,
      examples: ['version replacement stop kiln 2.8.0 --reason "2.8.2 comes instead"'],
      run: (session) =>
        step(session, "stop", toInput(ReplacementStopInputSchema, { reason: session.words.text("reason") })),
    },
    context,
  );
}

function addRollback(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "rollback",
      summary: "everybody back to the version that was replaced, which is probed first",
      arguments: [PRODUCT_ARGUMENT, FROM],
      options: [
        {
          flags: "--confirmed",
          about: "also where the new version is not reversible, or the old one fails its probe",
        },
      ],
      changes: true,
      reason: true,
      writes: true,
      notes: ["Freezes and halt do not bind it."],
      examples: ['version replacement rollback kiln 2.8.0 --reason "it loses drafts"'],
      run: (session) =>
        step(
          session,
          "rollback",
          toInput(ReplacementRollbackInputSchema, {
            confirmed: session.words.on("confirmed"),
            reason: session.words.text("reason"),
          }),
        ),
    },
    context,
  );
}
