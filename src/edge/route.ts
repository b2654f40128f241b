/**
 * From a host to a version: maps, the account's row, a tester's override, the decision, and what it leads to (hold,
 * forward, or "not known right now"). It reads the maps through the reader only and calls no control plane.
 * Unresolved is not unknown: an account whose row cannot be read gets 503, never the default version.
 * Called by `handle.ts` for every request that is neither health, refused nor admin.
 */
import type { MapsReader, MapsSnapshot, RowLookup } from "../adapters/maps-reader/types.ts";
import type { OverrideVerifier } from "../adapters/override-token.ts";
import type { Config } from "../contracts/env.ts";
import type { AccountRow } from "../contracts/maps.ts";
import type { AccountSlug, EpochMs, ProductName } from "../contracts/units.ts";
import {
  classifyRequest,
  type BaseDomains,
  type LookupRequest,
  type RoutedRequest,
} from "../core/classify-request.ts";
import { decideVersion } from "../core/decide-version.ts";
import { mayAnswer } from "../core/fresh-maps.ts";
import type { Decision, Forward } from "../core/decision.ts";
import { own } from "../core/record.ts";
import { findAsset } from "./asset.ts";
import { problemRequest, type Exchange, type RoutedExchange } from "./exchange.ts";
import type { ForwardToOrigin } from "./forward.ts";
import { answerHealth } from "./health.ts";
import { OVERRIDE_STATUS_HEADER } from "./header-sets.ts";
import { answerHold, answerMoving, passThroughHold } from "./hold.ts";
import type { MirrorAnswered } from "./mirror.ts";
import { checkOverride, findOverrideToken, type OverrideStatus } from "./override.ts";
import { answerProblem } from "./problem-response.ts";

export interface RouterDeps {
  readonly config: Config;
  readonly baseDomains: BaseDomains;
  readonly maps: MapsReader;
  readonly clock: { nowMs(): EpochMs };
  readonly overrides: OverrideVerifier;
  readonly forward: ForwardToOrigin;
  readonly mirror: MirrorAnswered;
}

export type RouteRequest = (exchange: Exchange, found: RoutedRequest | LookupRequest) => Promise<Response>;

/** Creates the router of one isolate. */
export function createRouter(deps: RouterDeps): RouteRequest {
  return async (exchange, found) => {
    const { request, nowMs, record } = exchange;
    const access = { nowMs, waitUntil: request.waitUntil };
    const loading = deps.maps.current(access);
    const snapshot = loading instanceof Promise ? await loading : loading;
    record.askedMaps = true;
    noteMaps(exchange, snapshot);

    const target = underPublishedDomains(found, exchange, { deps, snapshot });
    if (target.kind === "health") {
      record.outcome = "health";
      return answerHealth(request.method, exchange.requestId);
    }
    const answer = await answerFrom(snapshot, target, { exchange, deps });
    if (answer !== null) return answer;
    const newer = await deps.maps.renew(access);
    noteMaps(exchange, newer);
    return (await answerFrom(newer, target, { exchange, deps })) ?? answerMoving(exchange);
  };
}

function noteMaps({ record }: Exchange, snapshot: MapsSnapshot): void {
  record.generation = snapshot.generation;
  record.breakGlass = snapshot.breakGlass !== null;
}

/** Null: these maps are too old for an account that two versions must never serve at once. */
async function answerFrom(
  snapshot: MapsSnapshot,
  target: RoutedRequest | LookupRequest,
  { exchange, deps }: { exchange: Exchange; deps: RouterDeps },
): Promise<Response | null> {
  const routed = { ...exchange, snapshot };
  return answerSubject(await findSubject(target, routed, deps), routed, deps);
}

/**
 * The compiled-in base domains decide what is health, without maps. The published ones, which may be more, decide the
 * rest: a host that looked foreign, or that lies under a longer base domain than the compiled-in one.
 */
function underPublishedDomains(
  found: RoutedRequest | LookupRequest,
  { request }: Exchange,
  { deps, snapshot }: { deps: RouterDeps; snapshot: MapsSnapshot },
): RoutedRequest | LookupRequest | { readonly kind: "health" } {
  const { baseDomains } = snapshot;
  if (baseDomains === deps.baseDomains) return found;
  const published = baseDomains.find(found.name);
  const compiledIn = deps.baseDomains.find(found.name);
  if (published?.domain === compiledIn?.domain && published?.product === compiledIn?.product) return found;
  const { method, rawUrl, host, headers } = request;
  const corsPreflight = headers.has("origin") && headers.has("access-control-request-method");
  const again = classifyRequest(
    { method, rawUrl, host, corsPreflight },
    { adminHost: deps.config.adminHost, baseDomains },
  );
  return again.kind === "route" || again.kind === "lookup" ? again : { kind: "health" };
}

/** Whom a request is for, as far as the maps can tell. */
type Subject =
  | {
      readonly kind: "known-product";
      readonly product: ProductName;
      readonly slug: AccountSlug | null;
      readonly row: AccountRow | null;
      /** Of a shard that these maps do not name any more. */
      readonly stale: boolean;
    }
  | { readonly kind: "unresolved"; readonly product: ProductName | null; readonly why: string }
  | { readonly kind: "misdirected" };

async function findSubject(
  target: RoutedRequest | LookupRequest,
  exchange: RoutedExchange,
  deps: RouterDeps,
): Promise<Subject> {
  if (target.kind === "route") {
    const { product, slug } = target;
    if (slug === null) return { kind: "known-product", product, slug, row: null, stale: false };
    const found = await lookUp(slug, exchange, deps);
    if (found.kind === "unresolved") return { kind: "unresolved", product, why: "row" };
    const { row, stale } = found.kind === "row" ? found : { row: null, stale: false };
    return { kind: "known-product", product, slug, row, stale };
  }
  // Custom domains have a dot and slugs have none; a bare Host must not find an account by its slug.
  if (!target.name.includes(".")) return { kind: "misdirected" };
  const found = await lookUp(target.name, exchange, deps);
  if (found.kind === "unresolved") return { kind: "unresolved", product: null, why: "row" };
  if (found.kind === "absent" || found.row.product === null) return { kind: "misdirected" };
  const { row, stale } = found;
  return { kind: "known-product", product: found.row.product, slug: row.slug, row, stale };
}

/** Under the fallback there is nothing to look up, and so nothing is known to be absent. */
function lookUp(
  key: string,
  { snapshot, request, nowMs }: RoutedExchange,
  { maps }: RouterDeps,
): RowLookup | Promise<RowLookup> {
  if (snapshot.root === null) return { kind: "unresolved" };
  return maps.row(snapshot, key, { nowMs, waitUntil: request.waitUntil });
}

async function answerSubject(
  subject: Subject,
  exchange: RoutedExchange,
  deps: RouterDeps,
): Promise<Response | null> {
  const { record, snapshot } = exchange;
  if (subject.kind === "misdirected") {
    record.outcome = "refused";
    record.why = "foreign";
    return answerProblem(problemRequest(exchange), "misdirected");
  }
  record.product = subject.product;
  if (snapshot.root === null) return answerFallback(subject.product, exchange, deps);
  const asset = findAsset(subject.product, exchange, snapshot.root);
  if (asset !== null) {
    record.why = "asset";
    record.class = "asset";
    return deps.forward(exchange, asset);
  }
  if (subject.kind === "unresolved") return answerUnresolved(subject.why, exchange);

  const { product, slug, row } = subject;
  const token = findOverrideToken(exchange.inbound);
  const verdict =
    token === null
      ? null
      : await checkOverride(
          token,
          { root: snapshot.root, product, slug },
          { ...deps, nowMs: exchange.nowMs },
        );
  const decision = decideVersion({
    root: snapshot.root,
    breakGlass: snapshot.breakGlass,
    product,
    slug,
    row,
    override: verdict?.override ?? null,
  });
  if (!isFresh(subject, decision, { snapshot, deps })) return null;
  const response = await answerDecision(decision, exchange, deps);
  if (verdict === null) return response;
  const reached = decision.kind === "hold" && record.outcome !== "held" ? decision.forward : decision;
  const isApplied = reached?.kind === "forward" && reached.reason === "override";
  return markOverride(response, verdict.status === "active" && !isApplied ? "overruled" : verdict.status);
}

/** What operators say in an emergency counts whatever the age of the maps: it is for when they cannot be read. */
function isFresh(
  { product, row, stale }: Extract<Subject, { kind: "known-product" }>,
  decision: Decision,
  { snapshot: { root }, deps }: { snapshot: MapsSnapshot; deps: RouterDeps },
): boolean {
  if (root === null || row === null) return true;
  if (decision.kind !== "unresolved" && decision.reason === "break-glass") return true;
  const nowMs = deps.clock.nowMs();
  if (deps.maps.isWaking(nowMs)) return false;
  if (root.rollouts.length === 0) return true;
  const ageMs = deps.maps.ageMs(nowMs);
  const { freshMs } = deps.config.settling;
  return mayAnswer({ root, product, row, rowIsStale: stale, ageMs, freshMs });
}

/** The maps were never readable: everybody goes to the product's compiled-in origin, if the operator chose one. */
function answerFallback(
  product: ProductName | null,
  exchange: RoutedExchange,
  { config, forward }: RouterDeps,
): Promise<Response> | Response {
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
      if (passing !== null) return forwardDecided(passing, exchange, deps);
      record.outcome = "held";
      record.why = decision.reason;
      return answerHold(decision.hold, exchange);
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

/** Tells the tester what became of the token; the response is otherwise as it was. */
function markOverride(response: Response, status: OverrideStatus): Response {
  const headers = new Headers(response.headers);
  headers.set(OVERRIDE_STATUS_HEADER, status);
  const { webSocket } = response;
  if (webSocket !== null && webSocket !== undefined) {
    return new Response(null, { status: response.status, headers, webSocket });
  }
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
