/**
 * Signs what the control plane sends to hooks: HMAC-SHA256 with the origin key over `METHOD\npath\ntime\nbody`, where
 * `path` has its query and `time` is in milliseconds. In `Firebreak-Hook`, an RFC 9651 dictionary:
 * `time=1764000000000, signature=:BASE64:, key="KID"`. Receivers should refuse times that are five minutes away.
 * Pure; called by the sender of hooks.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { NamedKey } from "../contracts/env.ts";
import type { EpochMs } from "../contracts/units.ts";

export const HOOK_SIGNATURE_HEADER = "Firebreak-Hook";

export interface SignedParts {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly timeMs: EpochMs;
  readonly body: string;
}

/** The value of `Firebreak-Hook`. */
export function signHook({ kid, secret }: NamedKey, { method, path, timeMs, body }: SignedParts): string {
  const message = `${method}\n${path}\n${timeMs}\n${body}`;
  const digest = hmac(sha256, utf8ToBytes(secret), utf8ToBytes(message));
  const key = kid.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `time=${timeMs}, signature=:${btoa(String.fromCharCode(...digest))}:, key="${key}"`;
}
