/**
 * Makes secrets that open something: tokens and sessions. Called by the routes that issue them.
 * The prefix tells people and secret scanners what it is when it turns up where it should not.
 */

/** 256 bits: no rate limit is what keeps them from being guessed. */
const SECRET_BYTES = 32;

/** Every session's secret begins so. */
export const SESSION_PREFIX = "fbs_";

/** A new secret: the prefix and 43 characters of base64url (RFC 4648 §5). */
export function makeSecret(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const base64 = btoa(String.fromCharCode(...bytes));
  return prefix + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
