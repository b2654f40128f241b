/**
 * `rollout`: the object and its reading verbs (plan, list, show, left-behind). What changes something is in
 * rollout-change.ts and rollout-back.ts, watching in rollout-watch.ts.
 */
import type { Command } from "commander";
import {
  LeftBehindAccountSchema,
  RolloutPlanSchema,
  type RolloutPlanAnswer,
} from "../../src/contracts/api/rollout-plan.ts";
import { RolloutSchema } from "../../src/contracts/api/rollouts.ts";
import { toInstant } from "./arguments.ts";
import type { Answer } from "./client.ts";
import { PAGE_OPTIONS, showList, showWholeList } from "./lists.ts";
import { renderTable } from "./render.ts";
import { addRolloutBack } from "./rollout-back.ts";
import { addRolloutChanges } from "./rollout-change.ts";
import { addRolloutDraft, PLAN_NOTE } from "./rollout-draft.ts";
import { isPlanFile, readPlanFile } from "./rollout-file.ts";
import { addRolloutImpact } from "./rollout-impact.ts";
import { renderPlan } from "./rollout-plan-render.ts";
import { renderRollout, renderRollouts } from "./rollout-render.ts";
import { WITH_FREEZE_OPTIONS, withFreeze } from "./rollout-with-freeze.ts";
import { addRolloutSignals } from "./rollout-signal.ts";
import { addRolloutWatch } from "./rollout-watch.ts";
import { pathOf, ROLLOUT_ID, toRolloutId } from "./rollout-words.ts";
import { addObject, addVerb, print, type ProgramContext, type Session } from "./verb.ts";

export function addRollout(program: Command, context: ProgramContext): void {
  const object = addObject(program, "rollout", {
    summary: "move accounts from version to version: plan, start, watch, approve, roll back",
    alias: "rollouts",
  });
  addPlan(object, context);
  addRolloutDraft(object, context);
  addReading(object, context);
  addRolloutWatch(object, context);
  addRolloutChanges(object, context);
  addRolloutSignals(object, context);
  addRolloutImpact(object, context);
  addRolloutBack(object, context);
}

function addPlan(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "plan",
      summary: "who would move when, before anything starts",
      exits: ["it could be started", "it could not be started; the problems name the field"],
      seeAlso: ["rollout create", "rollout start", "window list", "freeze list", "preflight run"],
      arguments: [
        {
          name: "<plan>",
          about:
            "a plan file (- is standard input; a path, or ending in .json or .jsonc), or the id of a rollout",
          parse: (text) => (isPlanFile(text) ? text : toRolloutId(text)),
        },
      ],
      options: [
        {
          flags: "--before <instant>",
          about: "who cannot be reached before this time? (default: nobody is asked about)",
          parse: toInstant,
        },
        { flags: "--at <instant>", about: "as if it were started then (default: now)", parse: toInstant },
        {
          flags: "--label <key>",
          about: "count the accounts of each wave by this label (default: no counts)",
        },
        ...WITH_FREEZE_OPTIONS,
        { flags: "--all", about: "each time zone by itself (default: those of a region together)" },
      ],
      notes: [
        PLAN_NOTE,
        "--with-freeze shows what a freeze that is not there would change; nothing is written down.",
      ],
      examples: [
        "rollout plan autumn.jsonc --before 2026-12-20T00:00:00Z",
        "rollout plan 2026-11-autumn --label tier --json",
        "rollout plan 2026-11-autumn --with-freeze 2026-12-20/2027-01-03 --freeze-label tier=gold",
      ],
      run: async (session) => {
        const answer = await askPlan(session);
        print(session, answer, (plan) => renderPlan(plan, session.words.on("all")));
        return answer.value.problems.length === 0 ? 0 : 1;
      },
    },
    context,
  );
}

async function askPlan(session: Session): Promise<Answer<RolloutPlanAnswer>> {
  const { words, terminal } = session;
  const word = words.text("plan");
  const query = {
    before: words.maybe("before"),
    at: words.maybe("at"),
    label: words.maybe("label"),
    withFreeze: withFreeze(session),
  };
  if (!isPlanFile(word)) {
    const path = `/rollouts/${encodeURIComponent(word)}/plan`;
    return session.api().send(RolloutPlanSchema, { method: "GET", path, query });
  }
  const body = await readPlanFile(terminal, word, undefined);
  return session.api().send(RolloutPlanSchema, { method: "POST", path: "/rollouts/plan", query, body });
}

function addReading(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "list",
      summary: "all rollouts, newest first",
      seeAlso: ["rollout show", "rollout watch"],
      examples: ["rollout list"],
      run: (session) =>
        showWholeList(session, {
          item: RolloutSchema,
          request: { path: "/rollouts" },
          noun: ["rollout", "rollouts"],
          render: renderRollouts,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "show",
      summary: "where a rollout is and why, its waves, what to do",
      seeAlso: [
        "rollout watch",
        "rollout pause",
        "rollout rollback",
        "rollout impact",
        "rollout left-behind",
        "explain",
      ],
      arguments: [ROLLOUT_ID],
      examples: ["rollout show 2026-11-autumn", "rollout show 2026-11-autumn --json"],
      run: async (session) =>
        print(
          session,
          await session.api().send(RolloutSchema, { method: "GET", path: pathOf(session) }),
          renderRollout,
        ),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "left-behind",
      summary: "accounts that are not on the target, each with the reason",
      seeAlso: ["rollout adopt", "rollout show", "accounts show"],
      arguments: [ROLLOUT_ID],
      options: PAGE_OPTIONS,
      examples: ["rollout left-behind 2026-11-autumn --all"],
      run: (session) =>
        showList(session, {
          item: LeftBehindAccountSchema,
          request: { path: pathOf(session, "/left-behind") },
          noun: ["account", "accounts"],
          render: (items) =>
            renderTable(
              ["account", "reason", "detail"],
              items.map(({ account, reason, detail }) => [account, reason, detail]),
            ),
        }),
    },
    context,
  );
}
