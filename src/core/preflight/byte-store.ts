/**
 * Bytes that grow up to a cap and no further. Called by `response-reader`, once for what came and once for the decoded
 * body; doubling keeps the work linear. It must not be shared: whoever gets `bytes()` sees later bytes only by asking again.
 */

export interface ByteStore {
  /** Takes as much of `piece` as the cap allows and forgets the rest. */
  append(piece: Uint8Array): void;
  length(): number;
  at(index: number): number;
  /** `[from, to)` as text, one character a byte. */
  text(from: number, to: number): string;
  /** What is there; valid until the next `append`. */
  bytes(): Uint8Array;
}

const FIRST_BYTES = 1024;

export function createByteStore(capBytes: number): ByteStore {
  let held = new Uint8Array(Math.min(capBytes, FIRST_BYTES));
  let length = 0;
  const grow = (needed: number): void => {
    if (needed <= held.length) return;
    const larger = new Uint8Array(Math.min(capBytes, Math.max(needed, held.length * 2)));
    larger.set(held.subarray(0, length));
    held = larger;
  };
  return {
    append(piece) {
      const taken = piece.subarray(0, Math.max(0, capBytes - length));
      grow(length + taken.length);
      held.set(taken, length);
      length += taken.length;
    },
    length: () => length,
    at: (index) => held[index] ?? -1,
    text(from, to) {
      let text = "";
      for (let index = from; index < to; index++) text += String.fromCharCode(held[index] ?? 0);
      return text;
    },
    bytes: () => held.subarray(0, length),
  };
}
