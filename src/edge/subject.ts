/**
 * Whom a request is for, as far as the maps can tell: product, account and its row. Unresolved is not unknown: what could
 * not be read is said to be so, and never taken for a stranger. Reads the maps through the reader only; decides nothing.
 * Called by `route.ts` for every host that was not decided lately.
 */
import type { RowLookup, MapsSnapshot } from "../adapters/maps-reader/types.ts";
import type { AccountRow } from "../contracts/maps.ts";
import type { AccountSlug, ProductName } from "../contracts/units.ts";
import { classifyRequest, type LookupRequest, type RoutedRequest } from "../core/classify-request.ts";
import type { Exchange, RoutedExchange } from "./exchange.ts";
import type { RouterDeps } from "./route.ts";

/**
 * The compiled-in base domains decide what is health, without maps. The published ones, which may be more, decide the
 * rest: a host that looked foreign, or that lies under a longer base domain than the compiled-in one.
 */
export function underPublishedDomains(
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

/** Who asks for a product: an account that the maps know, or nobody that they know (`row` is null). */
export interface KnownProduct {
  readonly kind: "known-product";
  readonly product: ProductName;
  readonly slug: AccountSlug | null;
  readonly row: AccountRow | null;
  /** Of a shard that these maps do not name any more. */
  readonly stale: boolean;
}

/** Whom a request is for, as far as the maps can tell. */
export type Subject =
  | KnownProduct
  | {
      readonly kind: "unresolved";
      readonly product: ProductName | null;
      readonly slug: AccountSlug | null;
      readonly why: string;
    }
  | { readonly kind: "misdirected" };

/** A plain value unless a shard has to be read. */
export function findSubject(
  target: RoutedRequest | LookupRequest,
  exchange: RoutedExchange,
  deps: RouterDeps,
): Subject | Promise<Subject> {
  if (target.kind === "route") {
    const { product, slug } = target;
    if (slug === null) return { kind: "known-product", product, slug, row: null, stale: false };
    const looked = lookUp(slug, exchange, deps);
    if (looked instanceof Promise) return looked.then((found) => ofProduct(product, slug, found));
    return ofProduct(product, slug, looked);
  }
  // Custom domains have a dot and slugs have none; a bare Host must not find an account by its slug.
  if (!target.name.includes(".")) return { kind: "misdirected" };
  const looked = lookUp(target.name, exchange, deps);
  return looked instanceof Promise ? looked.then(ofCustomDomain) : ofCustomDomain(looked);
}

function ofProduct(product: ProductName, slug: AccountSlug, found: RowLookup): Subject {
  if (found.kind === "unresolved") return { kind: "unresolved", product, slug, why: "row" };
  const { row, stale } = found.kind === "row" ? found : { row: null, stale: false };
  return { kind: "known-product", product, slug, row, stale };
}

function ofCustomDomain(found: RowLookup): Subject {
  if (found.kind === "unresolved") return { kind: "unresolved", product: null, slug: null, why: "row" };
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
