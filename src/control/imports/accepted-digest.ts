/** The digest of an import's accepted lines, as its end tells it: equal for equal lines, however they were batched. Pure. */
import { sha256Hex } from "../../core/sha256.ts";

/** Before the first line. */
export const EMPTY_DIGEST = "0".repeat(64);

/**
 * SHA-256 over the digest so far and the line, line by line, so that it does not depend on how lines were batched. Lines
 * come parsed, hence with their members in one order.
 */
export function chainDigest(digest: string, lines: readonly string[]): string {
  return lines.reduce((before, line) => sha256Hex(before + line), digest);
}
