/**
 * Finds the body that a `GET` or `HEAD` sends in chunks. Such a body cannot be carried: `fetch` refuses to build a read
 * with a stream, and the incoming request itself loses one whose length is not known. Without a look at it the origin
 * would answer another question than the one asked.
 * The header alone says little. Load balancers announce chunks where none will come, and workerd adds the header to a
 * request over HTTP/2 or HTTP/3 whose end comes after its head; those are plain reads and must go on.
 * https://github.com/cloudflare/workerd/blob/main/src/workerd/api/global-scope.c%2B%2B (`TRANSFER_ENCODING`)
 * Called by `forward.ts`. Posture: closed; a body that breaks is the client's doing.
 */
import type { Exchange } from "./exchange.ts";
import { isWebSocketUpgrade } from "./inbound-headers.ts";

/** True for a read that says it has chunks. An upgrade has none, and its end may never come. */
export function announcesChunks({ request: { method }, inbound }: Exchange): boolean {
  if (inbound.values["transfer-encoding"] === undefined) return false;
  return (method === "GET" || method === "HEAD") && !isWebSocketUpgrade(method, inbound);
}

/**
 * Waits for the first byte or the end. The body is used up by that.
 * @returns `some` when there was a byte, `broken` when the client failed before either.
 */
export async function findChunks(
  body: ReadableStream<Uint8Array> | null,
): Promise<"none" | "some" | "broken"> {
  if (body === null) return "none";
  const reader = body.getReader();
  try {
    const { done } = await reader.read();
    if (done) return "none";
  } catch {
    return "broken";
  }
  reader.cancel().catch(() => undefined);
  return "some";
}
