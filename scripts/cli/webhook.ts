/** `webhook`: who is told of entries of the audit as they come, what they never took, and sending that again. */
import type { Command } from "commander";
import {
  DeadLetterSchema,
  EventPatternSchema,
  WebhookInputSchema,
  WebhookNameSchema,
  WebhookRetriedSchema,
  WebhookSchema,
  WebhookWithSecretSchema,
  type DeadLetter,
  type Webhook,
  type WebhookWithSecret,
} from "../../src/contracts/api/webhooks.ts";
import { commaList, toInput, word } from "./arguments.ts";
import { change } from "./change.ts";
import { PAGE_OPTIONS, showList, showWholeList } from "./lists.ts";
import { clean, count, instant, renderFields, renderTable } from "./render.ts";
import { addObject, addVerb, type ArgumentSpec, type ProgramContext, type Session } from "./verb.ts";

const NAME: ArgumentSpec = { name: "<name>", about: "name of the webhook", parse: word(WebhookNameSchema) };

export function addWebhook(program: Command, context: ProgramContext): void {
  const object = addObject(program, "webhook", {
    summary: "who is told of what happens: list, put, delete, rotate, dead, retry",
    alias: "webhooks",
  });
  addReading(object, context);
  addPut(object, context);
  addVerb(
    object,
    {
      name: "delete",
      summary: "tell no more; what waits and what was given up go with it",
      arguments: [NAME],
      changes: true,
      reason: true,
      writes: true,
      examples: ['webhook delete on-call --reason "moved to another tool"'],
      run: (session) =>
        change(session, {
          schema: WebhookSchema,
          request: {
            method: "DELETE",
            path: pathOf(session),
            query: { reason: session.words.text("reason") },
          },
          render: renderWebhook,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "rotate",
      summary: "make a new secret, printed once; for a day the one before signs as well",
      arguments: [NAME],
      changes: true,
      reason: true,
      writes: true,
      notes: ["Also after ORIGIN_KEY was changed: secrets are derived from it."],
      examples: ['webhook rotate on-call --reason "yearly"'],
      run: (session) =>
        change(session, {
          schema: WebhookWithSecretSchema,
          request: {
            method: "POST",
            path: `${pathOf(session)}/rotate`,
            body: { reason: session.words.text("reason") },
          },
          render: renderWithSecret,
        }),
    },
    context,
  );
  addRetry(object, context);
}

function addPut(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "put",
      summary: "tell somebody from now on, or change whom; the secret of a new one is printed once",
      arguments: [NAME],
      options: [
        { flags: "--to <url>", about: "where it is POSTed, https", required: true },
        {
          flags: "--events <actions>",
          about: "actions of the audit, apart by commas: alarm.raised, rollout.*, or * for all",
          parse: commaList(word(EventPatternSchema)),
          required: true,
        },
        { flags: "--notes <text>", about: "whose it is (default: none)" },
      ],
      changes: true,
      writes: true,
      notes: [
        "Each is a CloudEvents document, signed as Standard Webhooks has it, sent in order until it is taken, for a day. A",
        "receiver checks the signature with any library of Standard Webhooks, and takes each webhook-id once.",
      ],
      examples: ["webhook put on-call --to https://hooks.example.net/firebreak --events alarm.*,rollout.*"],
      run: (session) => {
        const { words } = session;
        const body = toInput(WebhookInputSchema, {
          url: words.text("to"),
          events: words.texts("events"),
          notes: words.maybe("notes") ?? "",
        });
        return change(session, {
          schema: WebhookWithSecretSchema,
          request: { method: "PUT", path: pathOf(session), body },
          render: renderWithSecret,
        });
      },
    },
    context,
  );
}

function addReading(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "list",
      summary: "who is told of what, and how they take it",
      isDefault: true,
      examples: ["webhook list"],
      run: (session) =>
        showWholeList(session, {
          item: WebhookSchema,
          request: { path: "/webhooks" },
          noun: ["webhook", "webhooks"],
          render: renderWebhooks,
        }),
    },
    context,
  );
  addVerb(
    object,
    {
      name: "dead",
      summary: "events that a receiver did not take within a day",
      arguments: [NAME],
      options: PAGE_OPTIONS,
      examples: ["webhook dead on-call", "webhook dead on-call --all --json"],
      run: (session) =>
        showList(session, {
          item: DeadLetterSchema,
          request: { path: `${pathOf(session)}/dead` },
          noun: ["event", "events"],
          render: renderDead,
        }),
    },
    context,
  );
}

function addRetry(object: Command, context: ProgramContext): void {
  addVerb(
    object,
    {
      name: "retry",
      summary: "send again what was given up, at once and for another day",
      arguments: [NAME],
      options: [{ flags: "--event <id>", about: "only this one (default: all)" }],
      changes: true,
      reason: true,
      writes: "unconditional",
      examples: ['webhook retry on-call --reason "its receiver is back"'],
      run: (session) => {
        const { words } = session;
        return change(session, {
          schema: WebhookRetriedSchema,
          request: {
            method: "POST",
            path: `${pathOf(session)}/retry`,
            body: { event: words.maybe("event") ?? null, reason: words.text("reason") },
          },
          render: ({ retried }) => `${count(retried, "event")} will be sent again.\n`,
        });
      },
    },
    context,
  );
}

function pathOf({ words }: Session): string {
  return `/webhooks/${encodeURIComponent(words.text("name"))}`;
}

function renderWebhook({ name, url, events, notes, waiting, dead }: Webhook): string {
  return renderFields([
    ["name", name],
    ["to", clean(url)],
    ["events", events.join(", ")],
    ["notes", notes === "" ? null : clean(notes)],
    ["waiting, dead", `${waiting}, ${dead}`],
  ]);
}

function renderWithSecret({ secret, ...webhook }: WebhookWithSecret): string {
  const shown = secret === null ? "" : `Keep its secret now, it is not shown again:\n${secret}\n`;
  return `${renderWebhook(webhook)}${shown}`;
}

function renderWebhooks(webhooks: readonly Webhook[]): string {
  return renderTable(
    ["name", "to", "events", "taken", "waiting", "dead", "failing since", "next try", "problem"],
    webhooks.map(({ name, url, events, delivered, waiting, dead, failingSince, retryAt, problem }) => [
      name,
      clean(url),
      events.join(", "),
      delivered,
      waiting,
      dead,
      instant(failingSince),
      instant(retryAt),
      problem === null ? null : clean(problem),
    ]),
  );
}

function renderDead(letters: readonly DeadLetter[]): string {
  return renderTable(
    ["id", "action", "target", "at", "tries", "problem"],
    letters.map(({ id, action, target, at, attempts, problem }) => [
      id,
      action,
      clean(target),
      instant(at),
      attempts,
      problem === null ? null : clean(problem),
    ]),
  );
}
