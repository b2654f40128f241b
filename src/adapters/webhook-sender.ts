/**
 * Sends webhooks, signed as Standard Webhooks has it, with secrets derived from the key of the deployment. Called by the
 * control plane alone. How it is posted and what counts as taken is in `post-event`.
 */
import type { WebhookPorts } from "../contracts/webhook-port.ts";
import { deriveSecret, secretText, webhookHeaders } from "../core/webhooks/sign.ts";
import { notTaken, postEvent, type SenderDeps } from "./post-event.ts";

/** What Standard Webhooks advises receivers to be done within. */
const TIMEOUT_MS = 15_000;

export function createWebhookSender(deps: SenderDeps): WebhookPorts {
  const { key, timeoutMs = TIMEOUT_MS } = deps;
  return {
    secret: (ref) => (key === null ? null : secretText(deriveSecret(key, ref))),
    async send({ url, id, body, secrets }) {
      if (key === null) return notTaken("ORIGIN_KEY is not set, so webhooks cannot be signed");
      const headers = (nowMs: number): Record<string, string> => {
        const signing = secrets.map((ref) => deriveSecret(key, ref));
        return webhookHeaders(signing, { id, nowMs, body });
      };
      return postEvent(deps, { url, body, headers, timeoutMs });
    },
  };
}
