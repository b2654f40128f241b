/**
 * Turns a problem into the edge's own answer: RFC 9457 JSON, a small page or plain text, never cached, with the request
 * id to quote. It says nothing that the wire may not know: no version, no origin, no account, no internal message, and
 * the same words for known and unknown accounts. Called by the edge only; an origin's answers never pass through here.
 */
import { PROBLEMS, toProblem, type ProblemType } from "../contracts/problems.ts";
import { chooseForm, type AnswerForm } from "./accept.ts";
import { isGitRequest } from "./git.ts";
import { REQUEST_ID_HEADER } from "./header-sets.ts";
import { PROBLEM_PAGE_POLICY, renderProblemPage } from "./problem-page.ts";

/** The edge's problems, and what is said about each when there is nothing more to say. */
const DETAILS = {
  "malformed-host": "The Host header or the request target cannot be used as it was sent.",
  "host-required": "Name the host you want in the Host header.",
  "bad-transfer-encoding": "Send the body with a Content-Length or with Transfer-Encoding: chunked.",
  "bad-content-length": "Send the number of bytes in the body as Content-Length, in digits alone.",
  "too-large": "Send a body of fewer bytes; nothing behind this address takes one of that length.",
  "length-required":
    "Send the body of a GET or HEAD with a Content-Length; in chunks it cannot be passed on.",
  "target-too-long": "Shorten the address; it may have 16 KiB.",
  "headers-too-large": "Send fewer or shorter headers; they may have 128 KiB in all.",
  misdirected: "No service with this host name is reached here.",
  loop: "The request was sent back to the router that had forwarded it.",
  unresolved: "Please try again in a moment.",
  held: "We are working on this service and will be back soon. Please try again later.",
  "read-only":
    "We are working on this service: everything can be read, nothing can be changed. Please try again later.",
  "origin-unreachable": "Please try again in a moment.",
  "origin-not-allowed": "Please try again later.",
  "origin-timeout": "Please try again in a moment.",
  internal: "Please try again in a moment.",
} as const satisfies Partial<Record<ProblemType, string>>;

export type EdgeProblem = keyof typeof DETAILS;

export interface ProblemRequest {
  readonly method: string;
  readonly headers: Headers;
  /** Serialised where it could be parsed, else as it came. */
  readonly pathAndQuery: string;
  readonly requestId: string;
}

export interface ProblemOptions {
  /** Words of the operator, plain text; the standing ones when left out. */
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
}

const CONTENT_TYPES: Readonly<Record<AnswerForm, string>> = {
  json: "application/problem+json",
  html: "text/html; charset=utf-8",
  text: "text/plain; charset=utf-8",
};

/** Builds the answer; `HEAD` gets the same headers without a body. */
export function answerProblem(
  request: ProblemRequest,
  problem: EdgeProblem,
  options: ProblemOptions = {},
): Response {
  const { method, headers: inbound, requestId } = request;
  const isGit = isGitRequest(inbound.get("user-agent"), request.pathAndQuery);
  const form = chooseForm(inbound.get("accept"), isGit);
  const detail = options.detail ?? DETAILS[problem];
  const headers = new Headers({
    "Content-Type": CONTENT_TYPES[form],
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    [REQUEST_ID_HEADER]: requestId,
  });
  if (form === "html") headers.set("Content-Security-Policy", PROBLEM_PAGE_POLICY);
  if (options.retryAfterSeconds !== undefined) headers.set("Retry-After", String(options.retryAfterSeconds));
  const body = method === "HEAD" ? null : writeBody(form, { problem, detail, requestId });
  return new Response(body, { status: PROBLEMS[problem].status, headers });
}

interface BodyText {
  readonly problem: EdgeProblem;
  readonly detail: string;
  readonly requestId: string;
}

function writeBody(form: AnswerForm, { problem, detail, requestId }: BodyText): string {
  const { title } = PROBLEMS[problem];
  switch (form) {
    case "json":
      return JSON.stringify(toProblem({ problem, detail }, requestId));
    case "html":
      return renderProblemPage({ title, detail, requestId });
    case "text":
      return `${title}\n${detail}\nRequest ${requestId}\n`;
  }
}
