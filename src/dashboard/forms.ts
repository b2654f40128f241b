/**
 * Reads forms, and only those of our own pages: the browser must not say that another site sent it (Fetch Metadata,
 * `Origin`), and the form must carry the proof of the session it was drawn for. Posture: closed.
 */
import { textResponse } from "./respond.ts";
import { PROOF_FIELD, proofOf } from "./session.ts";
import type { Fields } from "./visit.ts";

const MAX_FORM_BYTES = 64 * 1024;

/** Fields of a small form, each once; null for anything that no form of ours sends. */
export async function readForm(request: Request): Promise<Fields | null> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (type !== "application/x-www-form-urlencoded" || !(length <= MAX_FORM_BYTES)) return null;
  return Object.fromEntries(new URLSearchParams(await request.text()));
}

/** False when the browser says that another site's page sent this. */
export function isOwnPage(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (site !== null && site !== "same-origin" && site !== "none") return false;
  return origin === null || (URL.canParse(origin) && new URL(origin).host === new URL(request.url).host);
}

/** The fields of a form of this session, or null. */
export async function readOwnForm(request: Request, secret: string): Promise<Fields | null> {
  if (!isOwnPage(request)) return null;
  const fields = await readForm(request);
  return fields !== null && fields[PROOF_FIELD] === (await proofOf(secret)) ? fields : null;
}

/** For forms that are not ours. */
export function refuseForm(): Response {
  return textResponse(
    "This form did not come from a page of this session, so nothing was changed. Go back, reload the page and try again.",
    403,
  );
}

/** A path of ours, or the first page: never an address that leads elsewhere. */
export function safePath(back: string | undefined): string {
  return back !== undefined && /^\/(?![/\\])[\w./~-]*$/.test(back) ? back : "/";
}
