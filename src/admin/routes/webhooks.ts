/**
 * Webhooks: who is told of entries of the audit as they come. A secret is shown in the answer that makes it and never
 * again; the control plane derives it and keeps none.
 */
import {
  DeadLetterPageSchema,
  DeadLetterQuerySchema,
  WebhookInputSchema,
  WebhookListSchema,
  WebhookParamsSchema,
  WebhookRetriedSchema,
  WebhookRetryInputSchema,
  WebhookRotateInputSchema,
  WebhookSchema,
  WebhookWithSecretSchema,
  type Webhook,
  type WebhookWithSecret,
} from "../../contracts/api/webhooks.ts";
import { ReasonQuerySchema } from "../../contracts/api/common.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { Services } from "../deps.ts";
import { defineOperation, NO_BODY, NOTHING, type Operation } from "../operation.ts";

const TAG = "webhooks";
const ALL = "/api/v1/webhooks";
const ONE = `${ALL}/{name}`;

const DESCRIPTION = `Entries of the audit, each a CloudEvents 1.0 document (JSON, structured; \`type\` is the action, \`subject\` the target), are
POSTed in order until the receiver answers 2xx, with growing pauses, for a day; then they are dead letters, until somebody
sends them again. Signed as Standard Webhooks has it (\`webhook-id\`, \`webhook-timestamp\`, \`webhook-signature\`). The same id
again is the same event: take it once.`;

/** The answer with the secret that was made by the change. */
async function withSecret(
  changed: Result<Webhook, Refusal>,
  { services, isNew }: { readonly services: Services; readonly isNew: (webhook: Webhook) => boolean },
): Promise<Result<WebhookWithSecret, Refusal>> {
  if (!changed.ok) return changed;
  const { value } = changed;
  if (!isNew(value)) return ok({ ...value, secret: null });
  const found = await services.control.query("webhook.secret", { name: value.name });
  return found.ok ? ok({ ...value, ...found.value }) : found;
}

export const WEBHOOK_OPERATIONS: readonly Operation[] = [
  defineOperation({
    id: "webhooks.list",
    method: "get",
    path: ALL,
    tag: TAG,
    summary: "Who is told, and how they take it",
    description: DESCRIPTION,
    params: NOTHING,
    query: NOTHING,
    body: NO_BODY,
    answer: { status: 200, description: "The webhooks", schema: WebhookListSchema },
    run: async (_input, { services }) => {
      const found = await services.control.query("webhooks", {});
      return found.ok ? ok({ items: [...found.value], cursor: null }) : found;
    },
  }),
  defineOperation({
    id: "webhooks.put",
    method: "put",
    path: ONE,
    tag: TAG,
    summary: "Tell somebody, or change whom",
    description:
      "A new one is told from then on; the answer has its secret, once. A change keeps the secret and what waits.",
    params: WebhookParamsSchema,
    query: NOTHING,
    body: WebhookInputSchema,
    example: {
      url: "https://hooks.example.net/firebreak",
      events: ["alarm.*", "rollout.*"],
      notes: "on call",
    },
    answer: {
      status: 200,
      description: "The webhook as it is now; a new one with its secret",
      schema: WebhookWithSecretSchema,
    },
    run: async ({ params, body }, { services, write }) =>
      withSecret(await services.control.execute("webhook.put", { ...params, input: body }, write), {
        services,
        isNew: ({ revision }) => revision === 1,
      }),
  }),
  defineOperation({
    id: "webhooks.delete",
    method: "delete",
    path: ONE,
    tag: TAG,
    summary: "Tell no more",
    description: "What waits and what was given up go with it.",
    params: WebhookParamsSchema,
    query: ReasonQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "The webhook as it was", schema: WebhookSchema },
    run: ({ params, query }, { services, write }) =>
      services.control.execute("webhook.delete", { ...params, ...query }, write),
  }),
  defineOperation({
    id: "webhooks.rotate",
    method: "post",
    path: `${ONE}/rotate`,
    tag: TAG,
    summary: "Make a new secret",
    description: "For a day the one before signs as well. Also after ORIGIN_KEY was changed.",
    params: WebhookParamsSchema,
    query: NOTHING,
    body: WebhookRotateInputSchema,
    example: { reason: "yearly" },
    answer: { status: 200, description: "With the new secret, once", schema: WebhookWithSecretSchema },
    run: async ({ params, body }, { services, write }) =>
      withSecret(await services.control.execute("webhook.rotate", { ...params, ...body }, write), {
        services,
        isNew: () => true,
      }),
  }),
  defineOperation({
    id: "webhooks.dead.list",
    method: "get",
    path: `${ONE}/dead`,
    tag: TAG,
    summary: "What a receiver never took",
    params: WebhookParamsSchema,
    query: DeadLetterQuerySchema,
    body: NO_BODY,
    answer: { status: 200, description: "A page of events, oldest first", schema: DeadLetterPageSchema },
    run: async ({ params, query: { cursor = null, limit } }, { services }) => {
      const page = await services.control.query("webhook.dead", { ...params, cursor, limit });
      return page.ok ? ok({ ...page.value, items: [...page.value.items] }) : page;
    },
  }),
  defineOperation({
    id: "webhooks.retry",
    method: "post",
    path: `${ONE}/retry`,
    tag: TAG,
    summary: "Send again what was given up",
    params: WebhookParamsSchema,
    query: NOTHING,
    body: WebhookRetryInputSchema,
    example: { reason: "its receiver is back" },
    answer: { status: 200, description: "How many are sent again", schema: WebhookRetriedSchema },
    run: ({ params, body }, { services, write }) =>
      services.control.execute("webhook.retry", { ...params, ...body }, write),
  }),
];
