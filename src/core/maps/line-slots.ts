/**
 * Where in a shard's text the line of a key begins: offsets in a table by the keys' hashes, with open addressing and at
 * least a third of it empty. A binary search would touch ten places of the text that are in no cache; this touches two.
 * Two to six bytes a row (twice that above 64 KB of text), so that a million rows stay within their memory. The hash is
 * known to everybody: whoever picks slugs that collide makes look-ups in that shard as long as the slugs are many.
 * Filled by `shard-search`, which compares the keys; nothing here knows them.
 */

/** Offsets plus one; 0 is an empty slot. The length is a power of two. */
export type LineSlots = Uint16Array | Uint32Array;

const MAX_SHORT = 0xffff;
/** More slots than rows, by this much at least. */
const ROOM = 1.5;

/**
 * An empty table.
 * @param rows most lines that are ever put in
 * @param bytes length of the text that offsets are in
 */
export function createLineSlots(rows: number, bytes: number): LineSlots {
  const slots = 2 ** Math.ceil(Math.log2(rows * ROOM + 1));
  return bytes < MAX_SHORT ? new Uint16Array(slots) : new Uint32Array(slots);
}

/** Remembers a line. There must be room. */
export function putLine(slots: LineSlots, hash: number, offset: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = offset + 1;
}
