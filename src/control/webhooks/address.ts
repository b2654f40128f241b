/**
 * Where webhooks may go: https to any name that is not ours, or http to this very machine where ORIGIN_ALLOW has it (on a
 * local run). No IP addresses: what is only reachable by one is somebody's inside. Checked when a webhook is written and
 * when it is sent.
 */
import { parseOrigin } from "../../contracts/origin-rules.ts";
import { refuseOriginHere } from "../commands/products.ts";
import type { Work } from "../commands/work.ts";

const LOOPBACK: readonly string[] = ["localhost", "127.0.0.1"];

/** @returns null when a webhook may go there, else one sentence for the operator. */
export function refuseAddress({ db, config }: Pick<Work, "db" | "config">, url: string): string | null {
  if (!config.signsHooks)
    return "webhooks are signed with a key derived from ORIGIN_KEY, which is not set: set it and deploy";
  const address = /^https?:\/\/[^/]+/.exec(url)?.[0] ?? url;
  const parsed = parseOrigin(address);
  if (!parsed.ok) return parsed.error;
  const target = parsed.value;
  if (target.kind !== "http") return `"${address}" must be an https address`;
  const { scheme, host } = target;
  if (scheme === "http")
    return LOOPBACK.includes(host)
      ? refuseOriginHere({ db, config }, address)
      : `"${address}" must be https: what is sent is the audit, and http would show it on the way`;
  // A last label that is a number, in whichever notation, makes browsers and runtimes read an address. WHATWG URL 4.3.
  if (!host.includes(".") || /\.(?:\d+|0x[0-9a-f]*)$/.test(host))
    return `"${address}" must have a public host name`;
  // Anywhere but to ourselves: receivers are not origins, so ORIGIN_ALLOW does not bear.
  const anywhere = [{ scheme, host, below: false, port: null }] as const;
  return refuseOriginHere({ db, config: { ...config, originAllow: anywhere } }, address);
}
