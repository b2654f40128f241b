/**
 * Sends one request to one origin and says either what came back or which failure it was. One attempt a call: retries
 * and fail-over are the edge's policy. It streams bodies both ways, follows no redirect, and limits the time to response
 * headers only, so that long downloads, event streams and sockets live on.
 * It must not choose an origin nor check whether it is allowed; the edge did both. Called by `edge/forward.ts`.
 * Posture: every failure is a value; it throws for bugs alone.
 */
import type { Origin } from "../contracts/origin-rules.ts";
import { err, ok, type Result } from "../contracts/result.ts";
import { classifyFailure, isUnreachedStatus, type OriginFailure } from "./origin-errors.ts";
import { systemClock } from "./clock.ts";
import { createWorkerdPipe, relayUpload, type CreateBodyPipe, type Upload } from "./origin-upload.ts";

export type OriginFetch = (request: Request) => Promise<Response>;

/** A service binding as far as it is used here. */
export interface OriginBinding {
  fetch(request: Request): Promise<Response>;
}

/** Makes the request that leaves. */
export type CreateRequest = (input: string | Request, init: RequestInit) => Request;

/** What goes out. */
export interface OriginRequest {
  readonly origin: Origin;
  readonly pathAndQuery: string;
  readonly method: string;
  /** Where the headers come from; they are copied, never changed. */
  readonly headers: Headers;
  /** Makes the copy what the origin is to get. Called once, before anything is sent. */
  readonly editHeaders: (headers: Headers) => void;
  readonly body: OutgoingBody;
  /** Time to response headers; with an upload, since it last moved: a slow client is not a slow origin. */
  readonly timeoutMs: number;
  /** How long the client has waited already: for attempts before this one. */
  readonly waitedMs: number;
  /** True: what has no headers in time is aborted, not only given up on. Costs a controller a request. */
  readonly abandon?: true;
  /** The client's own; null: nobody waits. Asked for only when the attempt failed or takes long. */
  readonly clientSignal: (() => AbortSignal) | null;
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/**
 * `stream`: relayed, its length kept when it is known. `request`: a GET or HEAD with a body, which only the incoming
 * request itself can carry on, because `fetch` refuses to build one.
 */
export type OutgoingBody =
  | { readonly kind: "none" }
  | {
      readonly kind: "stream";
      readonly stream: ReadableStream<Uint8Array>;
      readonly lengthBytes: number | null;
    }
  | { readonly kind: "request"; readonly request: Request };

export type OriginAnswer = Result<Response, OriginFailure | "no-binding">;

export interface OriginSenderDeps {
  readonly fetch: OriginFetch;
  readonly bindings: (name: string) => OriginBinding | null;
  /** On Cloudflare there is an edge cache to keep out of, and 52x means that an origin was not reached. */
  readonly onCloudflare: boolean;
  readonly createPipe?: CreateBodyPipe;
  /** The runtime's own when left out. */
  readonly createRequest?: CreateRequest;
}

export type SendToOrigin = (request: OriginRequest) => Promise<OriginAnswer>;

/**
 * Many accounts share one origin address, so a response stored by address would be given to the wrong account.
 * `cache: "no-store"` would say the same but adds `Cache-Control` and `Pragma` to the origin's request; a negative
 * `cacheTtlByStatus` is documented as "do not cache at all" and leaves the headers alone (both tried on workerd).
 * https://developers.cloudflare.com/workers/runtime-apis/request/#the-cf-property-requestinitcfproperties
 */
const NEVER_CACHED: RequestInitCfProperties = {
  cacheEverything: false,
  cacheTtlByStatus: { "100-599": -1 },
};

const NO_BINDING: Promise<OriginAnswer> = Promise.resolve(err("no-binding"));
const PLAIN: RequestInit = { redirect: "manual" };
const UNCACHED: RequestInit = { redirect: "manual", cf: NEVER_CACHED };

/** Creates the sender of one isolate. */
export function createOriginSender(deps: OriginSenderDeps): SendToOrigin {
  const createPipe = deps.createPipe ?? createWorkerdPipe;
  const createRequest = deps.createRequest ?? ((input, init) => new Request(input, init));
  return (request) => {
    const target = resolveTarget(request, deps);
    if (target === null) return NO_BINDING;
    const sending = startSending(request, createPipe);
    const outgoing = createOutgoing(request, createRequest, { target, sending });
    request.editHeaders(outgoing.headers);
    return awaitHeaders(target.fetch(outgoing), { request, sending, deps });
  };
}

interface Target {
  readonly url: string;
  readonly fetch: OriginFetch;
  /** What every request to it has in common. */
  readonly init: RequestInit;
}

/** Bindings get a fixed host: what the client named is in `X-Forwarded-Host`, and not every name is a valid URL host. */
function resolveTarget({ origin, pathAndQuery }: OriginRequest, deps: OriginSenderDeps): Target | null {
  if (origin.kind === "http") {
    const { scheme, host, port } = origin;
    const init = deps.onCloudflare ? UNCACHED : PLAIN;
    return { url: `${scheme}://${host}:${port}${pathAndQuery}`, fetch: deps.fetch, init };
  }
  const binding = deps.bindings(origin.name);
  if (binding === null) return null;
  const host = origin.name.toLowerCase().replaceAll("_", "-");
  return {
    url: `https://${host}.binding.invalid${pathAndQuery}`,
    fetch: (outgoing) => binding.fetch(outgoing),
    init: PLAIN,
  };
}

interface Sending {
  readonly upload: Upload | null;
  /** Uploads and what may be abandoned: for the rest a controller costs more than it gives, since the fetch ends with the request. */
  readonly abort: AbortController | null;
}

const NOTHING_SENT: Sending = { upload: null, abort: null };

function startSending({ body, waitUntil, abandon }: OriginRequest, createPipe: CreateBodyPipe): Sending {
  if (body.kind !== "stream")
    return abandon === true ? { upload: null, abort: new AbortController() } : NOTHING_SENT;
  const abort = new AbortController();
  const upload = relayUpload(body.stream, createPipe(body.lengthBytes), () => abort.abort());
  // An origin may answer before the body is through; the relay must then outlive the handler.
  waitUntil(upload.done);
  return { upload, abort };
}

/**
 * The request that leaves, with its own copy of the headers: `fetch` sends such a one as it is, while headers in an init
 * would be copied once more.
 */
function createOutgoing(
  { method, headers, body }: OriginRequest,
  createRequest: CreateRequest,
  { target, sending: { upload, abort } }: { readonly target: Target; readonly sending: Sending },
): Request {
  // Method and body are the incoming request's; naming either again would make the runtime refuse the other.
  if (body.kind === "request") return createRequest(new Request(target.url, body.request), target.init);
  const init: RequestInit = { ...target.init, method, headers };
  if (upload !== null) init.body = upload.body;
  if (abort !== null) init.signal = abort.signal;
  return createRequest(target.url, init);
}

interface Wait {
  readonly request: OriginRequest;
  readonly sending: Sending;
  readonly deps: OriginSenderDeps;
}

/**
 * After this long, all attempts together, a request is waited for even when its client leaves, so that it is counted: the
 * runtime ends a request with its client, and of a version that hangs nothing would be known. Quick answers pay nothing.
 */
const HOLD_ON_AFTER_MS = 500;

/**
 * Races the response's headers with the time allowed; the timer is gone once they are there. One promise by hand, because
 * every request waits here, and `Promise.race` with its parts makes five.
 */
function awaitHeaders(
  fetching: Promise<Response>,
  { request, sending, deps }: Wait,
): Promise<Result<Response, OriginFailure>> {
  const { timeoutMs, clientSignal } = request;
  const holdOnMs = Math.max(0, HOLD_ON_AFTER_MS - request.waitedMs);
  const answer = new Promise<Result<Response, OriginFailure>>((resolve, reject) => {
    let isOver = false;
    const fail = (timedOut: boolean): void => {
      isOver = true;
      clearTimeout(timer);
      try {
        const upload = sending.upload?.progress ?? null;
        const clientAborted = clientSignal?.().aborted === true;
        resolve(err(classifyFailure({ timedOut, upload, clientAborted })));
      } catch (error) {
        reject(error);
      }
    };
    const expire = (): void => {
      const leftMs = sending.upload === null ? 0 : timeLeft(sending.upload, timeoutMs);
      if (leftMs > 0) {
        timer = setTimeout(expire, leftMs);
        return;
      }
      sending.abort?.abort();
      fail(true);
    };
    const leave = (): void => {
      if (isOver) return;
      sending.abort?.abort();
      fail(false);
    };
    const holdOn = (client: AbortSignal): void => {
      timer = setTimeout(expire, timeoutMs - holdOnMs);
      request.waitUntil(answer);
      if (client.aborted) leave();
      else client.addEventListener("abort", leave);
    };
    let timer =
      clientSignal === null || timeoutMs <= holdOnMs
        ? setTimeout(expire, timeoutMs)
        : setTimeout(() => holdOn(clientSignal()), holdOnMs);
    fetching.then(
      (response) => {
        if (isOver) return discard(response);
        isOver = true;
        clearTimeout(timer);
        if (isUnreached(response, request.origin, deps)) {
          discard(response);
          resolve(err("connect-failed"));
        } else resolve(ok(response));
      },
      () => {
        // The runtime's error says nothing that the evidence does not say better.
        if (!isOver) fail(false);
      },
    );
  });
  return answer;
}

/** Looked at when the timer is due, and not set anew with every chunk. A clock that was put back starts it again. */
function timeLeft({ progress }: Upload, timeoutMs: number): number {
  return timeoutMs - Math.max(0, systemClock.nowMs() - progress.movedMs);
}

function discard(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}

/** Cloudflare answers in the place of hosts only; a Worker behind a binding gave its status itself. */
function isUnreached({ status }: Response, { kind }: Origin, { onCloudflare }: OriginSenderDeps): boolean {
  return onCloudflare && kind === "http" && isUnreachedStatus(status);
}

/** Service bindings have a fetch method; a variable of that name is not one. */
export function bindingOf(env: object, name: string): OriginBinding | null {
  const binding: unknown = Reflect.get(env, name);
  return isBinding(binding) ? binding : null;
}

function isBinding(value: unknown): value is OriginBinding {
  return typeof value === "object" && value !== null && "fetch" in value && typeof value.fetch === "function";
}
