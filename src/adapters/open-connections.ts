/**
 * Counts the connections that an isolate holds open to versions: WebSockets, and event streams that were asked for. Both
 * outlive their request, so a version must not be switched off while it has any. A socket is relayed message by message,
 * because the runtime tells nobody when one that it carries by itself ends (tried on workerd); a stream goes through a
 * plain transform, since workerd cannot pipe between two of its own identity streams (a version behind a binding).
 * Everything else is passed on untouched. While something is open its reports go on, also without requests, and an end is
 * reported too.
 * Called by the edge for answers of origins. Posture: open; what cannot be counted is passed on uncounted.
 */
import type { OpenCount } from "../contracts/telemetry.ts";
import type { ProductName, VersionName } from "../contracts/units.ts";

/** Versions with something open that one isolate keeps apart. */
const MAX_VERSIONS = 256;
/** Well below the time after which a silent isolate counts as lost. */
export const REPORT_EVERY_MS = 30_000;
const SWITCHING_PROTOCOLS = 101;
const EVENT_STREAM = "text/event-stream";

export interface Opened {
  readonly product: ProductName;
  readonly version: VersionName;
  /** `Accept` of the request: only streams that were asked for are looked for, so that no other answer pays for it. */
  readonly accept: string | undefined;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export interface OpenConnections {
  /** @returns the response to give instead: the same one, unless it stays open. */
  watch(response: Response, opened: Opened): Response;
  /** What is open now. */
  list(): readonly OpenCount[];
}

export interface OpenConnectionsDeps {
  readonly sleep: (ms: number) => Promise<void>;
  /** Reports what is open, now or as soon as a report is due. */
  readonly report: (waitUntil: Opened["waitUntil"]) => void;
  readonly createPair?: () => SocketPair;
}

/** The client's end, and the one that is answered from here. */
export interface SocketPair {
  readonly 0: WebSocket;
  readonly 1: WebSocket;
}

interface Count {
  readonly product: ProductName;
  readonly version: VersionName;
  sockets: number;
  streams: number;
}

/** Creates the counts of one isolate. */
export function createOpenConnections(deps: OpenConnectionsDeps): OpenConnections {
  const counts = new Map<string, Count>();
  const open = ({ product, version, waitUntil }: Opened, kind: "sockets" | "streams"): (() => void) => {
    const key = `${product} ${version}`;
    const count = counts.get(key) ?? { product, version, sockets: 0, streams: 0 };
    if (!counts.has(key) && counts.size >= MAX_VERSIONS) return () => undefined;
    counts.set(key, count);
    count[kind]++;
    let isOpen = true;
    waitUntil(keepReporting(deps, waitUntil, () => isOpen));
    return () => {
      if (!isOpen) return;
      isOpen = false;
      count[kind]--;
      if (count.sockets + count.streams === 0) counts.delete(key);
      // Nobody may ask this isolate any more, and what it held open would be waited for until it counts as lost.
      deps.report(waitUntil);
    };
  };
  return {
    watch(response, opened) {
      const socket = response.webSocket ?? null;
      if (socket !== null && response.status === SWITCHING_PROTOCOLS) {
        const pair = deps.createPair?.() ?? new WebSocketPair();
        relay({ client: pair[1], origin: socket, onEnd: open(opened, "sockets") });
        return new Response(null, {
          status: SWITCHING_PROTOCOLS,
          headers: response.headers,
          webSocket: pair[0],
        });
      }
      if (opened.accept?.includes(EVENT_STREAM) !== true || response.body === null) return response;
      if (response.headers.get("content-type")?.toLowerCase().startsWith(EVENT_STREAM) !== true)
        return response;
      return pipeThrough(response, response.body, { opened, onEnd: open(opened, "streams") });
    },
    list: () => [...counts.values()].map((count) => ({ ...count })),
  };
}

/** An isolate that nobody asks anything would fall silent, and what it holds open would be taken for lost. */
async function keepReporting(
  { sleep, report }: OpenConnectionsDeps,
  waitUntil: Opened["waitUntil"],
  isOpen: () => boolean,
): Promise<void> {
  while (isOpen()) {
    await sleep(REPORT_EVERY_MS);
    if (isOpen()) report(waitUntil);
  }
}

interface Ends {
  readonly opened: Opened;
  readonly onEnd: () => void;
}

function pipeThrough(
  response: Response,
  body: ReadableStream<Uint8Array>,
  { opened, onEnd }: Ends,
): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  opened.waitUntil(body.pipeTo(writable).then(onEnd, onEnd));
  const { status, statusText, headers } = response;
  return new Response(readable, { status, statusText, headers });
}

interface Relay {
  readonly client: WebSocket;
  readonly origin: WebSocket;
  readonly onEnd: () => void;
}

/** Carries messages both ways until either side closes or breaks. */
function relay({ client, origin, onEnd }: Relay): void {
  carry(client, origin, onEnd);
  carry(origin, client, onEnd);
  client.accept();
  origin.accept();
}

function carry(from: WebSocket, to: WebSocket, onEnd: () => void): void {
  from.binaryType = "arraybuffer";
  from.addEventListener("message", ({ data }) => {
    if (!(typeof data === "string" || data instanceof ArrayBuffer)) return;
    attempt(() => to.send(data));
  });
  from.addEventListener("close", ({ code, reason }) => {
    onEnd();
    // RFC 6455, 7.4.1: these say what was missing and must not be sent.
    attempt(() =>
      UNSENDABLE.has(code) ? to.close(code === NO_STATUS ? undefined : GOING_AWAY) : to.close(code, reason),
    );
    attempt(() => from.close());
  });
  from.addEventListener("error", () => {
    onEnd();
    attempt(() => to.close(GOING_AWAY));
  });
}

const NO_STATUS = 1005;
const GOING_AWAY = 1001;
const UNSENDABLE: ReadonlySet<number> = new Set([1004, NO_STATUS, 1006, 1015]);

/** The other side may have gone at the same time, which is what was to be told. */
function attempt(send: () => void): void {
  try {
    send();
  } catch {
    // It knows already.
  }
}
