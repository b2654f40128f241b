/**
 * Puts an explanation into one sentence for people: what happens to the request, and why. Pure.
 * It must not find anything out; every fact is in its argument. Called by explain.ts.
 */
import type { Explain } from "../contracts/api/operations.ts";

/** Everything of the answer but the sentence. */
export type Facts = Omit<Explain, "sentence"> & { readonly detail: string | null };

/** Why an account gets its version, to follow "because". */
const BECAUSE: Readonly<Record<string, string>> = {
  "break-glass": "the break-glass document says so",
  quarantine: "the account is in quarantine there",
  pin: "the account is pinned there",
  rollout: "a running rollout has moved it",
  home: "that is its home",
  default: "that is the default (unknown accounts)",
};

const MALFORMED = "Refuse, do not repair";

/** One sentence, in the present tense, for these facts. */
export function sentenceFor(facts: Facts, method: string): string {
  const host = facts.host === "" ? "no Host" : `Host ${JSON.stringify(facts.host)}`;
  const request = `${method} with ${host}`;
  switch (facts.reason) {
    case "health":
      return `${request} is a health check: the router answers it alone, without maps, control plane or version.`;
    case "admin":
      return `${request} goes to the admin surface of the router.`;
    case "misdirected":
      return `${request} is answered 421: it lies under no base domain and is nobody's custom domain.`;
    case "unresolved":
      return `${request} is answered 503 with Retry-After: ${facts.detail ?? "its version is not known right now"}; an account that cannot be looked up is never sent to the default.`;
    case "fallback":
      return `${request} goes to ${facts.origin}, the compiled-in origin of ${facts.product}, because no maps were read yet.`;
    case "ip-host":
      return `${request} is answered 421: an address names nobody here.`;
    case "host-missing":
      return `${request} is answered 400: only OPTIONS, GET and HEAD may come without a Host, as health checks.`;
    default:
      return facts.class === "malformed"
        ? `${request} is answered 400: the Host is malformed (${facts.reason}). ${MALFORMED}.`
        : routed(facts, request);
  }
}

function routed(facts: Facts, request: string): string {
  const who =
    facts.account === null
      ? `no known account of ${facts.product}`
      : `account ${facts.account} of ${facts.product}`;
  if (facts.reason === "pass-through" || facts.reason === "compare")
    return `${request} is ${who} and goes to today's fleet at ${facts.origin}, because the product is in ${facts.reason} (generation ${facts.generation}); ${facts.detail ?? ""}.`;
  const heldBack = facts.detail === "maintenance page" || facts.detail === "read-only";
  if (heldBack)
    return `${request} is ${who}, which is held (${facts.detail}, by ${facts.reason})${readOnlyTail(facts)}.`;
  const replaced = facts.detail === null ? "" : `, ${facts.detail}`;
  return `${request} is ${who} and goes to ${facts.product} ${facts.version}${replaced}, because ${BECAUSE[facts.reason] ?? facts.reason} (generation ${facts.generation}).`;
}

function readOnlyTail({ version, product, origin }: Facts): string {
  if (version !== null) return `; safe methods go to ${product} ${version}`;
  return origin === null ? "" : `; safe methods go to ${origin}`;
}
