/**
 * The plain value that the edge works on, and the one line that makes it from a Request.
 * Nothing is parsed or trusted here: on a proxy-style socket `url` is `/path`, `*` or an absolute URL, and `host` may be
 * null. Called by the composition root; tests and generated cases build the value by hand.
 */

/** What the edge may still do for a request after it has answered. */
export type WaitUntil = (work: Promise<unknown>) => void;

export interface EdgeRequest {
  readonly method: string;
  /** The target as the runtime hands it over. */
  readonly rawUrl: string;
  /** The Host header as it arrived; null when there was none. */
  readonly host: string | null;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  /** The client's own signal; read only when something failed. */
  readonly signal: AbortSignal;
  /** The runtime's object, for what only it can do: reach admin, carry a body of a GET. */
  readonly raw: Request;
  readonly waitUntil: WaitUntil;
}

/** Makes the value. `signal` stays a getter, because asking for it costs and few requests need it. */
export function toEdgeRequest(raw: Request, waitUntil: WaitUntil): EdgeRequest {
  return {
    method: raw.method,
    rawUrl: raw.url,
    host: raw.headers.get("host"),
    headers: raw.headers,
    get body() {
      return raw.body;
    },
    get signal() {
      return raw.signal;
    },
    raw,
    waitUntil,
  };
}
