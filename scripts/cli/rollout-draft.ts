/**
 * `rollout create`, `delete` and `adopt`: drafts. None of them moves anybody. `create` never overwrites a draft that it
 * was not told to replace, and then only as it was read: a change in between is refused and not lost.
 */
import type { Command } from "commander";
import { AdoptInputSchema } from "../../src/contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView } from "../../src/contracts/api/rollouts.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { RUN } from "./command-line.ts";
import { cliFailure } from "./failure.ts";
import { readPlanFile } from "./rollout-file.ts";
import { rolloutLine } from "./rollout-render.ts";
import { pathOf, ROLLOUT_ID, toRolloutId } from "./rollout-words.ts";
import { addVerb, type ProgramContext, type Session } from "./verb.ts";

/** Enough of a plan to write one without the README; shown by the verbs that take a plan file. */
export const PLAN_NOTE = `A plan file is JSON with comments:
  { "id": "2026-11-autumn",
    "targets": { "kiln": "2.9.0" },               // moved together, account by account
    "waves": [                                    // in order; percent of its cohorts, counting what earlier waves moved
      { "name": "staff", "cohorts": ["internal"], "percent": 100, "bake": { "minutes": 60, "workdays": 1 } },
      { "name": "forty", "cohorts": ["*"], "percent": 40, "percentPerMinute": 2, "window": "weekend-nights" },
      { "name": "rest", "cohorts": ["*"], "percent": 100, "window": "weekend-nights", "approve": "before" } ],
    "gate": { "errorIncreasePercent": 1, "onFail": "rollback", "onInconclusive": "approve" },
    "default": { "move": true,                    // unknown accounts: last, alone, never part of a wave
      "window": { "days": ["tue", "wed", "thu"], "from": "10:00", "to": "16:00", "zone": "Europe/Paris" } } }
The window of the default is needed, in a zone that is named. "weekend-nights" is the name of one that \`window put\` made.
A wave also takes maxPerTick; bake also requests; gate also minAccounts, minRequests, mustHave, dryRun.`;

export function addRolloutDraft(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "create",
      summary: "write a plan down as a draft; nobody moves before it is started",
      seeAlso: ["rollout plan", "rollout start", "rollout delete"],
      arguments: [{ name: "<file>", about: "plan file: JSON, comments allowed (- is standard input)" }],
      options: [
        {
          flags: "--id <id>",
          about: "in place of the id in the file (default: that id)",
          parse: toRolloutId,
        },
        { flags: "--replace", about: "replace the draft that there is under this id" },
      ],
      changes: true,
      writes: true,
      notes: [PLAN_NOTE],
      examples: ["rollout create autumn.jsonc", "rollout create autumn.jsonc --id 2026-11-autumn --replace"],
      run: createDraft,
    },
    context,
  );
  addVerb(
    object,
    {
      name: "delete",
      summary: "delete a draft",
      seeAlso: ["rollout create", "rollout stop"],
      arguments: [ROLLOUT_ID],
      changes: true,
      writes: true,
      notes: ["One that was started stays for the record: stop it, or roll it back."],
      examples: ["rollout delete 2026-11-autumn"],
      run: (session) =>
        change(session, {
          schema: RolloutSchema,
          request: { method: "DELETE", path: pathOf(session) },
          render: ({ id }) => `Deleted draft ${id}.\n`,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "adopt",
      summary: "take along who was left behind",
      seeAlso: ["rollout left-behind", "rollout plan", "rollout start"],
      arguments: [ROLLOUT_ID],
      options: [
        {
          flags: "--from <id>",
          about:
            "the ended rollout whose left-behind accounts a new draft <id> takes (default: <id> takes its late ones)",
          parse: toRolloutId,
        },
      ],
      changes: true,
      writes: true,
      examples: ["rollout adopt 2026-12-rest --from 2026-11-autumn", "rollout adopt 2026-11-autumn"],
      run: (session) =>
        change(session, {
          schema: RolloutSchema,
          request: {
            method: "POST",
            path: pathOf(session, "/adopt"),
            body: toInput(AdoptInputSchema, { from: session.words.maybe("from") }),
          },
          render: (view) => `${rolloutLine(view)}\n`,
        }),
    },
    context,
  );
}

function renderDraft(view: RolloutView): string {
  return `${rolloutLine(view)}\nNext: ${RUN}rollout plan ${view.id}\n`;
}

/** The next step that works: only a draft can be replaced, and what was started keeps its id for the record. */
function nextOf({ id, phase }: RolloutView): string {
  return phase === "draft"
    ? "The same with --replace writes this plan in its place; with --id another one beside it."
    : `It was started, and stays under this id for the record: the same with \`--id ${freeId(id)}\` writes the plan down anew.`;
}

/** `tour` → `tour-2`, `tour-2` → `tour-3`. */
function freeId(id: string): string {
  const [, stem = id, number] = /^(.*?)(?:-(\d{1,3}))?$/.exec(id) ?? [];
  return `${stem}-${number === undefined ? 2 : Number(number) + 1}`;
}

async function createDraft(session: Session): Promise<void> {
  const { words, terminal } = session;
  const input = await readPlanFile(terminal, words.text("file"), words.maybe("id"));
  const path = `/rollouts/${encodeURIComponent(input.id)}`;
  const found = await session.api().find(RolloutSchema, { method: "GET", path });
  if (found !== null && !words.on("replace")) {
    throw cliFailure("exists", {
      title: "There is a rollout of that id",
      detail: `${input.id} is there already, in phase ${found.value.phase}.`,
      next: nextOf(found.value),
    });
  }
  const revision = found === null ? {} : { "if-match": `"${found.value.revision}"` };
  await change(session, {
    schema: RolloutSchema,
    request: { method: "PUT", path, body: input, headers: revision },
    render: renderDraft,
  });
}
