/**
 * Sends `accounts.moved` to an origin, signed as every message of ours to origins is. Called by the control plane alone.
 * How it is posted and what counts as taken is in `post-event`.
 */
import type { SendEvent } from "../contracts/handover-port.ts";
import { SIGNATURE_HEADER, signMessage } from "../core/signed-message.ts";
import { notTaken, postEvent, type SenderDeps } from "./post-event.ts";

/** A receiver notes what it got and does the work afterwards. */
const TIMEOUT_MS = 10_000;

export function createEventSender(deps: SenderDeps): SendEvent {
  const { key, timeoutMs = TIMEOUT_MS } = deps;
  return async (event) => {
    if (key === null) return notTaken("ORIGIN_KEY is not set, so events cannot be signed");
    const { url, body, id } = event;
    const headers = (nowMs: number): Record<string, string> => ({
      "Idempotency-Key": id,
      [SIGNATURE_HEADER]: signMessage(key, { ...event, nowMs }),
    });
    return postEvent(deps, { url, body, headers, timeoutMs });
  };
}
