/**
 * Signs what the control plane itself sends to origins, so that they can tell who calls: HMAC-SHA256 over
 * `id\ntime\nbody`, `time` in whole seconds since 1970, all as UTF-8, with the same key as the `Firebreak` header.
 * Written as an RFC 9651 dictionary. A receiver computes it again over the bytes of the body, compares in constant time,
 * takes times of the last five minutes only, and remembers ids. Pure; the README has an example of verifying.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { NamedKey } from "../contracts/env.ts";
import type { EpochMs } from "../contracts/units.ts";

export const SIGNATURE_HEADER = "Firebreak-Signature";

export interface Message {
  /** Names what is sent, the same however often it is sent. */
  readonly id: string;
  readonly nowMs: EpochMs;
  readonly body: string;
}

/** The value of `Firebreak-Signature` for one sending. */
export function signMessage({ kid, secret }: NamedKey, { id, nowMs, body }: Message): string {
  const time = Math.floor(nowMs / 1000);
  const digest = hmac(sha256, utf8ToBytes(secret), utf8ToBytes(`${id}\n${time}\n${body}`));
  return `time=${time}, signature=:${btoa(String.fromCharCode(...digest))}:, key="${kid}"`;
}
