/**
 * What crosses RPC about webhooks: who is told of entries of the audit, how they take it, and what they never took. Plain
 * data. The port itself is in control.ts, the shapes of the wire in api/webhooks.ts.
 */
import type { DeadLetter, Webhook, WebhookInput, WebhookSecret } from "./api/webhooks.ts";
import type { EventAnswer } from "./handover-port.ts";
import type { EpochMs } from "./units.ts";

interface OfWebhook {
  readonly name: string;
}
interface WithReason {
  readonly reason: string;
}

export interface WebhookCommandInputs {
  "webhook.put": OfWebhook & { readonly input: WebhookInput };
  "webhook.delete": OfWebhook & WithReason;
  /** A new secret; the one before signs as well for a day. */
  "webhook.rotate": OfWebhook & WithReason;
  /** Sends again what was given up: one event by its id, or (null) all. */
  "webhook.retry": OfWebhook & WithReason & { readonly event: string | null };
}

/** Never with a secret: answers are kept for repeated requests. */
export interface WebhookCommandOutputs {
  "webhook.put": Webhook;
  "webhook.delete": Webhook;
  "webhook.rotate": Webhook;
  "webhook.retry": { readonly retried: number };
}

export interface WebhookQueryInputs {
  webhooks: Record<never, never>;
  "webhook.secret": OfWebhook;
  "webhook.dead": OfWebhook & { readonly cursor: string | null; readonly limit: number };
}

export interface WebhookQueryOutputs {
  webhooks: readonly Webhook[];
  "webhook.secret": WebhookSecret;
  /** Oldest first. */
  "webhook.dead": { readonly items: readonly DeadLetter[]; readonly cursor: string | null };
}

/** What a secret is derived for. A webhook that is made again under its old name has another one. */
export interface SecretRef {
  readonly name: string;
  readonly madeAt: EpochMs;
  /** Counts up with every rotation. */
  readonly key: number;
}

/** One event on its way to one receiver. */
export interface OutgoingWebhook {
  readonly url: string;
  /** Names the event, the same however often it is sent. */
  readonly id: string;
  readonly body: string;
  /** Each signs. */
  readonly secrets: readonly SecretRef[];
}

/** The way out to receivers of webhooks, and the key that their secrets hang on. */
export interface WebhookPorts {
  /** Never rejects. */
  send(webhook: OutgoingWebhook): Promise<EventAnswer>;
  /** `whsec_…`; null: there is no ORIGIN_KEY to derive it from. */
  secret(ref: SecretRef): string | null;
}
