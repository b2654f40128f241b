/**
 * Carries a decided request to its origin and the origin's answer back, untouched, 5xx included.
 * Policy of attempts: one retry, only when the connection failed and only for GET, HEAD and OPTIONS without a body, never
 * on another version; then default traffic alone may go to the standby. All attempts share one time to headers. An origin
 * that nothing comes back from is not tried at all for a while (circuit-breaker.ts).
 * Which version it is was decided before; here it is only checked that its origin may be reached.
 * Called by `route.ts`. Posture: closed per version; a bad origin fails its own accounts and nobody else.
 */
import type { SendToOrigin, OriginRequest, OutgoingBody } from "../adapters/origin.ts";
import type { OpenConnections } from "../adapters/open-connections.ts";
import type { OriginFailure } from "../adapters/origin-errors.ts";
import type { Config } from "../contracts/env.ts";
import type { PathTimeout } from "../contracts/maps.ts";
import type { Origin } from "../contracts/origin-rules.ts";
import type { AccountSlug, EpochMs, ProductName, VersionName } from "../contracts/units.ts";
import { own } from "../core/record.ts";
import { withoutSession } from "./answer-headers.ts";
import { announcesChunks, findChunks } from "./chunked-read.ts";
import { LAST_WAIT_MS, type CircuitBreaker } from "./circuit-breaker.ts";
import { identifyClient } from "./client.ts";
import { problemRequest, serialisedPath, type Exchange, type RoutedExchange } from "./exchange.ts";
import type { WriteFirebreakHeader } from "../core/firebreak-header.ts";
import { FIREBREAK_HEADER } from "./header-sets.ts";
import { editOriginHeaders, type OriginHeaderFacts } from "./origin-headers.ts";
import type { JudgeOrigin } from "./origin-verdicts.ts";
import { DEFAULT_TIMEOUT_MS, timeoutFor } from "./path-timeout.ts";
import { answerProblem, type EdgeProblem } from "./problem-response.ts";
import type { RequestRecord } from "./request-record.ts";

/** Where a request goes: a decision, or the compiled-in fallback (then there is no version). */
export interface ForwardTarget {
  readonly product: ProductName;
  readonly account: AccountSlug | null;
  readonly version: VersionName | null;
  readonly origin: string;
  readonly standby: { readonly version: VersionName; readonly origin: string } | null;
  /** True: the origin must not learn who asks: credentials stay here, and so does a session that it opens. */
  readonly anonymous?: true;
}

export interface ForwarderDeps {
  readonly config: Config;
  readonly clock: { nowMs(): EpochMs };
  readonly send: SendToOrigin;
  readonly judgeOrigin: JudgeOrigin;
  readonly writeFirebreak: WriteFirebreakHeader;
  readonly breaker: CircuitBreaker;
  /** Counts answers that stay open, and gives the one to pass on. */
  readonly watchOpen: OpenConnections["watch"];
}

export type ForwardToOrigin = (exchange: RoutedExchange, target: ForwardTarget) => Promise<Response>;

/** Creates the forwarder of one isolate. Its answers are origins' responses or the edge's own problems. */
export function createForwarder(deps: ForwarderDeps): ForwardToOrigin {
  return async (exchange, target) => {
    const { snapshot, record } = exchange;
    const judged = deps.judgeOrigin(target.origin, snapshot.root);
    if (!judged.ok) {
      record.outcome = "origin-unreachable";
      record.why = judged.error;
      record.version = target.version;
      return answerProblem(problemRequest(exchange), "origin-not-allowed");
    }
    const chunks = announcesChunks(exchange) ? await findChunks(exchange.request.body) : "none";
    if (chunks !== "none") return answerChunks(exchange, chunks);
    const plan = planAttempts({ deps, exchange, target, origin: judged.value });
    const send = createAttempt(deps, exchange, target);
    const { breaker, clock } = deps;
    let failure: Failure = "connect-failed";
    for (const attempt of plan) {
      noteVersion(record, attempt);
      const asking = { origin: attempt.address, account: target.account, nowMs: clock.nowMs() };
      if (!breaker.mayTry(asking)) {
        if (record.attempts === 0) failure = "circuit-open";
        continue;
      }
      record.attempts++;
      const answer = await send(attempt, asking.nowMs);
      if (answer.ok) {
        breaker.succeeded(attempt.address);
        record.outcome = "forwarded";
        const response = target.anonymous === true ? withoutSession(answer.value) : answer.value;
        return keepCount(deps, exchange, response);
      }
      failure = answer.error;
      if (isOrigins(failure)) breaker.failed({ ...asking, nowMs: clock.nowMs() });
      if (failure !== "connect-failed") break;
    }
    record.why = failure;
    return answerFailure(exchange, failure);
  };
}

/** Another version than the one before is the standby's, which takes its place. */
function noteVersion(record: RequestRecord, { version }: Attempt): void {
  if (record.version !== null && version !== record.version) record.failedVersion = record.version;
  record.version = version;
}

/** `circuit-open`: it was not tried, because nothing has come back from it lately. */
type Failure = OriginFailure | "no-binding" | "circuit-open";

/** What the client did, or this deployment lacks, says nothing of the origin. */
function isOrigins(failure: Failure): boolean {
  return failure === "connect-failed" || failure === "reset" || failure === "timeout";
}

/** Sockets and event streams outlive the request; whoever drains a version must know of them. */
function keepCount({ watchOpen }: ForwarderDeps, exchange: RoutedExchange, response: Response): Response {
  const { product, version } = exchange.record;
  if (product === null || version === null) return response;
  const { accept } = exchange.inbound.values;
  return watchOpen(response, { product, version, accept, waitUntil: exchange.request.waitUntil });
}

/** One address to try. */
interface Attempt {
  readonly version: VersionName | null;
  /** The origin as it is published. */
  readonly address: string;
  readonly origin: Origin;
}

interface Plan {
  readonly deps: ForwarderDeps;
  readonly exchange: RoutedExchange;
  readonly target: ForwardTarget;
  readonly origin: Origin;
}

const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** The addresses to try in turn; the next one only when the connection to the one before failed. */
function planAttempts({ deps, exchange, target, origin }: Plan): readonly Attempt[] {
  const first = { version: target.version, address: target.origin, origin };
  // A body cannot be sent twice, and whether an origin has acted on another method is not known.
  const isRepeatable = REPEATABLE.has(exchange.request.method) && outgoingBody(exchange).kind === "none";
  if (!isRepeatable) return [first];
  const { standby } = target;
  const judged = standby === null ? null : deps.judgeOrigin(standby.origin, exchange.snapshot.root);
  if (standby === null || judged?.ok !== true) return [first, first];
  return [first, first, { version: standby.version, address: standby.origin, origin: judged.value }];
}

type SendAttempt = (attempt: Attempt, nowMs: EpochMs) => ReturnType<SendToOrigin>;

/** Prepares what all attempts share: what the headers are made from, body and the time they have together. */
function createAttempt(deps: ForwarderDeps, exchange: RoutedExchange, target: ForwardTarget): SendAttempt {
  const { request, inbound, destination, requestId, nowMs, snapshot } = exchange;
  const { name, port, pathAndQuery } = destination;
  const forwardedHost = port === null ? name : `${name}:${port}`;
  const facts: OriginHeaderFacts = {
    method: request.method,
    inbound,
    client: identifyClient(inbound, deps.config.trustedProxy, destination.scheme),
    forwardedHost,
    trusted: deps.config.trustedProxy,
    anonymous: target.anonymous === true,
  };
  const timeouts =
    snapshot.root === null ? [] : (own(snapshot.root.products, target.product)?.timeouts ?? []);
  const allowedMs = timeToHeaders(exchange, timeouts);
  const shared: Omit<OriginRequest, "origin" | "timeoutMs" | "waitedMs" | "editHeaders"> = {
    pathAndQuery,
    method: request.method,
    headers: request.headers,
    body: outgoingBody(exchange),
    clientSignal: () => request.signal,
    waitUntil: request.waitUntil,
  };
  return ({ version, origin }, attemptMs) => {
    const { product, account } = target;
    const editHeaders = (headers: Headers): void => {
      editOriginHeaders(headers, facts);
      const said = { product, account, version, host: forwardedHost, requestId };
      headers.set(FIREBREAK_HEADER, deps.writeFirebreak(said, nowMs));
    };
    if (exchange.record.sentMs === 0) exchange.record.sentMs = attemptMs;
    const waitedMs = attemptMs - nowMs;
    const timeoutMs = Math.max(1, allowedMs - waitedMs);
    return deps.send({ ...shared, editHeaders, origin, timeoutMs, waitedMs });
  };
}

/** Most products have no prefixes of their own, and then the path need not be serialised. */
function timeToHeaders(exchange: Exchange, timeouts: readonly PathTimeout[]): number {
  return timeouts.length === 0 ? DEFAULT_TIMEOUT_MS : timeoutFor(timeouts, serialisedPath(exchange));
}

/** nginx's status for a client that closed its request; nobody is expected to read it. */
const CLIENT_CLOSED_REQUEST = 499;

/** A body that cannot be carried on, or that ended nowhere. */
function answerChunks(exchange: RoutedExchange, chunks: "some" | "broken"): Response {
  if (chunks === "broken") return answerFailure(exchange, "client-gone");
  exchange.record.outcome = "refused";
  exchange.record.why = "length-required";
  return answerProblem(problemRequest(exchange), "length-required");
}

function answerFailure(exchange: RoutedExchange, failure: Failure): Response {
  const { record } = exchange;
  if (failure === "client-gone") {
    record.outcome = "client-gone";
    return new Response(null, {
      status: CLIENT_CLOSED_REQUEST,
      headers: { "Cache-Control": "no-store" },
    });
  }
  const problem: EdgeProblem = failure === "timeout" ? "origin-timeout" : "origin-unreachable";
  record.outcome = problem;
  const options = failure === "circuit-open" ? { retryAfterSeconds: LAST_WAIT_MS / 1000 } : {};
  return answerProblem(problemRequest(exchange), problem, options);
}

/** How the client's body goes on. `Transfer-Encoding` beats `Content-Length`, as it does on the wire. */
function outgoingBody({ request, inbound }: Exchange): OutgoingBody {
  const { "content-length": length, "transfer-encoding": encoding } = inbound.values;
  const isRead = request.method === "GET" || request.method === "HEAD";
  // Asking for a body that is not there costs; reads announce theirs or have none. Chunks turned out to be none.
  if (isRead && (length === undefined || encoding !== undefined)) return { kind: "none" };
  const lengthBytes = encoding === undefined && length !== undefined ? Number(length) : null;
  if (lengthBytes === 0 || request.body === null) return { kind: "none" };
  if (isRead) return { kind: "request", request: request.raw };
  return { kind: "stream", stream: request.body, lengthBytes };
}
