/**
 * MurmurHash3 x86_32 over UTF-8 bytes: the public hash behind buckets and shard numbers.
 * It spreads, it does not protect: never use it where somebody gains from a collision.
 * On the path of every request, so ASCII text (all we route on) is hashed without making a byte array.
 * Reference: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain).
 */
import { utf8Bytes } from "./utf8.ts";

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const MAX_ASCII = 0x7f;

/**
 * Hashes `text` with `seed` (unsigned 32 bits).
 * @returns an unsigned 32-bit integer; `murmur3("", 0)` is 0.
 */
export function murmur3(text: string, seed: number): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > MAX_ASCII) return hashOctets(utf8AsOctets(text), seed);
  }
  return hashOctets(text, seed);
}

/** Text whose character codes are the UTF-8 bytes of `text`. */
function utf8AsOctets(text: string): string {
  let octets = "";
  for (const byte of utf8Bytes(text)) octets += String.fromCharCode(byte);
  return octets;
}

function scramble(block: number): number {
  const k = Math.imul(block, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}

function hashOctets(octets: string, seed: number): number {
  const length = octets.length;
  const whole = length & ~3;
  let h = seed | 0;
  for (let i = 0; i < whole; i += 4) {
    const block =
      octets.charCodeAt(i) |
      (octets.charCodeAt(i + 1) << 8) |
      (octets.charCodeAt(i + 2) << 16) |
      (octets.charCodeAt(i + 3) << 24);
    h ^= scramble(block);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= whole; i--) tail = (tail << 8) | octets.charCodeAt(i);
  if (whole < length) h ^= scramble(tail);
  return finish(h ^ length);
}

function finish(mixed: number): number {
  let h = mixed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
