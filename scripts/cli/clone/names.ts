/**
 * Names that say nothing about whom they stand for: HMAC-SHA256 of the real one under a key. The same key gives the same
 * names, so that two clones can be compared; without the key nobody can try real names against them.
 * A slug keeps its class of length (up to 10, 20, 40, 63), so that tables and limits meet what they meet there.
 */
import { createHmac } from "node:crypto";

/** 32 letters and digits, five bits each; none that people mistake for another. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz234567890";
const BITS = 5;
/** 50 bits at least: among 100,000 accounts two that are equal come once in 200,000 clones. */
const CLASSES = [10, 20, 40, 63] as const;
const HOST_CHARS = 20;
const LABEL_CHARS = 10;
const FINGERPRINT_CHARS = 8;

export interface Names {
  slug(real: string): string;
  /** The first label of a custom domain. */
  host(real: string): string;
  label(real: string): string;
  /** Tells clones of one key from those of another, and nothing about the key. */
  readonly fingerprint: string;
}

/** @param key secret, of at least 16 characters. */
export function createNames(key: string): Names {
  const name = (kind: string, real: string, chars: number): string => {
    let text = "";
    for (let block = 0; text.length < chars; block++)
      text += encode(digest(key, `${kind}\n${block}\n${real}`));
    return text.slice(0, chars);
  };
  return {
    slug: (real) => name("slug", real, classOf(real.length)),
    host: (real) => name("host", real, HOST_CHARS),
    label: (real) => name("label", real, LABEL_CHARS),
    fingerprint: name("fingerprint", "", FINGERPRINT_CHARS),
  };
}

function classOf(length: number): number {
  return CLASSES.find((most) => length <= most) ?? 63;
}

function digest(key: string, text: string): Buffer {
  return createHmac("sha256", key).update(`firebreak clone\n${text}`).digest();
}

function encode(bytes: Buffer): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= BITS) {
      bits -= BITS;
      text += ALPHABET.charAt((held >>> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return text;
}
