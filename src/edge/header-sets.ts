/**
 * The request headers that the edge reads, replaces or never lets through, as named data with the reason for each.
 * Data only: `inbound-headers` looks names up here in its one pass, `origin-headers` acts on what it found.
 * Names are lower case. Where a name is listed, its spellings with `_` are dropped: CGI and its heirs read both as one.
 */

/** Our own id in `CDN-Loop`. RFC 8586. */
export const CDN_ID = "firebreak";
/** The one header with everything that an origin needs to know about the request. */
export const FIREBREAK_HEADER = "Firebreak";
export const REQUEST_ID_HEADER = "Firebreak-Request-Id";
export const OVERRIDE_HEADER = "firebreak-override";
export const OVERRIDE_STATUS_HEADER = "Firebreak-Override-Status";
/** `__Host-` binds the cookie to one host and to https. RFC 6265bis, 4.1.3.2. */
export const OVERRIDE_COOKIE = "__Host-firebreak-override";

/** RFC 9110, 7.6.1: meant for the next hop alone. `Connection` and `Upgrade` are read first, `TE` and the rest just go. */
const HOP_BY_HOP = ["keep-alive", "te", "trailer", "proxy-connection", "proxy-authorization"] as const;

/** Others that would mislead an origin. */
const MISLEADING = [
  // Routing hints of other proxies; ours are X-Forwarded-Host and the Host that the platform sets.
  "forwarded",
  "x-original-host",
  // The runtime has answered `100-continue` by itself; passing it on invites a second answer.
  "expect",
] as const;

/** What the pass keeps the value of; those that the origin gets anew are replaced, not removed first. */
const READ = [
  "accept",
  "cdn-loop",
  "cf-connecting-ip",
  "cf-ray",
  "connection",
  "content-length",
  "cookie",
  "firebreak-override",
  "transfer-encoding",
  "true-client-ip",
  "upgrade",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-request-id",
] as const;

export type ReadHeader = (typeof READ)[number];

/** Every name with nothing yet: what is copied from here has one shape, so that reading it costs the same each time. */
export const NO_VALUES: Readonly<Record<ReadHeader, undefined>> = Object.fromEntries(
  READ.map((name) => [name, undefined]),
) as Record<ReadHeader, undefined>;

/** What to do with a listed name: `drop`, or keep its value under that name. */
export const HEADER_RULES: ReadonlyMap<string, "drop" | ReadHeader> = new Map<string, "drop" | ReadHeader>([
  ...[...HOP_BY_HOP, ...MISLEADING].map((name) => [name, "drop"] as const),
  ...READ.map((name) => [name, name] as const),
]);

/** Names that say who the client is. Where the platform does not set them, the client did. */
export const CLIENT_ADDRESS_HEADERS = ["cf-connecting-ip", "true-client-ip", "x-real-ip"] as const;

/** The one word of Cloudflare Access that carries its own proof: origins may verify it. */
const ACCESS_ASSERTION = "cf-access-jwt-assertion";

/** Names that say who asks: the application's own two, and the assertion with the person's address in it. */
export const IDENTITY_HEADERS = ["cookie", "authorization", ACCESS_ASSERTION] as const;

const LOWER_C = 0x63;
const LOWER_F = 0x66;
const LOWER_X = 0x78;

/**
 * True for the prefixes that are ours or the trusted proxy's alone: `firebreak`, `firebreak-…`, `x-forwarded…`; and for
 * what anybody could claim in the name of Access, or tell it in confidence: `cf-access-…` but for its signed assertion.
 * @param name lower case, with `-` for every `_`.
 */
export function isReservedPrefix(name: string): boolean {
  const first = name.charCodeAt(0);
  if (first === LOWER_F) return name === "firebreak" || name.startsWith("firebreak-");
  if (first === LOWER_X) return name.startsWith("x-forwarded");
  return first === LOWER_C && name.startsWith("cf-access-") && name !== ACCESS_ASSERTION;
}
