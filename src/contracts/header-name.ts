/** What the name of a response header may be: a token of RFC 9110, 5.6.2, bounded. Used where one is set and where it is read. */

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/** True for a name that `Headers` takes. */
export function isHeaderName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}
