/**
 * Text as UTF-8 bytes, by one encoder for all: a new one for each text, as libraries make it, costs more than it encodes.
 * Pure. Called wherever short texts are hashed one after the other.
 */
const ENCODER = new TextEncoder();

/** A new array each time. Lone surrogates become U+FFFD, as everywhere on the platform. */
export function utf8Bytes(text: string): Uint8Array {
  return ENCODER.encode(text);
}
