/**
 * Changes the headers of the few origins' answers that do not go on as they came. The body is passed on unread.
 * Called by the edge for testers' requests and for what an origin was asked without being told who asks.
 */

/** What an answer can do to the session of whoever gets it. */
const SESSION_HEADERS = ["set-cookie", "clear-site-data"] as const;

/** The answer with `headers` in the place of all that it had. */
export function withHeaders(response: Response, headers: Headers): Response {
  const { status, statusText, webSocket } = response;
  if (webSocket !== null && webSocket !== undefined)
    return new Response(null, { status, headers, webSocket });
  return new Response(response.body, { status, statusText, headers });
}

/** An origin that saw no cookies opens a session for a stranger; it must not replace the one that is there. */
export function withoutSession(response: Response): Response {
  if (!SESSION_HEADERS.some((name) => response.headers.has(name))) return response;
  const headers = new Headers(response.headers);
  for (const name of SESSION_HEADERS) headers.delete(name);
  return withHeaders(response, headers);
}
