/**
 * Makes request ids for requests that bring no trustworthy one: a prefix drawn once an isolate, and a counter.
 * Unique enough to find a request in logs, and cheap: no randomness and no clock on the request path. It is no secret
 * and proves nothing. The prefix is drawn with the first request, because a Worker may not draw while it starts.
 */

const PREFIX_BYTES = 6;
const RADIX = 36;

/** Gives the next id, such as `k3f9x0a1b2-7`: within `[a-z0-9-]`, at most 40 characters. */
export type RequestIds = () => string;

/**
 * Creates the source of request ids of one isolate.
 * @param drawBytes gives that many random bytes; the runtime's own when left out.
 */
export function createRequestIds(drawBytes: (count: number) => Uint8Array = drawRandomBytes): RequestIds {
  let prefix: string | null = null;
  let count = 0;
  return () => {
    prefix ??= Array.from(drawBytes(PREFIX_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
    count++;
    return `${prefix}-${count.toString(RADIX)}`;
  };
}

function drawRandomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
