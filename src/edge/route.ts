/**
 * From a host to a version: maps, the account's row, a tester's override, the decision, and what it leads to (hold,
 * forward, or "not known right now"). It reads the maps through the reader only and calls no control plane.
 * Unresolved is not unknown: an account whose row cannot be read gets 503, never the default version.
 * Called by `handle.ts` for every request that is neither health, refused nor admin.
 */
import type { MapsReader, MapsSnapshot } from "../adapters/maps-reader/types.ts";
import type { OverrideVerifier } from "../adapters/override-token.ts";
import type { Config } from "../contracts/env.ts";
import type { Root } from "../contracts/maps.ts";
import type { EpochMs, ProductName } from "../contracts/units.ts";
import type { BaseDomains, LookupRequest, RoutedRequest } from "../core/classify-request.ts";
import { breakGlassHold } from "../core/apply-break-glass.ts";
import { decideUnread, decideVersion } from "../core/decide-version.ts";
import { mayAnswer } from "../core/fresh-maps.ts";
import type { Decision, Forward } from "../core/decision.ts";
import { fleetOf } from "../core/fleet.ts";
import { own } from "../core/record.ts";
import { findAsset } from "./asset.ts";
import type { DecidedHost, DecidedHosts } from "./decided-hosts.ts";
import { problemRequest, type Exchange, type RoutedExchange } from "./exchange.ts";
import { answerFromFleet, answeringFleet, type FleetDeps } from "./fleet.ts";
import type { ForwardToOrigin } from "./forward.ts";
import { answerHealth } from "./health.ts";
import { answerHeld, answerMoving, passesHold, passThroughHold } from "./hold.ts";
import type { MirrorAnswered } from "./mirror.ts";
import { checkOverride, findOverrideToken, markOverride } from "./override.ts";
import { answerProblem } from "./problem-response.ts";
import { findSubject, underPublishedDomains, type KnownProduct, type Subject } from "./subject.ts";

export interface RouterDeps {
  readonly config: Config;
  readonly baseDomains: BaseDomains;
  readonly maps: MapsReader;
  readonly decided: DecidedHosts;
  readonly clock: { nowMs(): EpochMs };
  readonly overrides: OverrideVerifier;
  readonly forward: ForwardToOrigin;
  readonly mirror: MirrorAnswered;
  readonly countFleet: FleetDeps["countFleet"];
}

/** What is asked: the request, what its host says, and what was decided for that host lately. */
export interface Asked {
  readonly exchange: Exchange;
  readonly found: RoutedRequest | LookupRequest;
  readonly decided: DecidedHost | null;
}

export type RouteRequest = (asked: Asked) => Promise<Response>;

/** Creates the router of one isolate. */
export function createRouter(deps: RouterDeps): RouteRequest {
  return async (asked) => {
    const { exchange, decided } = asked;
    const { request, nowMs, record } = exchange;
    const access = { nowMs, waitUntil: request.waitUntil };
    const loading = deps.maps.current(access);
    const snapshot = loading instanceof Promise ? await loading : loading;
    record.askedMaps = true;
    noteMaps(exchange, snapshot);

    // Promises are awaited once, and plain values not at all: each turn would cost every request.
    let answering: Answering;
    if (decided !== null && decided.snapshot === snapshot) {
      answering = answerSubject(decided.subject, { ...exchange, snapshot }, { deps, decided });
    } else {
      deps.decided.serve(snapshot);
      answering = answerFrom(snapshot, asked, deps);
    }
    const answer = answering instanceof Promise ? await answering : answering;
    if (answer !== null) return answer;
    const newer = await deps.maps.renew(access);
    noteMaps(exchange, newer);
    return (await answerFrom(newer, asked, deps)) ?? answerMoving(exchange);
  };
}

function noteMaps({ record }: Exchange, snapshot: MapsSnapshot): void {
  record.generation = snapshot.generation;
  record.breakGlass = snapshot.breakGlass !== null;
}

/** Null: these maps are too old for an account that two versions must never serve at once. */
type Answering = Response | null | Promise<Response | null>;

function answerFrom(snapshot: MapsSnapshot, { exchange, found }: Asked, deps: RouterDeps): Answering {
  const target = underPublishedDomains(found, exchange, { deps, snapshot });
  if (target.kind === "health") {
    exchange.record.outcome = "health";
    return answerHealth(exchange.request.method, exchange.requestId);
  }
  const routed = { ...exchange, snapshot };
  const finding = findSubject(target, routed, deps);
  if (finding instanceof Promise) {
    return finding.then((subject) => answerSubject(subject, routed, { deps, found }));
  }
  return answerSubject(finding, routed, { deps, found });
}

interface Deciding {
  readonly deps: RouterDeps;
  /** What was decided under the same maps. */
  readonly decided?: DecidedHost;
  /** What the host says, when what is decided may be kept for it. */
  readonly found?: RoutedRequest | LookupRequest;
}

function answerSubject(subject: Subject, exchange: RoutedExchange, deciding: Deciding): Answering {
  const { record, snapshot } = exchange;
  const { deps } = deciding;
  if (subject.kind === "misdirected") {
    record.outcome = "refused";
    record.why = "foreign";
    return answerProblem(problemRequest(exchange), "misdirected");
  }
  record.product = subject.product;
  const { root } = snapshot;
  if (root === null) return answerFallback(subject, exchange, deps);
  const fleet = fleetOf(root, subject.product);
  const asset = fleet === null ? findAsset(subject.product, exchange, root) : null;
  if (asset !== null) {
    record.why = "asset";
    record.class = "asset";
    return deps.forward(exchange, asset);
  }
  if (subject.kind === "unresolved") return answerUnread(subject, { exchange, root, deps });
  const token = findOverrideToken(exchange.inbound);
  if (token !== null) return answerTester(token, subject, { exchange, root, deps });
  const decision = deciding.decided?.decision ?? decide(subject, root, exchange);
  if (deciding.found !== undefined) keepDecided(deciding.found, { subject, decision, exchange, deps });
  return isFresh(subject, decision, { root, deps })
    ? answerByMode(subject.product, decision, { exchange, root, deps })
    : null;
}

interface Answered {
  readonly exchange: RoutedExchange;
  readonly root: Root;
  readonly deps: RouterDeps;
}

/** Acts on a decision, or has today's fleet answer while the product is not active. */
function answerByMode(
  product: ProductName,
  decision: Decision,
  { exchange, root, deps }: Answered,
): Promise<Response> | Response {
  const fleet = answeringFleet(decision, exchange, root);
  if (fleet === null) return answerDecision(decision, exchange, deps);
  return answerFromFleet(fleet, { product, account: decision.account, decision }, { exchange, deps });
}

/** A row that cannot be read: 503, but break-glass and a hold of the product need none, nor does today's fleet. */
function answerUnread(
  { product, slug, why }: Extract<Subject, { kind: "unresolved" }>,
  { exchange, root, deps }: Answered,
): Promise<Response> | Response {
  if (product === null) return answerUnresolved(why, exchange);
  const { breakGlass } = exchange.snapshot;
  const decision = decideUnread({ root, breakGlass, product, slug });
  const fleet = answeringFleet(decision, exchange, root);
  if (fleet !== null)
    return answerFromFleet(fleet, { product, account: null, decision: null }, { exchange, deps });
  const isLost =
    decision.kind === "hold"
      ? decision.forward === null && passesHold(decision.hold, exchange)
      : decision.kind === "unresolved";
  return isLost ? answerUnresolved(why, exchange) : answerDecision(decision, exchange, deps);
}

function decide(
  { product, slug, row }: KnownProduct,
  root: Root,
  { snapshot: { breakGlass } }: RoutedExchange,
): Decision {
  return decideVersion({ root, breakGlass, product, slug, row, override: null });
}

function keepDecided(
  found: RoutedRequest | LookupRequest,
  {
    subject,
    decision,
    exchange,
    deps,
  }: { subject: KnownProduct; decision: Decision; exchange: RoutedExchange; deps: RouterDeps },
): void {
  const { request, snapshot } = exchange;
  if (request.host !== null) deps.decided.keep(request.host, { found, snapshot, subject, decision });
}

/** A tester's request: decided with the token, if it counts, and marked with what became of it. */
async function answerTester(
  token: string,
  subject: KnownProduct,
  { exchange, root, deps }: { exchange: RoutedExchange; root: Root; deps: RouterDeps },
): Promise<Response | null> {
  const { record, snapshot, nowMs } = exchange;
  const { product, slug, row } = subject;
  const { override, status } = await checkOverride(
    token,
    { ...snapshot, root, product, slug },
    { ...deps, nowMs },
  );
  record.refusedOverride = override === null;
  const { breakGlass } = snapshot;
  const decision = decideVersion({ root, breakGlass, product, slug, row, override });
  if (!isFresh(subject, decision, { root, deps })) return null;
  const response = await answerByMode(product, decision, { exchange, root, deps });
  const reached = decision.kind === "hold" && record.outcome !== "held" ? decision.forward : decision;
  const isTheirs = answeringFleet(decision, exchange, root) !== null;
  const isApplied = !isTheirs && reached?.kind === "forward" && reached.reason === "override";
  return markOverride(response, status === "active" && !isApplied ? "overruled" : status);
}

/** What operators say in an emergency counts whatever the age of the maps: it is for when they cannot be read. */
function isFresh(
  { product, row, stale }: KnownProduct,
  decision: Decision,
  { root, deps }: { root: Root; deps: RouterDeps },
): boolean {
  if (row === null) return true;
  if (decision.kind !== "unresolved" && decision.reason === "break-glass") return true;
  const nowMs = deps.clock.nowMs();
  if (deps.maps.isWaking(nowMs)) return false;
  if (root.rollouts.length === 0) return true;
  const ageMs = deps.maps.ageMs(nowMs);
  const { freshMs } = deps.config.settling;
  return mayAnswer({ root, product, row, rowIsStale: stale, ageMs, freshMs });
}

/** The maps were never readable: break-glass, which needs none, may hold; else everybody goes to a compiled-in origin. */
function answerFallback(
  { product, slug }: Pick<Exclude<Subject, { kind: "misdirected" }>, "product" | "slug">,
  exchange: RoutedExchange,
  { config, forward }: RouterDeps,
): Promise<Response> | Response {
  const hold = product === null ? null : breakGlassHold(exchange.snapshot.breakGlass, { product, slug });
  if (hold !== null && !passesHold(hold, exchange))
    return answerHeld({ hold, reason: "break-glass" }, exchange);
  const origin = product === null ? null : (own(config.fallback, product)?.origin ?? null);
  if (product === null || origin === null) return answerUnresolved("no maps", exchange);
  exchange.record.why = "fallback";
  return forward(exchange, { product, account: null, version: null, origin, standby: null });
}

/** Maps come back within a refresh; clients should not hurry. */
const UNRESOLVED_RETRY_SECONDS = 30;

function answerUnresolved(why: string, exchange: RoutedExchange): Response {
  exchange.record.outcome = "unresolved";
  exchange.record.why = why;
  return answerProblem(problemRequest(exchange), "unresolved", {
    retryAfterSeconds: UNRESOLVED_RETRY_SECONDS,
  });
}

function answerDecision(
  decision: Decision,
  exchange: RoutedExchange,
  deps: RouterDeps,
): Promise<Response> | Response {
  const { record } = exchange;
  record.account = decision.account;
  switch (decision.kind) {
    case "forward":
      return decision.reason === "default"
        ? forwardDefault(decision, exchange, deps)
        : forwardDecided(decision, exchange, deps);
    case "unresolved":
      return answerUnresolved(decision.why, exchange);
    case "hold": {
      const passing = passThroughHold(decision, exchange);
      return passing === null ? answerHeld(decision, exchange) : forwardDecided(passing, exchange, deps);
    }
  }
}

function forwardDecided(forward: Forward, exchange: RoutedExchange, deps: RouterDeps): Promise<Response> {
  const { record } = exchange;
  record.why = forward.reason;
  // A tester's account was not moved: it must not speak for those that were.
  if (forward.reason === "override") record.class = "override";
  else record.class = forward.account === null ? "unknown" : "known";
  return deps.forward(exchange, forward);
}

/** What no known account asks for may be tried on the next default too, once it is answered. */
async function forwardDefault(
  forward: Forward,
  exchange: RoutedExchange,
  deps: RouterDeps,
): Promise<Response> {
  const response = await forwardDecided(forward, exchange, deps);
  deps.mirror(exchange, forward, response.status);
  return response;
}
