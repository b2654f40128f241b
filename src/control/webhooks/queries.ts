/** The questions about webhooks, by name, for `queries`. Reads only. */
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { WebhookQueryInputs, WebhookQueryOutputs } from "../../contracts/webhook-port.ts";
import { notFound } from "../refuse.ts";
import { loadWebhook, loadWebhooks, viewWebhook } from "../store/webhooks.ts";
import { viewDeadLetters } from "./dead.ts";
import type { WebhookDelivery } from "./deliver.ts";

type Query<K extends keyof WebhookQueryInputs> = (
  ports: WebhookDelivery,
  input: WebhookQueryInputs[K],
) => Result<WebhookQueryOutputs[K], Refusal>;

export const WEBHOOK_QUERIES: { readonly [K in keyof WebhookQueryInputs]: Query<K> } = {
  webhooks: ({ db }) => ok(loadWebhooks(db).map((webhook) => viewWebhook(db, webhook))),
  "webhook.secret": ({ db, webhooks }, { name }) => {
    const webhook = loadWebhook(db, name);
    return webhook === null ? notFound(`webhook ${name}`) : ok({ secret: webhooks.secret(webhook) });
  },
  "webhook.dead": ({ db }, input) =>
    loadWebhook(db, input.name) === null ? notFound(`webhook ${input.name}`) : ok(viewDeadLetters(db, input)),
};
