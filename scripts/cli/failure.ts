/**
 * How a verb ends without success, and how that is shown: title, detail, what to do next, request id.
 * A `Failure` is thrown by whatever finds it and caught once, by `run` in program.ts; it is a problem document
 * (RFC 9457) from the API, or one of our own under `urn:firebreak:cli:`. Exit code 1: refused or failed; 2: usage.
 */
import { PROBLEM_BASE, PROBLEMS, type ProblemType } from "../../src/contracts/problems.ts";
import { asTyped, RUN } from "./command-line.ts";
import { notFoundAdvice } from "./not-found-advice.ts";

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** Prefix of problems found by the command line itself, which no server sends. */
export const CLI_PROBLEM_BASE = "urn:firebreak:cli:";

/** What the command line itself can find wrong. */
export type CliFault =
  | "usage"
  | "bug"
  | "unreachable"
  | "interrupted"
  | "unexpected-answer"
  | "file"
  | "exists"
  | "no-local-instance"
  | "rejected-lines"
  | "not-serving"
  | "not-meant"
  | "bad-maps"
  | "bad-audit";

/** A problem document without the parts that only a server knows. */
export interface ShownProblem {
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly status?: number;
  readonly instance?: string;
  readonly [extension: string]: unknown;
}

export class Failure extends Error {
  override readonly name = "Failure";
  readonly problem: ShownProblem;
  readonly exitCode: number;
  /** What to do next, one sentence a line; replaces the advice for the problem's type. */
  readonly next: string | null;

  constructor(problem: ShownProblem, more: { exitCode?: number; next?: string; cause?: unknown } = {}) {
    super(problem.detail, { cause: more.cause });
    this.problem = problem;
    this.exitCode = more.exitCode ?? EXIT_FAILED;
    this.next = more.next ?? null;
  }
}

/** A failure of the command line's own. `detail` says what was found, `next` what to do about it. */
export function cliFailure(
  fault: CliFault,
  text: { readonly title: string; readonly detail: string; readonly next?: string },
  cause?: unknown,
): Failure {
  const { title, detail, next } = text;
  return new Failure(
    { type: CLI_PROBLEM_BASE + fault, title, detail },
    {
      exitCode: fault === "usage" ? EXIT_USAGE : EXIT_FAILED,
      ...(next === undefined ? {} : { next }),
      cause,
    },
  );
}

/** Wrong words on the command line. Exit code 2. */
export function usageFailure(detail: string, next?: string): Failure {
  return cliFailure("usage", {
    title: "That is not how it is called",
    detail,
    ...(next === undefined ? {} : { next }),
  });
}

/** Advice by problem type, for those an operator meets here; the detail already says what is particular. */
const NEXT: Partial<Record<ProblemType, string>> = {
  unauthorized: "Set FIREBREAK_TOKEN to a valid token of this instance (it is never given as an argument).",
  forbidden: `Use a token with a higher role, or one that covers this product: an admin makes one with \`token create\`. \`${RUN}doctor\` says whose token this is.`,
  "stale-revision": "Look at it again with `show`, and repeat the command if the change still fits.",
  "move-not-allowed": "Accounts move by a rollout, quarantine, rollback or override; an edit moves nobody.",
  "preflight-missing": `Run \`${RUN}preflight PRODUCT VERSION --for default\`; \`${RUN}preflight show … --all\` has the bytes of what failed.`,
  "in-use": "Release what refers to it first; the list above says what.",
  "removes-too-many":
    "When they are meant, pass --expect-removed with their number; with --dry-run it lists them and removes nobody.",
  "idempotency-mismatch": "Use a new --idempotency-key for a new request.",
  "rate-limited": "Wait a little, then repeat the command.",
  "control-unavailable": "Serving goes on unchanged. Repeat in a moment; look at /readyz if it stays.",
  internal: "Look up the request id in the router's log.",
};

/** The sentence that says what to do next, or null when the detail says it all. */
export function adviceFor(failure: Failure): string | null {
  if (failure.next !== null) return failure.next;
  const name = failure.problem.type.startsWith(PROBLEM_BASE)
    ? failure.problem.type.slice(PROBLEM_BASE.length)
    : "";
  if (name === "not-found") return notFoundAdvice(failure.problem.detail);
  return isProblemType(name) ? (NEXT[name] ?? null) : null;
}

function isProblemType(name: string): name is ProblemType {
  return Object.hasOwn(PROBLEMS, name);
}

const STANDARD_MEMBERS = new Set(["type", "title", "status", "detail", "instance"]);

/**
 * Renders a failure for people: title, detail, evidence, what to do next, request id.
 * @example
 * // There is no such thing
 * //   No account "acmee".
 * //   Next: Check the spelling: …
 * //   Request 4f0c… (404, not-found)
 */
export function renderFailure(failure: Failure): string {
  const { problem } = failure;
  const lines = [problem.title, ...indent(asTyped(problem.detail))];
  for (const [name, value] of Object.entries(problem)) {
    if (!STANDARD_MEMBERS.has(name)) lines.push(...evidenceLines(name, value));
  }
  const next = adviceFor(failure);
  if (next !== null) lines.push(...indent(`Next: ${next}`));
  const request = requestLine(problem);
  if (request !== null) lines.push(`  ${request}`);
  return `${lines.join("\n")}\n`;
}

function indent(text: string): string[] {
  return text.split("\n").map((line) => `  ${line}`);
}

function requestLine(problem: ShownProblem): string | null {
  const kind = problem.type.replace(PROBLEM_BASE, "");
  const about = problem.status === undefined ? kind : `${problem.status}, ${kind}`;
  if (problem.instance !== undefined) return `Request ${problem.instance} (${about})`;
  return problem.status === undefined ? null : `(${about})`;
}

const MAX_EVIDENCE_ITEMS = 20;

/** Extension members: `name: value`, lists one entry a line, each as short as JSON allows. */
function evidenceLines(name: string, value: unknown): string[] {
  if (!Array.isArray(value)) return [`  ${name}: ${plain(value)}`];
  const shown = value.slice(0, MAX_EVIDENCE_ITEMS).map((item: unknown) => `    - ${plain(item)}`);
  const rest = value.length - shown.length;
  return [`  ${name}:`, ...shown, ...(rest > 0 ? [`    … and ${rest} more (--json shows all)`] : [])];
}

function plain(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  if (isFinding(value)) return `${fieldName(value.path)}: ${value.message}`;
  return Object.entries(value)
    .map(([key, entry]) =>
      typeof entry === "string" ? `${key} ${entry}` : `${key} ${JSON.stringify(entry)}`,
    )
    .join(", ");
}

interface FieldFinding {
  readonly path: string | readonly unknown[];
  readonly message: string;
}

/** What is wrong with one field, as the API lists it; it reads as the sentence above it does. */
function isFinding(value: object): value is FieldFinding {
  const names = Object.keys(value).toSorted().join();
  if (names !== "message,path" || !("path" in value) || !("message" in value)) return false;
  const { path, message } = value;
  return typeof message === "string" && path !== "" && (typeof path === "string" || Array.isArray(path));
}

/** `["waves", 1, "window"]` → `waves[1].window`. */
function fieldName(path: FieldFinding["path"]): string {
  if (typeof path === "string") return path;
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return text === "" ? "the whole" : text.replace(/^\./, "");
}

/** The same for programs: the problem document, with `next` beside it when there is advice. */
export function failureJson(failure: Failure): string {
  const next = adviceFor(failure);
  return `${JSON.stringify(next === null ? failure.problem : { ...failure.problem, next })}\n`;
}
