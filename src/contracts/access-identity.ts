/**
 * How people and services that come in through Cloudflare Access are named: by e-mail address, or by the client id of a
 * service token. ASCII only, in lower case, because names are compared and two that look alike must not be two.
 * Called where tokens are verified and where grants are made, so that the two agree.
 */

const EMAIL = /^[!#-'*+0-9=?A-Z^-~-]+(?:\.[!#-'*+0-9=?A-Z^-~-]+)*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;
/** `88bf3b6d86161464f6509f7219099e57.access`, as Cloudflare makes them. */
const CLIENT_ID = /^[0-9A-Za-z]{8,64}\.access$/;
const MAX_CHARS = 254;

/** @returns the name in its one spelling, null for what can be none. */
export function parseAccessIdentity(value: unknown): string | null {
  if (typeof value !== "string" || value.length > MAX_CHARS) return null;
  // Checked before it is put into lower case, which makes an ASCII k of a Kelvin sign.
  return EMAIL.test(value) || CLIENT_ID.test(value) ? value.toLowerCase() : null;
}
