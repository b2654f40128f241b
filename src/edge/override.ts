/**
 * Decides whether a tester's override counts for this request. Only signed tokens for exactly this product and account
 * do; all others are ignored and the response says so in one word of a closed set. Never an error, never a 500.
 * The token itself never reaches an origin: the header falls under the reserved prefix, the cookie is cut out here.
 * Called by the edge only for requests that carry a token.
 */
import type { OverrideVerifier } from "../adapters/override-token.ts";
import type { Root } from "../contracts/maps.ts";
import type { AccountSlug, EpochMs, ProductName } from "../contracts/units.ts";
import type { Override } from "../core/decision.ts";
import { own } from "../core/record.ts";
import { withHeaders } from "./answer-headers.ts";
import { OVERRIDE_COOKIE, OVERRIDE_STATUS_HEADER } from "./header-sets.ts";
import type { InboundHeaders } from "./inbound-headers.ts";

/**
 * What `Firebreak-Override-Status` says. `active`: applied. `overruled`: genuine, but break-glass or a hold is stronger.
 * `not-for-this-account` also covers another product, so that the word tells nothing about which accounts exist.
 */
export type OverrideStatus =
  | "active"
  | "overruled"
  | "invalid"
  | "expired"
  | "revoked"
  | "not-for-this-account"
  | "unknown-version";

export interface OverrideVerdict {
  readonly override: Override | null;
  /** Final unless an override is given: then the decision tells `active` from `overruled`. */
  readonly status: OverrideStatus;
}

export interface OverrideSubject {
  readonly root: Root;
  /** Tokens from before it are revoked; of the newest maps, which `root` need not be. */
  readonly overrideEpoch: EpochMs;
  readonly product: ProductName;
  /** The slug that the request names, known or not. */
  readonly slug: AccountSlug | null;
}

/**
 * Our cookie and what keeps it apart from the one before: two Cookie headers arrive as one, joined by a comma, and no
 * token has a comma or semicolon in it.
 */
const OVERRIDE_PAIR = new RegExp(`(?:^|[;,])\\s*${OVERRIDE_COOKIE}\\s*=([^;,]*)`);
const OVERRIDE_PAIRS = new RegExp(OVERRIDE_PAIR, "g");

/** The token of a request: the header's, else the cookie's; null when there is none. */
export function findOverrideToken({ values }: InboundHeaders): string | null {
  const header = values["firebreak-override"];
  if (header !== undefined) return header.trim();
  const value = OVERRIDE_PAIR.exec(values.cookie ?? "")?.[1];
  return value === undefined ? null : value.trim();
}

/** The Cookie header without our cookie and with every other byte as it was; null when nothing is left. */
export function stripOverrideCookie(cookie: string): string | null {
  const kept = cookie.replaceAll(OVERRIDE_PAIRS, "");
  // What is left begins with the separator behind ours when ours came first.
  const rest = kept === cookie ? kept : kept.replace(/^[;,]\s*/, "");
  return rest.trim() === "" ? null : rest;
}

/** Checks a token against the request it came with. */
export async function checkOverride(
  token: string,
  subject: OverrideSubject,
  deps: { readonly overrides: OverrideVerifier; readonly nowMs: EpochMs },
): Promise<OverrideVerdict> {
  const { root, overrideEpoch, product, slug } = subject;
  const verified = await deps.overrides.verify(token, deps.nowMs);
  if (!verified.ok) return ignored(verified.error);
  const claims = verified.value;
  if (claims.product !== product || claims.account !== slug) return ignored("not-for-this-account");
  if (claims.issuedAt < overrideEpoch) return ignored("revoked");
  const versions = own(root.products, product)?.versions ?? {};
  if (own(versions, claims.version) === undefined) return ignored("unknown-version");
  return {
    override: { product, account: claims.account, version: claims.version },
    status: "active",
  };
}

function ignored(status: OverrideStatus): OverrideVerdict {
  return { override: null, status };
}

/** Tells the tester what became of the token; the response is otherwise as it was. */
export function markOverride(response: Response, status: OverrideStatus): Response {
  const headers = new Headers(response.headers);
  headers.set(OVERRIDE_STATUS_HEADER, status);
  return withHeaders(response, headers);
}
