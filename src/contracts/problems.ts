/**
 * The one registry of what goes wrong, as RFC 9457 problems. Each entry fixes the stable `type`, the title and the
 * status; the detail is written where the problem is raised and never holds an internal message.
 */

/** Prefix of every `type`. A name, not an address that must answer. */
export const PROBLEM_BASE = "urn:firebreak:problem:";

export const PROBLEMS = {
  // Edge
  "malformed-host": { status: 400, title: "The Host header or request target is not valid" },
  "host-required": { status: 400, title: "This request needs a Host header" },
  "bad-transfer-encoding": { status: 400, title: "Only chunked transfer encoding is accepted" },
  "bad-content-length": { status: 400, title: "The Content-Length is not a number" },
  "length-required": { status: 411, title: "The body of this request needs a Content-Length" },
  "target-too-long": { status: 414, title: "The request target is too long" },
  "headers-too-large": { status: 431, title: "The request headers are too large" },
  misdirected: { status: 421, title: "This host is not served here" },
  loop: { status: 508, title: "The request came through this router before" },
  unresolved: { status: 503, title: "The account's version is not known right now" },
  held: { status: 503, title: "Down for maintenance" },
  "read-only": { status: 503, title: "Read-only for maintenance" },
  "origin-unreachable": { status: 502, title: "The service behind this address cannot be reached" },
  "origin-not-allowed": { status: 502, title: "The service behind this address may not be reached" },
  "origin-timeout": { status: 504, title: "The service behind this address took too long to answer" },
  internal: { status: 500, title: "Something went wrong in the router" },
  // Admin
  unauthorized: { status: 401, title: "A valid token is needed" },
  forbidden: { status: 403, title: "This token may not do that" },
  "not-found": { status: 404, title: "There is no such thing" },
  "method-not-allowed": { status: 405, title: "This address does not take that method" },
  invalid: { status: 400, title: "The request is not valid" },
  "stale-revision": { status: 409, title: "Somebody changed it in the meantime" },
  conflict: { status: 409, title: "That would contradict something else" },
  "in-use": { status: 409, title: "It is still in use" },
  "move-not-allowed": { status: 409, title: "That would move accounts outside a rollout" },
  "preflight-missing": { status: 409, title: "The version has not passed preflight" },
  "removes-too-many": { status: 409, title: "That would remove more accounts than expected" },
  "idempotency-mismatch": { status: 422, title: "This Idempotency-Key was used for another request" },
  "unsupported-media-type": { status: 415, title: "This kind of content is not taken here" },
  "not-configured": { status: 501, title: "This deployment is not set up for that" },
  "too-large": { status: 413, title: "The request is too large" },
  "rate-limited": { status: 429, title: "Too many requests" },
  "access-unavailable": { status: 503, title: "Cloudflare Access cannot be asked" },
  "control-unavailable": { status: 503, title: "The control plane cannot be reached" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemType = keyof typeof PROBLEMS;

/** RFC 9457 document. Extension names are `[a-z0-9_]`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance?: string;
  readonly [extension: string]: unknown;
}

/**
 * A refusal as it travels inside: which problem, a sentence that says what to do, and the evidence as extensions.
 * Plain data, so that it survives RPC.
 */
export interface Refusal {
  readonly problem: ProblemType;
  readonly detail: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** Builds the public document for a refusal; `instance` is the request id. */
export function toProblem(refusal: Refusal, instance?: string): Problem {
  const { status, title } = PROBLEMS[refusal.problem];
  const problem = {
    ...refusal.extensions,
    type: PROBLEM_BASE + refusal.problem,
    title,
    status,
    detail: refusal.detail,
  };
  return instance === undefined ? problem : { ...problem, instance };
}
