/**
 * Streams the answer of an operation as NDJSON, made as fast as the client reads it and no faster.
 * It must not gather: one group is in memory at a time. Used by import, restore, export and maps. A client that goes away
 * ends the generator, whose `finally` lets go of what it holds. What throws in the middle breaks the stream off, so that a
 * cut-off answer never looks whole.
 */
import { NDJSON, textResponse } from "./respond.ts";

/** Documents as the lines of one group. */
export function toLines(documents: readonly unknown[]): string {
  return documents.map((document) => `${JSON.stringify(document)}\n`).join("");
}

/** A 200 whose body is what the generator yields: whole lines, each with its end. */
export function ndjsonResponse(groups: AsyncGenerator<string>): Response {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await groups.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    async cancel() {
      await groups.return(undefined);
    },
  });
  return textResponse(stream, 200, NDJSON);
}
