/**
 * Decides whether a text is an account slug.
 *
 * Called by `classify-request` for the label under a base domain and by the control plane for imported and created
 * accounts, so that nothing can be stored that no Host could ever name. It never lower-cases or trims: refuse, do not
 * repair. Posture: closed.
 */

const MAX_SLUG_BYTES = 63; // one DNS label, RFC 1035 §2.3.4
const PUNYCODE_PREFIX = "xn--"; // RFC 5890 §2.3.1: look-alikes of other people's slugs, so never one of ours

const HYPHEN = 0x2d;

/**
 * Tells whether `text` is a slug: `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?` and not `xn--…`.
 *
 * @param text any text, of any length; only the first 64 characters are ever looked at.
 * @returns true for a slug; false for everything else, upper-case letters, dots and the empty text included.
 *
 * @example isSlug("acme") // true; isSlug("Acme"), isSlug("-acme"), isSlug("xn--acme-9na") // false
 */
export function isSlug(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > MAX_SLUG_BYTES) return false;
  if (text.charCodeAt(0) === HYPHEN || text.charCodeAt(length - 1) === HYPHEN) return false;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    const isLower = code >= 0x61 && code <= 0x7a;
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isLower && !isDigit && code !== HYPHEN) return false;
  }
  return !text.startsWith(PUNYCODE_PREFIX);
}
