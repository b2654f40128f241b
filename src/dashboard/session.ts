/**
 * What a browser comes with: a session (a cookie with a secret that the admin API takes in place of a token) or, without
 * one, the word of Cloudflare Access; and the proof that a form was drawn for this very one. A session wins, because it was
 * begun on purpose. It decides nothing about who may do what, nor whether either is any good: the API does, for pages as for
 * programs. `__Host-` binds the cookie to this host and to https (browsers let localhost pass). RFC 6265bis §4.1.3.2.
 */

import { ACCESS_HEADER } from "../contracts/access-env.ts";

/** `secret`: what a page of another site cannot know, and forms are proved with. */
export interface Credential {
  readonly kind: "session" | "access";
  readonly secret: string;
}

/** What the API is asked with on behalf of whoever has it. */
export function headersOf({ kind, secret }: Credential): Readonly<Record<string, string>> {
  return kind === "access" ? { [ACCESS_HEADER]: secret } : { authorization: `Bearer ${secret}` };
}

/** What a request comes with; null when that is nothing. @param access whether the word of Access counts here. */
export function readCredential(headers: Headers, access: boolean): Credential | null {
  const session = readSession(headers);
  if (session !== null) return { kind: "session", secret: session };
  const assertion = access ? headers.get(ACCESS_HEADER) : null;
  return assertion === null ? null : { kind: "access", secret: assertion };
}

export const SESSION_COOKIE = "__Host-firebreak-session";
const SECRET = /^fbs_[A-Za-z0-9_-]{43}$/;

/** The secret of the request's session; null when there is none, or something that cannot be one. */
export function readSession(headers: Headers): string | null {
  for (const part of (headers.get("cookie") ?? "").split(";")) {
    const [name, value = ""] = part.trim().split("=", 2);
    if (name === SESSION_COOKIE && SECRET.test(value)) return value;
  }
  return null;
}

/** `Set-Cookie` that begins the session. Lax, so that a link from a chat opens the page it names; forms carry a proof. */
export function sessionCookie(secret: string, seconds: number): string {
  return `${SESSION_COOKIE}=${secret}; Path=/; Max-Age=${Math.max(0, Math.floor(seconds))}; Secure; HttpOnly; SameSite=Lax`;
}

/** `Set-Cookie` that forgets it. */
export const NO_SESSION_COOKIE = `${SESSION_COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax`;

/** Name of the form field that carries the proof. */
export const PROOF_FIELD = "proof";

/** What a form of this session carries: made from the secret, which a page of another site cannot know. */
export async function proofOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`firebreak form ${secret}`));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
