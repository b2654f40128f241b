/**
 * What single words on the command line mean: names, instants, `key=value` pairs. One parser per kind, each built on
 * the schema of src/contracts/api where there is one, so that a word refused here is one the API would refuse too.
 * All throw commander's InvalidArgumentError, which ends the command with exit code 2 before anything is sent.
 */
import { InvalidArgumentError } from "commander";
import {
  CohortSchema,
  DomainSchema,
  InstantSchema,
  ProductNameSchema,
  SlugSchema,
  VersionNameSchema,
  zoneName,
} from "../../src/contracts/api/common.ts";
import type { PathTimeout } from "../../src/contracts/maps.ts";
import { usageFailure } from "./failure.ts";
import { nearest } from "./nearest.ts";
import type { Parser } from "./client.ts";

/** Makes a parser of one word out of a schema of text. */
export function word(schema: Parser<string>): (text: string) => string {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message ?? "is not valid"}.`);
  };
}

export const toProduct = word(ProductNameSchema);
export const toVersion = word(VersionNameSchema);
export const toSlug = word(SlugSchema);
export const toCohort = word(CohortSchema);
export const toDomain = word(DomainSchema);

/** A point in time as ISO 8601 with offset; the same text is sent on. */
export function toInstant(text: string): string {
  if (InstantSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError("Write a point in time with its offset, as in 2026-11-28T22:05:00Z.");
}

/** A whole number of at least `lowest`. */
export function wholeFrom(lowest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= lowest) return value;
    throw new InvalidArgumentError(`It must be a whole number, at least ${lowest}.`);
  };
}

/** A whole number between two bounds. */
export function wholeBetween(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${lowest} to ${highest}.`);
  };
}

/** A number between two bounds, as `2.5`. */
export function numberBetween(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`It must be a number from ${lowest} to ${highest}.`);
  };
}

/** A wall clock of 24 hours. */
export function toWallClock(text: string): string {
  if (/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text)) return text;
  throw new InvalidArgumentError("It must be a wall clock as HH:MM, as in 22:00.");
}

/** A local date, or a local date and time without offset. */
export function toLocalDate(text: string): string {
  if (/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?$/.test(text)) return text;
  throw new InvalidArgumentError(
    "Write a local date, or date and time without offset, as in 2026-12-20 or 2026-12-20T08:00.",
  );
}

/** An IANA time zone, or one of the words that stand beside them. */
export function toZone(...words: readonly string[]): (text: string) => string {
  return (text) => {
    if (words.includes(text)) return text;
    const known = zoneName(text);
    if (known !== null) return known;
    const near = nearest(text, [...words, ...Intl.supportedValuesOf("timeZone")])[0];
    const also = words.map((each) => `, or ${each}`).join("");
    const meant = near === undefined ? "" : ` Did you mean ${near}?`;
    throw new InvalidArgumentError(`It must be an IANA time zone, as in Europe/Paris${also}.${meant}`);
  };
}

/** A share between 0 and 1. */
export function toShare(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value <= 1) return value;
  throw new InvalidArgumentError("It must be a share between 0 and 1, as in 0.05.");
}

/** A parser that knows the only words it takes. */
export interface ClosedParser<T extends string> {
  (text: string): T;
  readonly words: readonly T[];
}

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): ClosedParser<T> {
  const parse = (text: string): T => {
    const found = words.find((each) => each === text);
    if (found !== undefined) return found;
    const near = nearest(text, words)[0];
    const said = words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
    throw new InvalidArgumentError(
      `It must be ${said}.${near === undefined ? "" : ` Did you mean ${near}?`}`,
    );
  };
  return Object.assign(parse, { words });
}

/** The only words that a parser takes; none when it is not one of those. */
export function closedWords(parse: unknown): readonly string[] {
  if (typeof parse !== "function" || !("words" in parse) || !Array.isArray(parse.words)) return [];
  return parse.words.filter((each): each is string => typeof each === "string");
}

/** `true`, `false`, or until when. */
export function toReversible(text: string): boolean | string {
  if (text === "true" || text === "false") return text === "true";
  if (InstantSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError("It must be true, false, or until when, as in 2026-12-31T00:00:00Z.");
}

/** Collects an option that may be repeated. */
export function repeated<T>(
  parse: (text: string) => T,
): (text: string, previous: readonly T[] | undefined) => T[] {
  return (text, previous) => [...(previous ?? []), parse(text)];
}

/** Collects words apart by commas, in one or several options. */
export function commaList<T>(
  parse: (text: string) => T,
): (text: string, previous: readonly T[] | undefined) => T[] {
  return (text, previous) => [
    ...(previous ?? []),
    ...text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(parse),
  ];
}

/** Cuts `name=value` at the first equals sign. */
export function splitPair(text: string, example: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`Write it as ${example}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `/prefix=SECONDS`. */
export function toTimeout(text: string): PathTimeout {
  // At the last equals sign: a path may hold one.
  const at = text.lastIndexOf("=");
  const seconds = text.slice(at + 1);
  if (at < 1 || !text.startsWith("/") || !/^\d{1,4}$/.test(seconds)) {
    throw new InvalidArgumentError("Write it as /prefix=SECONDS, as in /export=600.");
  }
  return { prefix: text.slice(0, at), seconds: Number(seconds) };
}

/** `PRODUCT/VERSION` as one word. */
export function toProductVersion(text: string): { readonly product: string; readonly version: string } {
  const at = text.indexOf("/");
  if (at < 1) throw new InvalidArgumentError("Write it as PRODUCT/VERSION, as in kiln/2.9.1.");
  return { product: toProduct(text.slice(0, at)), version: toVersion(text.slice(at + 1)) };
}

/**
 * Checks what the flags add up to against the API's own schema, with its defaults filled in.
 * @throws Failure (usage) that lists every problem.
 */
export function toInput<T>(schema: Parser<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "input"}: ${message}`);
  throw usageFailure(problems.join("\n"));
}
