/**
 * Makes the headers for the origin: the client's, without what was meant for this hop or pretends to come from us, and
 * with what the router knows to be true. Works on the copy that the outgoing request has anyway and touches only what is
 * there, because each header set or deleted costs 1-2 % of a pass-through request. Ours are set after everything else is
 * gone, so no `Connection` can remove them. Called by `forward.ts` for every attempt.
 */
import type { TrustedProxy } from "../contracts/env.ts";
import { extendLoop } from "./cdn-loop.ts";
import type { Client } from "./client.ts";
import { CLIENT_ADDRESS_HEADERS, IDENTITY_HEADERS, OVERRIDE_COOKIE } from "./header-sets.ts";
import { connectionNames, isWebSocketUpgrade, type InboundHeaders } from "./inbound-headers.ts";
import { stripOverrideCookie } from "./override.ts";

export interface OriginHeaderFacts {
  readonly method: string;
  readonly inbound: InboundHeaders;
  readonly client: Client;
  /** The canonical name, with the port when the client named one. */
  readonly forwardedHost: string;
  readonly trusted: TrustedProxy;
  /** Leaves out what says who asks. */
  readonly anonymous: boolean;
}

/** Cleans the headers of a request that is about to leave. `Firebreak` is set by the caller, who knows the version. */
export function editOriginHeaders(headers: Headers, facts: OriginHeaderFacts): void {
  const { client, forwardedHost, inbound } = facts;
  const { values } = inbound;
  dropInbound(headers, facts);
  headers.set("X-Forwarded-Host", forwardedHost);
  // Compared with what is left, not with what came: `Connection` may have named a header that was right.
  if (values["x-forwarded-proto"] !== client.scheme || headers.get("x-forwarded-proto") !== client.scheme) {
    headers.set("X-Forwarded-Proto", client.scheme);
  }
  const forwardedFor = values["x-forwarded-for"];
  if (client.address === null) {
    if (forwardedFor !== undefined) headers.delete("X-Forwarded-For");
  } else if (forwardedFor !== client.address || headers.get("x-forwarded-for") !== client.address) {
    headers.set("X-Forwarded-For", client.address);
  }
  headers.set("CDN-Loop", extendLoop(values["cdn-loop"]));
}

function dropInbound(headers: Headers, { inbound, method, trusted, anonymous }: OriginHeaderFacts): void {
  const { values } = inbound;
  for (const name of inbound.drop) headers.delete(name);
  if (values.connection !== undefined) {
    for (const name of connectionNames(values.connection)) headers.delete(name);
    headers.delete("connection");
  }
  if (values.upgrade !== undefined && !isWebSocketUpgrade(method, inbound)) headers.delete("upgrade");
  for (const name of CLIENT_ADDRESS_HEADERS) {
    if (values[name] !== undefined && !isPlatforms(name, inbound, trusted)) headers.delete(name);
  }
  if (anonymous) {
    for (const name of IDENTITY_HEADERS) headers.delete(name);
  } else if (values.cookie?.includes(OVERRIDE_COOKIE) === true) {
    const cookie = stripOverrideCookie(values.cookie);
    if (cookie === null) headers.delete("cookie");
    else headers.set("Cookie", cookie);
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
