/**
 * Makes the headers for the origin: the client's, without what was meant for this hop or pretends to come from us, and
 * with what the router knows to be true. Copies once and touches only what is there, because each header set or deleted
 * costs 2-4 % of a pass-through request. Ours are set after everything else is gone, so no `Connection` can remove them.
 * Called by `forward.ts` once a request; a second attempt replaces the `Firebreak` header alone.
 */
import type { TrustedProxy } from "../contracts/env.ts";
import { extendLoop } from "./cdn-loop.ts";
import type { Client } from "./client.ts";
import { CLIENT_ADDRESS_HEADERS, OVERRIDE_COOKIE } from "./header-sets.ts";
import { connectionNames, isWebSocketUpgrade, type InboundHeaders } from "./inbound-headers.ts";
import { stripOverrideCookie } from "./override.ts";

export interface OriginHeaderFacts {
  readonly method: string;
  readonly inbound: InboundHeaders;
  readonly client: Client;
  /** The canonical name, with the port when the client named one. */
  readonly forwardedHost: string;
  readonly trusted: TrustedProxy;
  /** Leaves out what says who asks: `Cookie` and `Authorization`. */
  readonly anonymous: boolean;
}

/** Copies and cleans. `Firebreak` is set by the caller, who knows the version. */
export function prepareOriginHeaders(headers: Headers, facts: OriginHeaderFacts): Headers {
  const copy = new Headers(headers);
  dropInbound(copy, facts);
  const { client, forwardedHost, inbound } = facts;
  copy.set("X-Forwarded-Host", forwardedHost);
  // Compared with what is left, not with what came: `Connection` may have named a header that was right.
  if (copy.get("x-forwarded-proto") !== client.scheme) copy.set("X-Forwarded-Proto", client.scheme);
  if (client.address === null) {
    if (inbound.values["x-forwarded-for"] !== undefined) copy.delete("X-Forwarded-For");
  } else if (copy.get("x-forwarded-for") !== client.address) {
    copy.set("X-Forwarded-For", client.address);
  }
  copy.set("CDN-Loop", extendLoop(inbound.values["cdn-loop"]));
  return copy;
}

function dropInbound(copy: Headers, { inbound, method, trusted, anonymous }: OriginHeaderFacts): void {
  const { values } = inbound;
  for (const name of inbound.drop) copy.delete(name);
  if (values.connection !== undefined) {
    for (const name of connectionNames(values.connection)) copy.delete(name);
    copy.delete("connection");
  }
  if (values.upgrade !== undefined && !isWebSocketUpgrade(method, inbound)) copy.delete("upgrade");
  for (const name of CLIENT_ADDRESS_HEADERS) {
    if (values[name] !== undefined && !isPlatforms(name, inbound, trusted)) copy.delete(name);
  }
  if (anonymous) {
    copy.delete("cookie");
    copy.delete("authorization");
  } else if (values.cookie?.includes(OVERRIDE_COOKIE) === true) {
    const cookie = stripOverrideCookie(values.cookie);
    if (cookie === null) copy.delete("cookie");
    else copy.set("Cookie", cookie);
  }
}

/** On Cloudflare the platform sets `CF-Connecting-IP`; the others are believed when they say the same. */
function isPlatforms(
  name: (typeof CLIENT_ADDRESS_HEADERS)[number],
  { values }: InboundHeaders,
  trusted: TrustedProxy,
): boolean {
  return trusted.kind === "cloudflare" && values[name] === values["cf-connecting-ip"];
}
