/**
 * The data plane's entry: every request goes classify → health | refuse | admin | route, and leaves one record.
 * A plain pipeline of functions, since each layer would cost a part of every request. It answers health before anything
 * else could fail, and turns whatever throws into one plain 500 that says nothing. It never calls a Durable Object.
 * Called by the composition root with the value of `edge-request.ts`. Never rejects.
 */
import type { Logger } from "../adapters/logger.ts";
import type { MapsReader } from "../adapters/maps-reader/types.ts";
import type { MirroredRequest } from "../adapters/mirror-counts.ts";
import type { OpenConnections } from "../adapters/open-connections.ts";
import {
  createOriginSender,
  type CreateRequest,
  type OriginBinding,
  type OriginFetch,
} from "../adapters/origin.ts";
import type { CreateBodyPipe } from "../adapters/origin-upload.ts";
import type { OverrideVerifier } from "../adapters/override-token.ts";
import type { RequestIds } from "../adapters/request-id.ts";
import type { Telemetry } from "../adapters/telemetry.ts";
import type { Config } from "../contracts/env.ts";
import { MAX_HEADER_BYTES } from "../contracts/limits.ts";
import type { EpochMs } from "../contracts/units.ts";
import {
  classifyRequest,
  createBaseDomains,
  type AdminRequest,
  type BaseDomains,
  type LookupRequest,
  type RefusedRequest,
  type RequestClass,
  type RoutedRequest,
} from "../core/classify-request.ts";
import { hasOwnLoop } from "./cdn-loop.ts";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import { identifyClient, trustedRequestId } from "./client.ts";
import type { EdgeRequest, WaitUntil } from "./edge-request.ts";
import { createDecidedHosts, type DecidedHost, type DecidedHosts } from "./decided-hosts.ts";
import { problemRequest, type Exchange } from "./exchange.ts";
import { createFirebreakHeader } from "../core/firebreak-header.ts";
import type { FailedRequests } from "../adapters/failed-requests.ts";
import type { FleetDeps } from "./fleet.ts";
import { createForwarder } from "./forward.ts";
import { REQUEST_ID_HEADER } from "./header-sets.ts";
import { answerHealth } from "./health.ts";
import { readInboundHeaders, type InboundHeaders } from "./inbound-headers.ts";
import { createMirror } from "./mirror.ts";
import { createOriginJudge } from "./origin-verdicts.ts";
import { answerProblem, type EdgeProblem } from "./problem-response.ts";
import { createRequestLog, type LogRequest } from "./request-log.ts";
import { createRequestRecord, failedRequestOf, isFailure, type RequestRecord } from "./request-record.ts";
import { createRouter, type RouteRequest } from "./route.ts";
import { observeRequest } from "./observe-request.ts";

export interface EdgeDeps {
  readonly config: Config;
  readonly maps: MapsReader;
  readonly clock: { nowMs(): EpochMs };
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly overrides: OverrideVerifier;
  /** Counts answers that stay open; gives the response to pass on. Left out: nothing is counted. */
  readonly watchOpen?: OpenConnections["watch"];
  /** Takes what was compared of one mirrored request. */
  readonly countMirrored: (request: MirroredRequest) => void;
  /** Takes how one answer of today's fleet compares; left out: nothing is compared. */
  readonly countFleet?: FleetDeps["countFleet"];
  /** Takes a request that failed; left out: nobody keeps them. */
  readonly noteFailed?: FailedRequests["add"];
  readonly originFetch: OriginFetch;
  /** A service binding by name; null when this deployment has none of that name. */
  readonly bindings: (name: string) => OriginBinding | null;
  /** The admin surface. Gets an absolute URL, and the request id in `Firebreak-Request-Id`. */
  readonly admin: (request: Request, context: { readonly waitUntil: WaitUntil }) => Promise<Response>;
  readonly requestIds: RequestIds;
  /** Streams of uploads; workerd's own when left out. */
  readonly createPipe?: CreateBodyPipe;
  /** Requests that leave; workerd's own when left out. */
  readonly createRequest?: CreateRequest;
}

export type HandleRequest = (request: EdgeRequest) => Promise<Response>;

/** What the phases share. */
interface Edge extends EdgeDeps {
  readonly baseDomains: BaseDomains;
  readonly decided: DecidedHosts;
  readonly route: RouteRequest;
  readonly log: LogRequest;
}

/** Creates the edge of one isolate; calling it again is a cold node. Does no I/O. */
export function createEdge(deps: EdgeDeps): HandleRequest {
  const { config } = deps;
  const owned = Object.entries(config.fallback).flatMap(([product, { domains }]) =>
    domains.map((domain) => [domain, product] as const),
  );
  const baseDomains = createBaseDomains(owned);
  const send = createOriginSender({
    fetch: deps.originFetch,
    bindings: deps.bindings,
    onCloudflare: config.trustedProxy.kind === "cloudflare",
    ...(deps.createPipe === undefined ? {} : { createPipe: deps.createPipe }),
    ...(deps.createRequest === undefined ? {} : { createRequest: deps.createRequest }),
  });
  const outward = {
    config,
    clock: deps.clock,
    send,
    judgeOrigin: createOriginJudge(config),
    writeFirebreak: createFirebreakHeader(config.originKey),
  };
  const breaker = createCircuitBreaker();
  const watchOpen = deps.watchOpen ?? ((response: Response) => response);
  const forward = createForwarder({ ...outward, breaker, watchOpen });
  const mirror = createMirror({ ...outward, count: deps.countMirrored });
  const decided = createDecidedHosts();
  const countFleet = deps.countFleet ?? (() => undefined);
  const route = createRouter({ ...deps, baseDomains, decided, forward, mirror, countFleet });
  const edge: Edge = { ...deps, baseDomains, decided, route, log: createRequestLog(deps.logger) };
  return (request) => handle(request, edge);
}

async function handle(request: EdgeRequest, edge: Edge): Promise<Response> {
  const record = createRequestRecord();
  let status = 500;
  try {
    const response = await answer(request, edge, record);
    ({ status } = response);
    return response;
  } catch (error) {
    record.outcome = "internal-error";
    record.error = error;
    return answerInternal(request, record);
  } finally {
    conclude(request, edge, { record, status });
  }
}

function answer(request: EdgeRequest, edge: Edge, record: RequestRecord): Response | Promise<Response> {
  const { config } = edge;
  const decided = edge.decided.find(request);
  const found = decided === null ? classify(request, edge) : foundAgain(decided, request.rawUrl);
  if (found.kind === "health" || found.kind === "refuse") {
    const get = (name: string): string | null => request.headers.get(name);
    record.requestId = trustedRequestId(get, config.trustedProxy) ?? edge.requestIds();
    if (found.kind === "refuse") return refuse(request, found, record);
    record.outcome = "health";
    return answerHealth(request.method, record.requestId);
  }

  const inbound = readInboundHeaders(request.headers);
  const requestId =
    trustedRequestId((name) => inbound.values[name], config.trustedProxy) ?? edge.requestIds();
  record.requestId = requestId;
  record.host = found.name;
  const nowMs = edge.clock.nowMs();
  const exchange: Exchange = { request, inbound, destination: found, requestId, nowMs, record };
  const fault = findFault(inbound);
  if (fault !== null) {
    record.outcome = fault === "loop" ? "loop" : "refused";
    record.why = fault;
    return answerProblem(problemRequest(exchange), fault);
  }
  return found.kind === "admin" ? askAdmin(found, exchange, edge) : edge.route({ exchange, found, decided });
}

/** In origin form, which is all that is kept for, the target is the path, and says nothing of the scheme. */
function foundAgain({ found }: DecidedHost, pathAndQuery: string): RoutedRequest | LookupRequest {
  return { ...found, scheme: null, pathAndQuery };
}

function classify({ method, rawUrl, host, headers }: EdgeRequest, edge: Edge): RequestClass {
  const corsPreflight = method === "OPTIONS" && isCorsPreflight(headers);
  const { baseDomains } = edge;
  return classifyRequest(
    { method, rawUrl, host, corsPreflight },
    { adminHost: edge.config.adminHost, baseDomains },
  );
}

function isCorsPreflight(headers: Headers): boolean {
  return headers.has("origin") && headers.has("access-control-request-method");
}

const DIGITS = /^\d+$/;

/** What is wrong with the headers of a request that would otherwise be taken. */
function findFault({ sizeBytes, values }: InboundHeaders): EdgeProblem | null {
  if (sizeBytes > MAX_HEADER_BYTES) return "headers-too-large";
  const encoding = values["transfer-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "chunked") return "bad-transfer-encoding";
  const length = values["content-length"];
  if (length !== undefined && encoding === undefined) {
    if (!DIGITS.test(length)) return "bad-content-length";
    // Above it numbers are no longer exact, and no stream can be given such a length.
    if (Number(length) > Number.MAX_SAFE_INTEGER) return "too-large";
  }
  return hasOwnLoop(values["cdn-loop"]) ? "loop" : null;
}

/** Refusals come before any parsing, so the target is shown to nobody and serialised by nobody. */
function refuse(request: EdgeRequest, found: RefusedRequest, record: RequestRecord): Response {
  record.outcome = "refused";
  record.why = found.reason;
  const { method, headers } = request;
  const { requestId } = record;
  return answerProblem({ method, headers, pathAndQuery: "/", requestId }, refusalProblem(found));
}

function refusalProblem({ status, reason }: RefusedRequest): EdgeProblem {
  switch (status) {
    case 414:
      return "target-too-long";
    case 421:
      return "misdirected";
    case 400:
      return reason === "host-missing" ? "host-required" : "malformed-host";
  }
}

/** Hands over with an absolute URL built from the parsed parts: nothing behind here parses a raw target again. */
async function askAdmin(found: AdminRequest, exchange: Exchange, edge: Edge): Promise<Response> {
  const { request, inbound, requestId, record } = exchange;
  const { scheme } = identifyClient(inbound, edge.config.trustedProxy, found.scheme);
  const authority = found.port === null ? found.name : `${found.name}:${found.port}`;
  const asked = new Request(`${scheme}://${authority}${found.pathAndQuery}`, request.raw);
  asked.headers.set(REQUEST_ID_HEADER, requestId);
  const response = await edge.admin(asked, { waitUntil: request.waitUntil });
  record.outcome = "admin";
  return response;
}

/** The last resort: no internal message, and it must work whatever failed before. */
function answerInternal({ method, headers }: EdgeRequest, { requestId }: RequestRecord): Response {
  return answerProblem({ method, headers, pathAndQuery: "/", requestId }, "internal");
}

/** One record a request. Nothing in here may fail it, and health makes no I/O, so it sends no report either. */
function conclude(
  request: EdgeRequest,
  edge: Edge,
  { record, status }: { record: RequestRecord; status: number },
): void {
  const { outcome, generation, breakGlass, refusedOverride } = record;
  try {
    if (record.askedMaps) edge.telemetry.count({ outcome, generation, breakGlass, refusedOverride });
    else edge.telemetry.countOutcome(outcome);
    if (outcome === "health") return;
    const nowMs = edge.clock.nowMs();
    edge.log({ record, method: request.method, rawUrl: request.rawUrl, status, nowMs });
    observeRequest(edge.telemetry, record, { status, nowMs });
    if (isFailure(record, status)) edge.noteFailed?.(failedRequestOf(record, status));
    edge.telemetry.flushIfDue(nowMs, request.waitUntil);
  } catch {
    // Counters and logs are the last to know, and the first to do without.
  }
}
