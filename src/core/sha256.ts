/**
 * SHA-256 over text, as the published maps name and check their objects.
 * Pure and synchronous, so that codecs need no `crypto.subtle` and can run in any room. Not for secrets or tokens:
 * those use the platform's own, constant-time primitives. Called by the map codecs, publisher and reader.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { utf8Bytes } from "./utf8.ts";

/** Hex characters of a content hash: 128 bits, enough that two objects never share a name by accident. */
export const CONTENT_HASH_CHARS = 32;

/** SHA-256 of bytes as 64 lower-case hex characters. */
export function sha256HexOfBytes(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** SHA-256 of the UTF-8 bytes of `text` as 64 lower-case hex characters. */
export function sha256Hex(text: string): string {
  return sha256HexOfBytes(utf8Bytes(text));
}

/** Name of a content-addressed object: the first 32 hex characters of its SHA-256. */
export function contentHash(text: string): string {
  return sha256Hex(text).slice(0, CONTENT_HASH_CHARS);
}
