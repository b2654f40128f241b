/**
 * The grammar of a domain name as we store and compare it: lower-case ASCII, no trailing dot, no port.
 * Used where names are configured or written; what arrives on the wire goes through `core/parse-host`.
 */

const MAX_NAME_CHARS = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a lower-case ASCII host name of labels of 1-63, whole name up to 253. Linear: one bounded match a label. */
export function isDomainName(text: string): boolean {
  return text.length <= MAX_NAME_CHARS && text.split(".").every((label) => LABEL.test(label));
}
