/**
 * Every answer of the dashboard, with the same protective headers: nothing inline, nothing from elsewhere, no frames, no
 * cache. Pages hold the state of production. CSP Level 3, ASVS 3.4.
 */
import type { HtmlEscapedString } from "hono/utils/html";

const PROTECTIVE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // Not no-referrer: browsers then send forms with `Origin: null`, which is what a forged one looks like.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

type Markup = HtmlEscapedString | Promise<HtmlEscapedString>;

/** A page. @param markup the whole document, as hono/jsx makes it. */
export async function pageResponse(markup: Markup, status = 200): Promise<Response> {
  const text = (await markup).toString();
  return new Response(`<!doctype html>${text}`, {
    status,
    headers: { ...PROTECTIVE_HEADERS, "content-type": "text/html; charset=utf-8" },
  });
}

export function textResponse(
  text: string,
  status: number,
  contentType = "text/plain; charset=utf-8",
): Response {
  return new Response(text, { status, headers: { ...PROTECTIVE_HEADERS, "content-type": contentType } });
}

/** A file to keep. @param fileName of ours: letters, digits, `-` and `.` alone. */
export function streamResponse(
  body: ReadableStream<Uint8Array>,
  { contentType, fileName }: { readonly contentType: string; readonly fileName: string },
): Response {
  const headers = {
    ...PROTECTIVE_HEADERS,
    "content-type": contentType,
    "content-disposition": `attachment; filename="${fileName}"`,
  };
  return new Response(body, { status: 200, headers });
}

/** Sends the browser on, with GET, after a form was taken. @param to a path of ours, never one from outside. */
export function seeOther(to: string, cookie: string | null = null): Response {
  const headers = new Headers({ ...PROTECTIVE_HEADERS, location: to });
  if (cookie !== null) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}
