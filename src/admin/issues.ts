/**
 * Turns what a schema finds wrong into what a person can act on: every field with its path and a sentence. Pure.
 * It must not repeat values, which may be secrets or megabytes; names of unknown fields are cut. Called where requests
 * and import lines are parsed. Lists are bounded, and say how much they leave out.
 */
import type * as z from "../contracts/api/zod.ts";
import type { Refusal } from "../contracts/problems.ts";

const MAX_LISTED = 50;
const MAX_NAMED = 3;
const MAX_CHARS = 200;

export interface FieldIssue {
  /** Where: `body.timeouts[0].seconds`, `query.limit`, `path.product`, `header.if-match`. */
  readonly path: string;
  readonly message: string;
}

/** The issues of one failed parse, each path prefixed by where the value came from (may be empty). */
export function fieldIssues(error: z.ZodError, prefix: string): readonly FieldIssue[] {
  return error.issues.map((issue) => ({
    path: cut(formatPath(prefix, issue.path)),
    message: cut(describe(issue)),
  }));
}

/** The refusal for a request with these issues, all of them as far as they fit. */
export function invalid(issues: readonly FieldIssue[]): Refusal {
  const named = issues.slice(0, MAX_NAMED).map(({ path, message }) => `${path}: ${message}`);
  const more = issues.length > MAX_NAMED ? ` and ${issues.length - MAX_NAMED} more, see errors` : "";
  return {
    problem: "invalid",
    detail: `Correct and send again: ${named.join("; ")}${more}.`,
    extensions: { errors: issues.slice(0, MAX_LISTED), errors_total: issues.length },
  };
}

/** One sentence for a rejected import line. */
export function describeLine(error: z.ZodError): string {
  const issues = fieldIssues(error, "");
  const shown = issues
    .slice(0, MAX_NAMED)
    .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  return shown.join("; ") + (issues.length > MAX_NAMED ? `; and ${issues.length - MAX_NAMED} more` : "");
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.message.endsWith("received undefined")
        ? `is missing, give ${kindOf(issue.expected)}`
        : `must be ${kindOf(issue.expected)}`;
    case "unrecognized_keys":
      return `has fields that are not known here: ${issue.keys.slice(0, MAX_NAMED).join(", ")}; check the spelling or leave them out`;
    case "invalid_value":
      return issue.message.startsWith("Invalid")
        ? `must be ${issue.values.map(String).join(" or ")}`
        : issue.message;
    case "invalid_key":
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

/** Types as people call them. */
const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object of names and values",
};

function kindOf(expected: string): string {
  return KINDS[expected] ?? `of type ${expected}`;
}

/** `body` + ["timeouts", 0, "seconds"] → `body.timeouts[0].seconds`. */
function formatPath(prefix: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, prefix);
}

function cut(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}
