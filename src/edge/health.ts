/**
 * Answers health checks. It asks nothing of anybody: no map, no object, no origin, no clock, so that a load balancer
 * never takes the router out for a fault that lies elsewhere. Called by the edge before anything else could fail.
 * RFC 9110, 9.3.7 (OPTIONS) and 10.2.1 (Allow).
 */
import { REQUEST_ID_HEADER } from "./header-sets.ts";

const ALLOW = "GET, HEAD, OPTIONS";

/** `OPTIONS` gets 204, `GET` 200 with `ok`, `HEAD` the same without it. */
export function answerHealth(method: string, requestId: string): Response {
  const headers = { "Cache-Control": "no-store", [REQUEST_ID_HEADER]: requestId };
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { ...headers, Allow: ALLOW } });
  return new Response(method === "HEAD" ? null : "ok", {
    status: 200,
    headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" },
  });
}
