/**
 * Decides who the client is and how it came, believing only what the configuration says may be believed.
 * Spoofed `X-Forwarded-*` of clients never count: behind `hops` load balancers only the entries those appended are read,
 * from the right. Called by the edge for every forwarded request. Posture: closed; nobody trustworthy, no address.
 */
import type { TrustedProxy } from "../contracts/env.ts";
import type { InboundHeaders } from "./inbound-headers.ts";

export interface Client {
  /** One IP address, null when nobody trustworthy told it. */
  readonly address: string | null;
  readonly scheme: "http" | "https";
}

/** Hexadecimal digits, dots and colons: enough to keep a header of ours from carrying anything else. */
const ADDRESS = /^[0-9A-Fa-f.:]{2,45}$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/**
 * @param urlScheme the scheme of an absolute-form target, null in origin form. Only on Cloudflare has the platform made
 *   it; on a front socket it is whatever the client wrote, and would tell an origin that plain text came encrypted.
 */
export function identifyClient(
  { values }: InboundHeaders,
  trusted: TrustedProxy,
  urlScheme: Client["scheme"] | null,
): Client {
  switch (trusted.kind) {
    case "cloudflare":
      return { address: toAddress(values["cf-connecting-ip"]), scheme: urlScheme ?? "https" };
    case "hops":
      return {
        address: toAddress(fromRight(values["x-forwarded-for"], trusted.hops)),
        scheme: toScheme(fromRight(values["x-forwarded-proto"], 1)) ?? "http",
      };
    case "none":
      return { address: null, scheme: "http" };
  }
}

/** The id a trusted proxy gave the request, or null: then the edge gives one. */
export function trustedRequestId(
  get: (name: "cf-ray" | "x-request-id") => string | null | undefined,
  trusted: TrustedProxy,
): string | null {
  if (trusted.kind === "none") return null;
  const id = get(trusted.kind === "cloudflare" ? "cf-ray" : "x-request-id") ?? "";
  return REQUEST_ID.test(id) ? id : null;
}

/** The n-th entry of a comma list from the right; the last one is n = 1. */
function fromRight(list: string | undefined, position: number): string | undefined {
  return list?.split(",").at(-position)?.trim();
}

/** Takes `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, and both with a port, as load balancers write them. */
function toAddress(text: string | undefined): string | null {
  if (text === undefined) return null;
  const bare =
    /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  return ADDRESS.test(bare) ? bare : null;
}

function toScheme(text: string | undefined): Client["scheme"] | null {
  return text === "http" || text === "https" ? text : null;
}
