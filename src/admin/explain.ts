/**
 * Says what this node would do with a request of a given Host and method, and why.
 * It decides nothing itself: it calls the edge's own functions (classifyRequest, the maps reader, decideVersion) on the
 * maps that this node serves, so it cannot disagree with the edge. It must not forward anything. Testers' overrides are
 * not part of the question. Works without the control plane. Called by routes/insight.ts, the account page, and by
 * explain-at.ts with the maps of other times.
 */
import type { ReaderRequest, MapsSnapshot, RowLookup } from "../adapters/maps-reader/types.ts";
import type { Explain } from "../contracts/api/operations.ts";
import {
  classifyRequest,
  createBaseDomains,
  type RequestClass,
  type RoutedRequest,
} from "../core/classify-request.ts";
import type { Config } from "../contracts/env.ts";
import type { AccountRow, Root } from "../contracts/maps.ts";
import { refuseOrigin } from "../contracts/origin-rules.ts";
import { breakGlassHold } from "../core/apply-break-glass.ts";
import { decideUnread, decideVersion } from "../core/decide-version.ts";
import { fleetOf } from "../core/fleet.ts";
import { own } from "../core/record.ts";
import type { AdminContext, Services } from "./deps.ts";
import { holdText, toldFacts, unreadFacts } from "./explain-decision.ts";
import { sentenceFor, type Facts } from "./explain-sentence.ts";

export interface Question {
  /** Host header as it would arrive; null: none. */
  readonly host: string | null;
  readonly method: string;
}

/** What a key (slug or custom host) is in the maps, and the root to decide with. */
export interface Looked {
  readonly found: RowLookup;
  readonly root: Root | null;
}

/** The maps that a question is answered from: those of this node, or those of another time. */
export interface Ground {
  readonly config: Pick<Config, "adminHost" | "fallback" | "originAllow">;
  readonly snapshot: MapsSnapshot;
  readonly look: (key: string) => Promise<Looked>;
}

/** Answers the question from the maps of this node. */
export async function explain(
  question: Question,
  services: Services,
  context: AdminContext,
): Promise<Explain> {
  return explainOn(question, await groundOf(services, context));
}

/** The maps that this node serves now. */
export async function groundOf(services: Services, context: AdminContext): Promise<Ground> {
  const request: ReaderRequest = { nowMs: services.clock.nowMs(), waitUntil: context.waitUntil };
  const snapshot = await services.maps.current(request);
  return {
    config: services.config,
    snapshot,
    look: async (key) => ({
      found: await services.maps.row(snapshot, key, request),
      root: snapshot.root,
    }),
  };
}

/** Answers the question from given maps. */
export async function explainOn(question: Question, ground: Ground): Promise<Explain> {
  const { detail, ...facts } = await findFacts(question, ground);
  const sentence = sentenceFor({ ...facts, detail }, question.method);
  const refused = facts.origin === null ? null : refusalOf(facts.origin, ground);
  return {
    ...facts,
    sentence: refused === null ? sentence : `${sentence} But it is answered 502: ${refused}.`,
  };
}

/**
 * The compiled-in base domains decide what is health, before any maps; the published ones, which may be more, decide the
 * rest (edge/handle.ts, edge/route.ts; a test asks both the same questions).
 */
function classify({ host, method }: Question, { config, snapshot }: Ground): RequestClass {
  const { adminHost, fallback } = config;
  const request = { method, rawUrl: "/", host, corsPreflight: false };
  const compiledIn = createBaseDomains(
    Object.entries(fallback).flatMap(([product, { domains }]) =>
      domains.map((domain) => [domain, product] as const),
    ),
  );
  const found = classifyRequest(request, { adminHost, baseDomains: compiledIn });
  if (found.kind !== "route" && found.kind !== "lookup") return found;
  if (snapshot.baseDomains.find(found.name)?.domain === compiledIn.find(found.name)?.domain) return found;
  return classifyRequest(request, { adminHost, baseDomains: snapshot.baseDomains });
}

async function findFacts(question: Question, ground: Ground): Promise<Facts> {
  const found = classify(question, ground);
  const nothing = factsOf(question.host, classOf(found), ground);
  switch (found.kind) {
    case "health":
      return { ...nothing, reason: "health" };
    case "refuse":
      return { ...nothing, reason: found.reason };
    case "admin":
      return { ...nothing, reason: "admin" };
    case "route":
      return routeFacts({ ...nothing, product: found.product }, found, ground);
    case "lookup":
      return lookupFacts(nothing, found.name, ground);
  }
}

function classOf(found: RequestClass): string {
  switch (found.kind) {
    case "admin":
      return "admin";
    case "lookup":
      return "foreign";
    case "health":
    case "refuse":
    case "route":
      return found.cls;
  }
}

/** Why the edge would not forward to an origin although the maps name it; null when it would. */
function refusalOf(origin: string, { config, snapshot }: Ground): string | null {
  const { adminHost, fallback, originAllow } = config;
  const products = [...Object.values(fallback), ...Object.values(snapshot.root?.products ?? {})];
  return refuseOrigin(origin, originAllow, {
    adminHost,
    domains: products.flatMap(({ domains }) => domains),
  });
}

function factsOf(host: string | null, cls: string, { snapshot }: Ground): Facts {
  const { generation } = snapshot;
  return {
    host: host ?? "",
    class: cls,
    product: null,
    account: null,
    version: null,
    origin: null,
    reason: "",
    generation,
    detail: null,
  };
}

/** A host under a base domain: an account that is known or not, or the apex. */
async function routeFacts(
  facts: Facts,
  { product, slug }: Pick<RoutedRequest, "product" | "slug">,
  ground: Ground,
): Promise<Facts> {
  const { snapshot, look } = ground;
  if (snapshot.root === null) return fallbackFacts({ ...facts, product }, { product, slug }, ground);
  const { found, root } = slug === null ? { found: null, root: snapshot.root } : await look(slug);
  if (found?.kind === "unresolved") {
    const decision = decideUnread({ ...snapshot, root: snapshot.root, product, slug });
    return unreadFacts({ ...facts, product, account: slug }, fleetOf(snapshot.root, product), decision);
  }
  return decide(
    { ...facts, product },
    { slug, row: found?.kind === "row" ? found.row : null },
    { root, ground },
  );
}

/** A host outside the base domains: somebody's custom domain, or nobody's. */
async function lookupFacts(facts: Facts, name: string, ground: Ground): Promise<Facts> {
  const { snapshot, look } = ground;
  // Custom domains have a dot and slugs have none; a bare Host must not find an account by its slug.
  if (!name.includes(".")) return { ...facts, reason: "misdirected" };
  if (snapshot.root === null)
    return {
      ...facts,
      reason: "unresolved",
      detail: "no maps were read yet, so custom domains are not known",
    };
  const { found, root } = await look(name);
  if (found.kind === "absent") return { ...facts, reason: "misdirected" };
  if (found.kind === "unresolved")
    return { ...facts, reason: "unresolved", detail: "the shard of this host cannot be read" };
  const { row } = found;
  if (row.product === null) return { ...facts, reason: "misdirected" };
  return decide(
    { ...facts, class: "custom-domain", product: row.product },
    { slug: row.slug, row },
    { root, ground },
  );
}

function decide(
  facts: Facts,
  { slug, row }: { slug: string | null; row: AccountRow | null },
  { root, ground }: { readonly root: Root | null; readonly ground: Ground },
): Facts {
  const { breakGlass } = ground.snapshot;
  if (root === null || facts.product === null) return facts;
  const decision = decideVersion({ root, breakGlass, product: facts.product, slug, row, override: null });
  return toldFacts(facts, fleetOf(root, facts.product), decision);
}

/** No maps were ever read: everybody of the product gets the compiled-in origin, or 503. */
function fallbackFacts(
  facts: Facts,
  { product, slug }: Pick<RoutedRequest, "product" | "slug">,
  { config, snapshot }: Ground,
): Facts {
  const origin = own(config.fallback, product)?.origin ?? null;
  const hold = breakGlassHold(snapshot.breakGlass, { product, slug });
  if (hold !== null)
    return {
      ...facts,
      reason: "break-glass",
      detail: holdText(hold),
      origin: hold.mode === "readOnly" ? origin : null,
    };
  if (origin === null)
    return {
      ...facts,
      reason: "unresolved",
      detail: "no maps were read yet and FALLBACK has no origin for the product",
    };
  return { ...facts, origin, reason: "fallback" };
}
