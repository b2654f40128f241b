/**
 * Decides whether a request may be looked at before anybody is asked who sent it: where a browser says it comes from,
 * and what its body claims to be. It must not read a body it refuses. Called by the request handler.
 * A form, an image or a page of a tenant cannot set an Authorization header, so these are a second fence, not the first.
 * Fetch Metadata (W3C), ASVS 3.5.1-3.5.3.
 */
import type { Refusal } from "../contracts/problems.ts";
import { err, type Result } from "../contracts/result.ts";
import { FORBIDDEN_NAME, parseJsonText } from "./json-text.ts";

/** JSON bodies are small: the largest is an account with 50 domains. */
export const MAX_JSON_BYTES = 1024 * 1024;

/** What a body may call itself. Every one needs a CORS preflight from a foreign page, and none is granted. */
const MEDIA_TYPES = {
  json: ["application/json"],
  ndjson: ["application/x-ndjson", "application/ndjson", "application/jsonl"],
} as const;
export type BodyKind = keyof typeof MEDIA_TYPES;

/** Requests that browsers send from other sites, those of tenants included, may not change anything. */
export function refuseForeignSite(request: Request, adminHost: string): Refusal | null {
  if (request.method === "GET" || request.method === "HEAD") return null;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const foreign =
    (site !== null && site !== "same-origin" && site !== "none") ||
    (origin !== null && hostOf(origin) !== adminHost);
  if (!foreign) return null;
  return {
    problem: "forbidden",
    detail: `A page of another site may not change anything here. Use the pages of ${adminHost}, the command line, or the API directly.`,
  };
}

function hostOf(origin: string): string | null {
  // A forged or opaque origin ("null") has no host, and so equals nobody's.
  return URL.canParse(origin) ? new URL(origin).hostname : null;
}

/** Refuses a body that does not say it is what the route takes. */
export function refuseMediaType(request: Request, kind: BodyKind): Refusal | null {
  const given = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  const taken: readonly string[] = MEDIA_TYPES[kind];
  if (taken.includes(given)) return null;
  return { problem: "unsupported-media-type", detail: `Send the body with Content-Type: ${taken[0]}.` };
}

// The parser's own words quote the body, which may hold a secret.
const NOT_JSON: Refusal = {
  problem: "invalid",
  detail: "The body is not JSON. Send one JSON document in UTF-8.",
};
const FORBIDDEN_MEMBER: Refusal = {
  problem: "invalid",
  detail: `The body has a member called ${FORBIDDEN_NAME}. Nothing can have that name; choose another.`,
};
const TOO_LARGE: Refusal = {
  problem: "too-large",
  detail: `The body is larger than ${MAX_JSON_BYTES} bytes. Many accounts go through POST /api/v1/accounts/import.`,
};

/**
 * Reads a JSON body, at most MAX_JSON_BYTES of it.
 * @returns the value, or the refusal `unsupported-media-type`, `too-large` or `invalid`.
 */
export async function readJson(request: Request): Promise<Result<unknown, Refusal>> {
  const refused = refuseMediaType(request, "json");
  if (refused !== null) return err(refused);
  if (Number(request.headers.get("content-length") ?? 0) > MAX_JSON_BYTES) return err(TOO_LARGE);
  try {
    const text = await readBounded(request.body);
    if (text === null) return err(TOO_LARGE);
    const read = parseJsonText(text);
    if (read.ok) return read;
    return err(read.error === "not-json" ? NOT_JSON : FORBIDDEN_MEMBER);
  } catch {
    // Cut off, or not UTF-8.
    return err(NOT_JSON);
  }
}

/** The text of a body, null when it is too long. Throws when the bytes are no UTF-8 or the client goes away. */
async function readBounded(body: ReadableStream<Uint8Array> | null): Promise<string | null> {
  if (body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const reader = body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > MAX_JSON_BYTES) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}
