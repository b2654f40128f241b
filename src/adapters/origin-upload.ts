/**
 * Relays a request body to the origin chunk by chunk, so that it is known which side broke when one does.
 * It never holds more than one chunk and never ends a body that the client did not end. That is not obvious: on workerd
 * an aborted or piped IdentityTransformStream looks to the origin like the clean end of a chunked body, so a broken
 * upload would be stored as a whole one. Therefore the broken side aborts the fetch and leaves the stream open.
 * It also notes whom it waits for and since when: the time to headers does not run while a client takes its time.
 * Called by `origin.ts` for requests with a body. Posture: an upload that broke on the client's side is aborted.
 */
import { systemClock } from "./clock.ts";
import type { UploadProgress } from "./origin-errors.ts";

/** One chunk. The default reader of workerd hands out 4 KiB pieces, which costs sixteen times the calls. */
const CHUNK_BYTES = 64 * 1024;

/** The two ends of a pass-through stream. */
export interface BodyPipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Makes the pipe for a body of a known length (which keeps `Content-Length`), or of an unknown one (null: chunked). */
export type CreateBodyPipe = (lengthBytes: number | null) => BodyPipe;

/** workerd's own streams, which stay native on the side of the fetch. */
export const createWorkerdPipe: CreateBodyPipe = (lengthBytes) =>
  lengthBytes === null ? new IdentityTransformStream() : new FixedLengthStream(lengthBytes);

export interface Upload {
  readonly body: ReadableStream<Uint8Array>;
  readonly progress: UploadProgress;
  /** Settles when the relay has nothing more to do; never rejects. */
  readonly done: Promise<void>;
}

/**
 * Starts the relay.
 * @param source the client's body; it is locked from here on.
 * @param pipe where it goes; its readable side is the body for the origin.
 * @param abortFetch called when the client's side breaks, before anything else happens to the pipe.
 */
export function relayUpload(
  source: ReadableStream<Uint8Array>,
  pipe: BodyPipe,
  abortFetch: () => void,
): Upload {
  const progress: Progress = {
    clientFailed: false,
    sentBytes: 0,
    waitsFor: "client",
    movedMs: systemClock.nowMs(),
  };
  const ends = { reader: source.getReader({ mode: "byob" }), writer: pipe.writable.getWriter() };
  const done = pump(ends, progress).then((end) => {
    if (end !== "client-failed") return;
    progress.clientFailed = true;
    abortFetch();
  });
  return { body: pipe.readable, progress, done };
}

type Progress = { -readonly [Fact in keyof UploadProgress]: UploadProgress[Fact] };

function moved(progress: Progress, waitsFor: Progress["waitsFor"]): void {
  progress.waitsFor = waitsFor;
  progress.movedMs = systemClock.nowMs();
}

type PumpEnd = "complete" | "client-failed" | "origin-failed";

interface PumpEnds {
  readonly reader: ReadableStreamBYOBReader;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

async function pump({ reader, writer }: PumpEnds, progress: Progress): Promise<PumpEnd> {
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  for (;;) {
    let chunk: ReadableStreamReadResult<Uint8Array>;
    try {
      chunk = await reader.read(new Uint8Array(buffer));
    } catch {
      return "client-failed";
    }
    moved(progress, "origin");
    try {
      if (chunk.done) {
        await writer.close();
        return "complete";
      }
      const { byteLength } = chunk.value;
      await writer.write(chunk.value);
      progress.sentBytes += byteLength;
      moved(progress, "client");
      buffer = reuseBuffer(chunk.value);
    } catch (cause) {
      // The origin took no more. The client may be in the middle of its body; telling it so is all that is left.
      reader.cancel(cause).catch(() => undefined);
      return "origin-failed";
    }
  }
}

/** The chunk's memory once more; streams that keep what is written to them get a new one. */
function reuseBuffer(chunk: Uint8Array): ArrayBuffer {
  const { buffer } = chunk;
  return buffer instanceof ArrayBuffer && buffer.byteLength === CHUNK_BYTES
    ? buffer
    : new ArrayBuffer(CHUNK_BYTES);
}
