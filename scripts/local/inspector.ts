/**
 * What an isolate of workerd holds, by its inspector: after a collection, so that only what lives counts. Used by the soak and
 * by rows of the benchmark. https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-getHeapUsage
 */
import WebSocket from "ws";
import { z } from "zod";
import { readHeld, type HeldByKind } from "./heap-snapshot.ts";

const MB = 1024 * 1024;
const ASK_EVERY_MS = 20;
const ANSWERS_WITHIN_MS = 30_000;

const ListSchema = z.array(z.looseObject({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const AnswerSchema = z.looseObject({ id: z.number().optional(), result: z.unknown().optional() });
const ChunkSchema = z.looseObject({
  method: z.literal("HeapProfiler.addHeapSnapshotChunk"),
  params: z.looseObject({ chunk: z.string() }),
});
const UsageSchema = z.looseObject({
  usedSize: z.number(),
  embedderHeapUsedSize: z.number().default(0),
  backingStorageSize: z.number().default(0),
});

/**
 * Live memory of one Worker in MB: heap and what lies outside of it.
 * @param poke asks the Worker anything at all
 * @param inspector `http://host:port` of Miniflare's inspector
 */
export function heldMbOf(inspector: string, worker: string, poke: Poke): Promise<number> {
  return withSession(inspector, worker, async ({ tell }) => {
    await collectAll(tell, poke);
    const usage = UsageSchema.parse(await tell("Runtime.getHeapUsage"));
    return (usage.usedSize + usage.embedderHeapUsedSize + usage.backingStorageSize) / MB;
  });
}

/** The same told apart, from a snapshot, for which the Worker stands still about a second. */
export function heldByKindOf(inspector: string, worker: string, poke: Poke): Promise<HeldByKind> {
  return withSession(inspector, worker, async ({ tell, socket }) => {
    await collectAll(tell, poke);
    const chunks: string[] = [];
    socket.on("message", (data: Buffer) => {
      const event = ChunkSchema.safeParse(JSON.parse(data.toString()));
      if (event.success) chunks.push(event.data.params.chunk);
    });
    await whilePoking(tell("HeapProfiler.takeHeapSnapshot"), poke);
    return readHeld(chunks.join(""));
  });
}

interface Session {
  readonly tell: Tell;
  readonly socket: WebSocket;
}

async function withSession<T>(
  inspector: string,
  worker: string,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const list = ListSchema.parse(await (await fetch(`${inspector}/json`)).json());
  const found = list.find(({ id }) => id === `core:user:${worker}`);
  if (found === undefined) throw new Error(`the inspector has no Worker ${worker}`);
  const socket = new WebSocket(found.webSocketDebuggerUrl);
  try {
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    const tell = createTell(socket);
    await tell("Runtime.enable");
    await tell("HeapProfiler.enable");
    return await use({ tell, socket });
  } finally {
    socket.close();
  }
}

async function collectAll(tell: Tell, poke: Poke): Promise<void> {
  // The inspector keeps the last 1,000 lines of the log with all that they name: nobody holds that without it.
  await tell("Runtime.discardConsoleEntries");
  // Twice: what the first finds dead may have held something else.
  for (const _ of [1, 2]) await whilePoking(tell("HeapProfiler.collectGarbage"), poke);
}

type Tell = (method: string) => Promise<unknown>;
type Poke = () => Promise<unknown>;

/** An isolate that nobody asks anything does nothing for the inspector either: so it is asked until it has. */
async function whilePoking(told: Promise<unknown>, poke: Poke): Promise<void> {
  let isDone = false;
  const done = told.then(() => (isDone = true));
  while (!isDone) {
    await poke();
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))]);
  }
}

function createTell(socket: WebSocket): Tell {
  let told = 0;
  return (method) => {
    const id = (told += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} was not answered`)), ANSWERS_WITHIN_MS);
      const listen = (data: Buffer): void => {
        const answer = AnswerSchema.parse(JSON.parse(data.toString()));
        if (answer.id !== id) return;
        clearTimeout(timer);
        socket.off("message", listen);
        resolve(answer.result);
      };
      socket.on("message", listen);
      socket.send(JSON.stringify({ id, method, params: {} }));
    });
  };
}
