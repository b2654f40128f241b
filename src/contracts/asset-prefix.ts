/**
 * The grammar of an asset prefix: the part of a path below which only one version has the files that its pages name.
 * Whole segments, of characters that `URL` leaves as they are, so that a prefix compares with a serialised path as text.
 * Never the bare `/`, which would take every request of every account. Used where versions are declared and maps are read.
 */

const MAX_PREFIX_CHARS = 200;
const PREFIX = /^\/(?:[A-Za-z0-9._~-]+\/)+$/;
const DOTS_ONLY = /\/\.{1,2}\//;

/** True for `/assets/2.9.0/`: begins and ends with `/`, one segment or more, none of them `.` or `..`. */
export function isAssetPrefix(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length <= MAX_PREFIX_CHARS &&
    PREFIX.test(value) &&
    !DOTS_ONLY.test(value)
  );
}

/** True when a path may lie below both: one of them begins with the other. */
export function assetPrefixesMeet(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
