/**
 * Reads parsed JSON into typed values, collecting every problem with its place instead of stopping at the first.
 * A reader returns a harmless value when it complains; the caller throws the result away when there are complaints.
 * Called by the decoders of this folder only. Takes no name from outside that could be an inherited property.
 */
import { isDomainName } from "../../contracts/domain-name.ts";
import { isSlug } from "../slug.ts";

/** Where in the document a value was found, and where complaints go. */
export interface Site {
  readonly path: string;
  readonly problems: string[];
}

const PRODUCT_NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const VERSION_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const CELL_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const HASH = /^[0-9a-f]{32}$/;
const SHOWN_PROBLEMS = 3;
const SHOWN_CHARS = 60;

/** JSON or undefined; a syntax error is an expected outcome here. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A site without complaints so far. */
export function newSite(path: string): Site {
  return { path, problems: [] };
}

/** The site of a member or element of `site`. */
export function below(site: Site, name: string | number): Site {
  return { path: site.path === "" ? String(name) : `${site.path}.${name}`, problems: site.problems };
}

/** The first few complaints as one sentence, or null when there were none. */
export function complaint(site: Site): string | null {
  const { problems } = site;
  if (problems.length === 0) return null;
  const more = problems.length > SHOWN_PROBLEMS ? ` and ${problems.length - SHOWN_PROBLEMS} more` : "";
  return problems.slice(0, SHOWN_PROBLEMS).join("; ") + more;
}

/** Notes that the value at `site` is not what was expected, quoting a little of it. */
export function complain(value: unknown, site: Site, expected: string): void {
  site.problems.push(`${site.path} must be ${expected}, is ${describeValue(value)}`);
}

/** A little of a value for a sentence. Never the inside of lists and objects: writing out a deep one overflows the stack. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return "an object";
  return JSON.stringify(value).slice(0, SHOWN_CHARS);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isProductName(value: unknown): value is string {
  return typeof value === "string" && PRODUCT_NAME.test(value);
}

export function isVersionName(value: unknown): value is string {
  return typeof value === "string" && VERSION_NAME.test(value);
}

export function isCellName(value: unknown): value is string {
  return typeof value === "string" && CELL_NAME.test(value);
}

export function isAccountSlug(value: unknown): value is string {
  return typeof value === "string" && isSlug(value);
}

export function isDomain(value: unknown): value is string {
  return typeof value === "string" && isDomainName(value);
}

/** True for what a row may be found by: a slug or a custom host. */
export function isKey(key: string): boolean {
  return isSlug(key) || isDomainName(key);
}

/** True for the name of a content-addressed object: 32 lower-case hex characters. */
export function isContentHash(value: unknown): value is string {
  return typeof value === "string" && HASH.test(value);
}

/** A JSON object; an empty one after a complaint. */
export function readRecord(value: unknown, site: Site): Record<string, unknown> {
  if (isRecord(value)) return value;
  complain(value, site, "an object");
  return {};
}

/** An array; an empty one after a complaint. */
export function readList(value: unknown, site: Site): readonly unknown[] {
  if (Array.isArray(value)) return value;
  complain(value, site, "a list");
  return [];
}

/** A list whose elements are read by `read`. */
export function readEach<T>(value: unknown, site: Site, read: (value: unknown, site: Site) => T): T[] {
  return readList(value, site).map((item, position) => read(item, below(site, position)));
}

/** Text that `accepts` accepts, described by `expected` when it does not; "" after a complaint. */
export function readName(
  value: unknown,
  site: Site,
  grammar: { readonly accepts: (value: unknown) => value is string; readonly expected: string },
): string {
  if (grammar.accepts(value)) return value;
  complain(value, site, grammar.expected);
  return "";
}

export const PRODUCT = { accepts: isProductName, expected: "the name of a product" };
export const VERSION = { accepts: isVersionName, expected: "the name of a version" };
export const CELL = { accepts: isCellName, expected: "the name of a cell" };
export const SLUG = { accepts: isAccountSlug, expected: "the slug of an account" };
export const DOMAIN = { accepts: isDomain, expected: "a lower-case domain name" };
export const CONTENT_HASH = { accepts: isContentHash, expected: "32 hex characters" };
export const TEXT = {
  accepts: (value: unknown): value is string => typeof value === "string",
  expected: "text",
};

/** A whole number of at least `least`, exactly representable; `least` after a complaint. */
export function readWhole(value: unknown, site: Site, least: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  complain(value, site, `a whole number of at least ${least}`);
  return least;
}

export function readFlag(value: unknown, site: Site): boolean {
  if (typeof value === "boolean") return value;
  complain(value, site, "true or false");
  return false;
}

/** Null stays null; everything else is read by `read`. A missing member counts as null. */
export function readNullable<T>(
  value: unknown,
  site: Site,
  read: (value: unknown, site: Site) => T,
): T | null {
  return value === null || value === undefined ? null : read(value, site);
}

/** A record with checked keys, each value read by `read`. Keys keep their order. */
export function readMap<T>(
  value: unknown,
  site: Site,
  entry: {
    readonly key: { readonly accepts: (value: unknown) => value is string; readonly expected: string };
    readonly read: (value: unknown, site: Site) => T;
  },
): Record<string, T> {
  const entries: [string, T][] = [];
  for (const [key, item] of Object.entries(readRecord(value, site))) {
    const place = below(site, key);
    if (entry.key.accepts(key)) entries.push([key, entry.read(item, place)]);
    else complain(key, place, entry.key.expected);
  }
  return Object.fromEntries(entries);
}

/** Product → version. */
export function readVersions(value: unknown, site: Site): Record<string, string> {
  return readMap(value, site, { key: PRODUCT, read: readVersion });
}

export function readVersion(value: unknown, site: Site): string {
  return readName(value, site, VERSION);
}
