/**
 * Decides under which client a failed authentication is counted. Pure.
 * It must not believe a header that the deployment does not: a client that could choose its own key would never be
 * slowed. Called by authenticate.ts alone. Where nobody is trusted all clients share one key, which is why a good token
 * is never slowed (see failure-limiter.ts).
 */
import type { TrustedProxy } from "../contracts/env.ts";

export const NOBODY_KNOWN = "-";
const MAX_KEY_CHARS = 64;

/** The client's address as far as the deployment trusts what says so, else one key for all. */
export function clientKey(headers: Headers, trusted: TrustedProxy): string {
  return (addressOf(headers, trusted) ?? NOBODY_KNOWN).slice(0, MAX_KEY_CHARS);
}

function addressOf(headers: Headers, trusted: TrustedProxy): string | null {
  switch (trusted.kind) {
    case "cloudflare":
      return headers.get("cf-connecting-ip");
    case "hops":
      // Each trusted hop appended one address, so the client's is that many from the right.
      return headers.get("x-forwarded-for")?.split(",").at(-trusted.hops)?.trim() ?? null;
    case "none":
      return null;
  }
}
