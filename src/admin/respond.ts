/**
 * Builds every answer of the admin API: JSON, problems and streams, all with the same protective headers.
 * It must not put an internal message on the wire. Called by the request handler and the routes. Answers are never
 * cached, framed, sniffed or run: they hold tokens and the state of production.
 * RFC 9457 (problems), RFC 9110 §8.8.3 (ETag).
 */
import { PROBLEMS, toProblem, type Refusal } from "../contracts/problems.ts";

export const NDJSON = "application/x-ndjson";
const PROBLEM_JSON = "application/problem+json";

/** On everything this API answers. */
const PROTECTIVE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/** A text answer with the protective headers. */
export function textResponse(body: string | ReadableStream, status: number, contentType: string): Response {
  return new Response(body, { status, headers: { ...PROTECTIVE_HEADERS, "content-type": contentType } });
}

/** A JSON answer; one that has a `revision` carries it as ETag, to be sent back as If-Match. */
export function jsonResponse(value: unknown, status: number): Response {
  const response = textResponse(JSON.stringify(value), status, "application/json");
  const revision = revisionOf(value);
  if (revision !== null) response.headers.set("etag", `"${revision}"`);
  return response;
}

function revisionOf(value: unknown): number | null {
  if (typeof value !== "object" || value === null || !("revision" in value)) return null;
  return typeof value.revision === "number" ? value.revision : null;
}

/** The problem for a refusal; `requestId` is its `instance`. Retry times become `Retry-After`. */
export function problemResponse(refusal: Refusal, requestId: string): Response {
  const problem = JSON.stringify(toProblem(refusal, requestId));
  const response = textResponse(problem, PROBLEMS[refusal.problem].status, PROBLEM_JSON);
  const retry = refusal.extensions?.["retry_after_seconds"];
  if (typeof retry === "number") response.headers.set("retry-after", String(Math.ceil(retry)));
  if (refusal.problem === "unauthorized")
    response.headers.set("www-authenticate", 'Bearer realm="firebreak"');
  return response;
}

/** A document for `event: "failed"` lines, which come after the status line has gone out. */
export function problemEvent(
  refusal: Refusal,
  requestId: string,
): { readonly event: "failed"; readonly problem: ReturnType<typeof toProblem> } {
  return { event: "failed", problem: toProblem(refusal, requestId) };
}
