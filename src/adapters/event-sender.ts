/**
 * Sends one signed event to one origin and says whether it was taken. Any 2xx takes it; a redirect does not, because the
 * address was checked and where it leads was not. It never retries; whoever calls does. Called by the control plane
 * alone. Posture: every failure is a value.
 */
import type { EventAnswer, OutgoingEvent, SendEvent } from "../contracts/handover-port.ts";
import type { NamedKey } from "../contracts/env.ts";
import type { EpochMs } from "../contracts/units.ts";
import { SIGNATURE_HEADER, signMessage } from "../core/signed-message.ts";

/** A receiver notes what it got and does the work afterwards. */
const TIMEOUT_MS = 10_000;
const MAX_PROBLEM_CHARS = 200;

export interface EventSenderDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly nowMs: () => EpochMs;
  /** Null: nothing is sent, because nobody could tell who sent it. */
  readonly key: NamedKey | null;
  readonly timeoutMs?: number;
}

export function createEventSender(deps: EventSenderDeps): SendEvent {
  const { key, nowMs, timeoutMs = TIMEOUT_MS } = deps;
  return async (event) => {
    if (key === null) return failure("ORIGIN_KEY is not set, so events cannot be signed");
    try {
      const response = await deps.fetch(event.url, {
        method: "POST",
        redirect: "manual",
        headers: headersOf(event, signMessage(key, { ...event, nowMs: nowMs() })),
        body: event.body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      response.body?.cancel().catch(() => undefined);
      if (response.ok) return { taken: true };
      return { ...failure(`answered ${response.status}`), retryAfterMs: retryAfter(response, nowMs()) };
    } catch (error) {
      const isLate = error instanceof Error && error.name === "TimeoutError";
      return failure(isLate ? `no answer within ${timeoutMs / 1000} s` : wordsOf(error));
    }
  };
}

function headersOf({ id }: OutgoingEvent, signature: string): Record<string, string> {
  return {
    "Content-Type": "application/cloudevents+json; charset=utf-8",
    "Idempotency-Key": id,
    [SIGNATURE_HEADER]: signature,
  };
}

function failure(problem: string): Extract<EventAnswer, { taken: false }> {
  return { taken: false, problem: problem.slice(0, MAX_PROBLEM_CHARS), retryAfterMs: null };
}

function wordsOf(error: unknown): string {
  return `could not be reached (${error instanceof Error ? error.message : String(error)})`;
}

/** Seconds or a date, RFC 9110, 10.2.3. */
function retryAfter({ headers }: Response, nowMs: EpochMs): number | null {
  const text = headers.get("retry-after");
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
