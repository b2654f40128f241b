/** `events`: the versions that are told which accounts moved, what they never took, and sending that again. */
import type { Command } from "commander";
import {
  DeadEventSchema,
  EventReceiverSchema,
  EventRetriedSchema,
  EventRetryInputSchema,
  type DeadEventRow,
  type EventReceiverRow,
} from "../../src/contracts/api/handover.ts";
import { toInput } from "./arguments.ts";
import { change } from "./change.ts";
import { PAGE_OPTIONS, showList, showWholeList } from "./lists.ts";
import { PRODUCT_ARGUMENT } from "./product.ts";
import { clean, count, instant, renderTable } from "./render.ts";
import { addObject, addVerb, type ProgramContext } from "./verb.ts";
import { VERSION_ARGUMENT } from "./version.ts";

export function addEvents(program: Command, context: ProgramContext): void {
  const events = addObject(program, "events", {
    summary: "who is told of moved accounts, and what never arrived",
  });
  addReading(events, context);
  addVerb(
    events,
    {
      name: "retry",
      summary: "send again what was given up",
      arguments: [
        PRODUCT_ARGUMENT,
        VERSION_ARGUMENT,
        { name: "[event]", about: "its id; left out: all of the version's" },
      ],
      changes: true,
      reason: true,
      examples: ['events retry kiln 2.9.0 --reason "its receiver is back"'],
      run: (session) =>
        change(session, {
          schema: EventRetriedSchema,
          request: {
            method: "POST",
            path: "/events/retry",
            body: toInput(EventRetryInputSchema, {
              product: session.words.text("product"),
              version: session.words.text("version"),
              event: session.words.maybe("event") ?? null,
              reason: session.words.text("reason"),
            }),
          },
          render: ({ retried }) => `${count(retried, "event", "events")} will be sent again.\n`,
        }),
    },
    context,
  );
}

function addReading(events: Command, context: ProgramContext): void {
  addVerb(
    events,
    {
      name: "list",
      summary: "versions that are told, and how they take it",
      isDefault: true,
      notes: ["A version is told where `version register … --events URL` says; both versions of a move are."],
      examples: ["events list", "events list --json"],
      run: (session) =>
        showWholeList(session, {
          item: EventReceiverSchema,
          request: { path: "/events" },
          noun: ["receiver", "receivers"],
          render: renderReceivers,
        }),
    },
    context,
  );
  addVerb(
    events,
    {
      name: "dead",
      summary: "events that a version did not take within a day",
      options: PAGE_OPTIONS,
      examples: ["events dead", "events dead --all --json"],
      run: (session) =>
        showList(session, {
          item: DeadEventSchema,
          request: { path: "/events/dead" },
          noun: ["event", "events"],
          render: renderDead,
        }),
    },
    context,
  );
}

/** Receivers as a table. */
export function renderReceivers(rows: readonly EventReceiverRow[]): string {
  return renderTable(
    ["product", "version", "taken", "waiting", "dead", "failing since", "next try", "problem"],
    rows.map(({ product, version, delivered, waiting, dead, failingSince, retryAt, problem }) => [
      product,
      version,
      delivered,
      waiting,
      dead,
      failingSince === null ? null : instant(failingSince),
      retryAt === null ? null : instant(retryAt),
      problem === null ? null : clean(problem),
    ]),
  );
}

/** Events that were given up as a table. */
export function renderDead(rows: readonly DeadEventRow[]): string {
  return renderTable(
    ["event", "for", "moved", "accounts", "made", "tries", "problem"],
    rows.map(({ id, product, version, from, to, accounts, madeAt, attempts, problem }) => [
      id,
      `${product} ${version}`,
      `${from} → ${to}`,
      accounts,
      instant(madeAt),
      attempts,
      problem === null ? null : clean(problem),
    ]),
  );
}
