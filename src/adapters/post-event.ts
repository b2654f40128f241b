/**
 * POSTs one signed event and says whether it was taken. Any 2xx takes it; a redirect does not, because the address was
 * checked and where it leads was not. It never retries; whoever calls does. Called by the senders of events to origins
 * and of webhooks. Posture: every failure is a value, also one of signing.
 */
import type { NamedKey } from "../contracts/env.ts";
import type { EventAnswer } from "../contracts/handover-port.ts";
import type { EpochMs } from "../contracts/units.ts";

const MAX_PROBLEM_CHARS = 200;

/** What a sender of events needs. */
export interface SenderDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly nowMs: () => EpochMs;
  /** Null: nothing is sent, because nobody could tell who sent it. */
  readonly key: NamedKey | null;
  readonly timeoutMs?: number;
}

export interface EventPost {
  readonly url: string;
  readonly body: string;
  /** Signs for this time. */
  readonly headers: (nowMs: EpochMs) => Record<string, string>;
  readonly timeoutMs: number;
}

/** Never rejects. @returns with what `Retry-After` asks for, seconds or a date (RFC 9110, 10.2.3). */
export async function postEvent(
  { fetch, nowMs }: Pick<SenderDeps, "fetch" | "nowMs">,
  { url, body, headers, timeoutMs }: EventPost,
): Promise<EventAnswer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: { "Content-Type": "application/cloudevents+json; charset=utf-8", ...headers(nowMs()) },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    response.body?.cancel().catch(() => undefined);
    if (response.ok) return { taken: true };
    return notTaken(`answered ${response.status}`, retryAfter(response, nowMs()));
  } catch (error) {
    const isLate = error instanceof Error && error.name === "TimeoutError";
    return notTaken(isLate ? `no answer within ${timeoutMs / 1000} s` : wordsOf(error));
  }
}

/** @param problem shown to operators; cut to what a table holds. */
export function notTaken(problem: string, retryAfterMs: number | null = null): EventAnswer {
  return { taken: false, problem: problem.slice(0, MAX_PROBLEM_CHARS), retryAfterMs };
}

function wordsOf(error: unknown): string {
  return `could not be reached (${error instanceof Error ? error.message : String(error)})`;
}

function retryAfter({ headers }: Response, nowMs: EpochMs): number | null {
  const text = headers.get("retry-after");
  if (text === null) return null;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
