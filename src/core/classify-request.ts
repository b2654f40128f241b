/**
 * Decides what kind of answer a request gets from its method, target and Host alone: the table of request classes.
 *
 * It must not know any account, map or version: health stays answerable with everything else down, and whether a slug
 * or a foreign host is somebody's is decided later, from the maps. Called by the edge for every request, before
 * anything touches `URL`. Two hosts are compared by name, never by port. Posture: closed; every refusal carries its
 * reason for the log. RFC 9110 §7.4 (421), §9.3.7 (OPTIONS), RFC 9112 §3.2.
 */
import { parseHost, type HostFault, type ValidHost } from "./parse-host.ts";
import { parseTarget, type ParsedTarget, type TargetFault, type TargetScheme } from "./parse-target.ts";
import { isSlug } from "./slug.ts";

/**
 * The class a request is counted under. `asterisk` is `OPTIONS *`, whose Host is never read; `malformed` also covers
 * a refused target; `account` is a slug, known or not; `unknown` a name under a base domain that cannot be an account.
 */
export type HostClass =
  | "none"
  | "ip"
  | "malformed"
  | "asterisk"
  | "admin"
  | "foreign"
  | "apex"
  | "account"
  | "unknown";

/** Why a request is refused, for counters and logs, never for the wire. */
export type RefusalReason =
  | HostFault
  | TargetFault
  | "target-too-long"
  | "asterisk-target" // `*` with a method other than OPTIONS
  | "host-missing"
  | "absolute-without-host"
  | "authority-mismatch"
  | "ip-host";

/** What the edge takes from a Request; `corsPreflight`: it has `Origin` and `Access-Control-Request-Method`. */
export interface ClassifiableRequest {
  readonly method: string;
  readonly rawUrl: string;
  readonly host: string | null;
  readonly corsPreflight: boolean;
}

/** What this deployment owns; `adminHost` is a canonical name as `parseHost` returns it, never an IP or with a port. */
export interface Deployment {
  readonly adminHost: string;
  readonly baseDomains: BaseDomains;
}

export interface BaseDomain {
  readonly domain: string;
  readonly product: string;
}

/** The base domains of all products, for lookup by name. */
export interface BaseDomains {
  /** The longest base domain that `name` (canonical) equals or lies under; null for a foreign name. */
  readonly find: (name: string) => BaseDomain | null;
}

/**
 * Where an accepted request wants to go. `name` may hold `xn--` labels that `new URL` rejects, and a foreign one may be
 * a number that it reads as an IP: put a fixed host, not `name`, into a URL that is built only to serialise the path.
 */
export interface Destination {
  readonly name: string;
  readonly port: number | null;
  readonly scheme: TargetScheme | null; // null in origin form: only the socket or a trusted proxy knows it
  readonly pathAndQuery: string;
}

export interface HealthRequest {
  readonly kind: "health";
  readonly cls: "none" | "ip" | "admin" | "foreign" | "apex" | "asterisk";
}

export interface RefusedRequest {
  readonly kind: "refuse";
  readonly status: 400 | 414 | 421;
  readonly cls: HostClass;
  readonly reason: RefusalReason;
}

export interface AdminRequest extends Destination {
  readonly kind: "admin";
}

/** A request under a base domain; `slug` is the account it names when `cls` is `account`, else null. */
export interface RoutedRequest extends Destination {
  readonly kind: "route";
  readonly cls: "apex" | "account" | "unknown";
  readonly product: string;
  readonly slug: string | null;
}

/** A request for a foreign host that may be a custom domain; when the maps do not know it the caller answers 421. */
export interface LookupRequest extends Destination {
  readonly kind: "lookup";
}

export type RequestClass = HealthRequest | RefusedRequest | AdminRequest | RoutedRequest | LookupRequest;

/** A table column: `probe` is an `OPTIONS` that is no CORS preflight, `read` GET or HEAD, `other` everything else. */
type MethodClass = "probe" | "read" | "other";

/**
 * Builds the lookup of base domains once per configuration.
 *
 * @param entries pairs of a canonical base domain (as `parseHost` returns it) and the product that owns it.
 * @throws RangeError for a domain that is no canonical name or is listed twice. Parse configuration first: such an
 *   entry would otherwise never match, or make one product's accounts another's.
 */
export function createBaseDomains(
  entries: Iterable<readonly [domain: string, product: string]>,
): BaseDomains {
  const byDomain = new Map<string, BaseDomain>();
  let shortest = Infinity;
  let longest = 0;
  for (const [domain, product] of entries) {
    const host = parseHost(domain);
    if (host.kind !== "name" || host.name !== domain)
      throw new RangeError(`not a canonical base domain: ${domain}`);
    if (byDomain.has(domain)) throw new RangeError(`base domain listed twice: ${domain}`);
    byDomain.set(domain, { domain, product });
    shortest = Math.min(shortest, domain.length);
    longest = Math.max(longest, domain.length);
  }

  // From the left, so that the first hit is the longest; only suffixes of a possible length are sliced and hashed.
  function find(name: string): BaseDomain | null {
    for (let start = 0; name.length - start >= shortest;) {
      if (name.length - start <= longest) {
        const found = byDomain.get(name.slice(start));
        if (found !== undefined) return found;
      }
      const dot = name.indexOf(".", start);
      if (dot === -1) return null;
      start = dot + 1;
    }
    return null;
  }
  return { find };
}

/**
 * Classifies a request. Total: returns for every input, throws for none.
 *
 * @param request method (case-sensitive, so `options` is not `OPTIONS`), raw target, raw Host, CORS preflight or not.
 * @param deployment the admin host and the base domains; the admin host wins over a base domain it lies under.
 * @returns `health`: answer here, without any I/O. `refuse`: answer `status`. `admin`: dashboard or API. `route`: a
 *   version of `product` decides. `lookup`: the maps know whether the host is a custom domain.
 *
 * @example classifyRequest({ method: "OPTIONS", rawUrl: "/", host: null, corsPreflight: false }, deployment)
 * // { kind: "health", cls: "none" }, the bare check of a load balancer
 */
export function classifyRequest(request: ClassifiableRequest, deployment: Deployment): RequestClass {
  const target = parseTarget(request.rawUrl);
  if (target.form === "too-long") return refuse(414, "malformed", "target-too-long");
  if (target.form === "malformed") return refuse(400, "malformed", target.reason);
  if (target.form === "asterisk") {
    // Before the Host and the CORS headers: `*` names no resource, so there is nothing a version could say about it.
    if (request.method === "OPTIONS") return { kind: "health", cls: "asterisk" };
    return refuse(400, "malformed", "asterisk-target");
  }

  const column = classifyMethod(request);
  const host = parseHost(request.host);
  if (host.kind === "malformed") return refuse(400, "malformed", host.reason);
  if (host.kind === "none") {
    if (target.form === "absolute" && request.method !== "OPTIONS") {
      return refuse(400, "malformed", "absolute-without-host");
    }
    return column === "other" ? refuse(400, "none", "host-missing") : { kind: "health", cls: "none" };
  }
  if (target.form === "absolute" && target.authority.name !== host.name) {
    return refuse(400, "malformed", "authority-mismatch");
  }
  if (host.kind === "ip") {
    return column === "other" ? refuse(421, "ip", "ip-host") : { kind: "health", cls: "ip" };
  }
  return classifyName(createDestination(host, target), column, deployment);
}

function refuse(status: RefusedRequest["status"], cls: HostClass, reason: RefusalReason): RefusedRequest {
  return { kind: "refuse", status, cls, reason };
}

function classifyMethod(request: ClassifiableRequest): MethodClass {
  if (request.method === "OPTIONS") return request.corsPreflight ? "other" : "probe";
  return request.method === "GET" || request.method === "HEAD" ? "read" : "other";
}

function createDestination(
  host: ValidHost,
  target: Extract<ParsedTarget, { form: "origin" | "absolute" }>,
): Destination {
  const scheme = target.form === "absolute" ? target.scheme : null;
  return { name: host.name, port: host.port, scheme, pathAndQuery: target.pathAndQuery };
}

/** The rows of the table that have a name. */
function classifyName(destination: Destination, column: MethodClass, deployment: Deployment): RequestClass {
  const { name, port, scheme, pathAndQuery } = destination;
  if (name === deployment.adminHost) {
    if (column === "probe") return { kind: "health", cls: "admin" };
    return { kind: "admin", name, port, scheme, pathAndQuery };
  }
  const base = deployment.baseDomains.find(name);
  if (base === null) {
    // Only the maps know custom domains and health must not ask them, so here every plain OPTIONS is health.
    if (column === "probe") return { kind: "health", cls: "foreign" };
    return { kind: "lookup", name, port, scheme, pathAndQuery };
  }
  const { product } = base;
  if (name.length === base.domain.length) {
    if (column === "probe") return { kind: "health", cls: "apex" };
    return { kind: "route", cls: "apex", product, slug: null, name, port, scheme, pathAndQuery };
  }
  const label = name.slice(0, name.length - base.domain.length - 1);
  const slug = isSlug(label) ? label : null;
  const cls = slug === null ? "unknown" : "account";
  return { kind: "route", cls, product, slug, name, port, scheme, pathAndQuery };
}
