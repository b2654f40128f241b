/**
 * Signs webhooks as Standard Webhooks has it, `v1`: HMAC-SHA256 over `id.timestamp.body`, in Base64; several secrets give
 * several signatures apart by spaces, of which one must hold. Secrets are derived from the origin key (RFC 5869), so none
 * is stored, and knowing one says nothing about another or about the key. Pure.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { NamedKey } from "../../contracts/env.ts";
import type { EpochMs } from "../../contracts/units.ts";
import type { SecretRef } from "../../contracts/webhook-port.ts";

/** The specification wants 24 to 64. */
const SECRET_BYTES = 32;
const PURPOSE = "firebreak webhook v1";

/** The bytes that sign for one webhook. */
export function deriveSecret({ secret }: NamedKey, { name, madeAt, key }: SecretRef): Uint8Array {
  const info = utf8ToBytes(`${name}\n${madeAt}\n${key}`);
  return hkdf(sha256, utf8ToBytes(secret), utf8ToBytes(PURPOSE), info, SECRET_BYTES);
}

/** As receivers are given it. */
export function secretText(secret: Uint8Array): string {
  return `whsec_${base64(secret)}`;
}

export interface SignedWebhook {
  readonly id: string;
  readonly nowMs: EpochMs;
  readonly body: string;
}

/** The three headers of one sending. */
export function webhookHeaders(
  secrets: readonly Uint8Array[],
  { id, nowMs, body }: SignedWebhook,
): Readonly<Record<string, string>> {
  const time = Math.floor(nowMs / 1000);
  const message = utf8ToBytes(`${id}.${time}.${body}`);
  const signatures = secrets.map((secret) => `v1,${base64(hmac(sha256, secret, message))}`);
  return { "webhook-id": id, "webhook-timestamp": String(time), "webhook-signature": signatures.join(" ") };
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
