/** The root that is out, read back from its stored text. What we stored ourselves and cannot read is a bug: it throws. */
import type { Root } from "../../contracts/maps.ts";
import { decodeRoot } from "../../core/maps/root-codec.ts";

/** Parses a stored root; null stays null. */
export function parseRoot(text: string | null): Root | null {
  if (text === null) return null;
  const decoded = decodeRoot(text);
  if (!decoded.ok) throw new Error(`the stored root cannot be read: ${decoded.error.detail}`);
  return decoded.value;
}

/** Hash of the index that is out; an empty text when there is none. */
export function publishedIndex(text: string | null): string {
  return parseRoot(text)?.index.hash ?? "";
}
