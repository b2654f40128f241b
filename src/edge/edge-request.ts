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
  /** The client's own signal; read only when something failed or takes long. */
  readonly signal: AbortSignal;
  /** The runtime's object, for what only it can do: reach admin, carry a body of a GET. */
  readonly raw: Request;
  readonly waitUntil: WaitUntil;
}

/** A class for once: its getters lie on the prototype, while those of an object literal are made anew with each request. */
class IncomingRequest implements EdgeRequest {
  readonly method: string;
  readonly rawUrl: string;
  readonly host: string | null;
  readonly headers: Headers;
  readonly raw: Request;
  readonly waitUntil: WaitUntil;

  constructor(raw: Request, waitUntil: WaitUntil) {
    const { headers } = raw;
    this.method = raw.method;
    this.rawUrl = raw.url;
    this.host = headers.get("host");
    this.headers = headers;
    this.raw = raw;
    this.waitUntil = waitUntil;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.raw.body;
  }

  get signal(): AbortSignal {
    return this.raw.signal;
  }
}

/** Makes the value. `body` and `signal` stay getters, because asking for them costs and few requests need them. */
export function toEdgeRequest(raw: Request, waitUntil: WaitUntil): EdgeRequest {
  return new IncomingRequest(raw, waitUntil);
}
