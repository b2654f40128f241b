/**
 * What a well demo version answers, by path: an echo of the request nearly everywhere, and a few paths that do what
 * proxies find hard. It must not hold state. Called by `origin.ts` for every request that no fault has taken.
 *
 *   /events    server-sent events, one every 100 ms, until the client leaves or ?count=N were sent
 *   /slow      the echo after ?ms=N (default 1,000)
 *   /cookies   50 Set-Cookie headers, in order
 *   /redirect  302 to another host
 *   …?raw      the echo with rawHeaders beside headers: order and doubles as they came
 *   /upload    reads the whole body and says how many bytes it had
 *   /page      a page for browsers, which loads /assets/VERSION/late.js when its button is pressed, and sets a cookie
 *   /assets/…  late.js of this very version, which says what it was sent; 404 for that of any other
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseDictionary } from "structured-headers";
import { ASSETS, answerAsset, answerPage } from "./page.ts";

export const COOKIES = 50;
export const REDIRECT_TARGET = "http://elsewhere.example.net/landing?from=demo";

const EVENT_EVERY_MS = 100;
const DEFAULT_EVENTS = 1_000_000;
const DEFAULT_SLOW_MS = 1000;
const MAX_SLOW_MS = 120_000;

/** Who answers, and for whom. */
export interface Asked {
  readonly product: string;
  readonly version: string;
  readonly account: string | null;
}

/** The body of the echo. */
export interface Echo extends Asked {
  readonly method: string;
  readonly url: string;
  readonly host: string | null;
  /** Bytes of the request's body. */
  readonly bytes: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** With `?raw`: names and values in turn, as they came. */
  readonly rawHeaders?: readonly string[];
}

/**
 * The account a request is for: what the router says in `Firebreak`, else the first label of the Host.
 * @returns null when neither names one; whether the product knows it is another question.
 */
export function accountOf({ headers }: IncomingMessage): string | null {
  const said = headers["firebreak"];
  if (typeof said === "string") return accountFromRouter(said);
  const host = (headers.host ?? "").split(":")[0] ?? "";
  const dot = host.indexOf(".");
  return dot > 0 ? host.slice(0, dot).toLowerCase() : null;
}

/** RFC 9651: a slug that starts with a digit is a string, any other a token. */
function accountFromRouter(header: string): string | null {
  try {
    const value = parseDictionary(header).get("account")?.[0];
    return value === undefined ? null : String(value);
  } catch {
    return null; // not a dictionary: not from the router
  }
}

/** Whether the router says that nobody gets the answer. */
export function isMirrored({ headers }: IncomingMessage): boolean {
  const said = headers["firebreak"];
  try {
    return typeof said === "string" && parseDictionary(said).get("mirror")?.[0] === true;
  } catch {
    return false;
  }
}

/** Answers one request. Resolves when the answer was handed to the socket, or the client has left. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
): Promise<void> {
  const url = new URL(`http://demo.invalid${(request.url ?? "/").startsWith("/") ? request.url : "/"}`);
  if (url.pathname.startsWith(ASSETS)) return answerAsset(request, response, asked);
  switch (url.pathname) {
    case "/page":
      return answerPage(request, response, asked);
    case "/events":
      return sendEvents(response, asked, positive(url, "count", DEFAULT_EVENTS));
    case "/redirect":
      request.resume();
      response.writeHead(302, { Location: REDIRECT_TARGET }).end();
      return;
    case "/cookies":
      response.setHeader(
        "Set-Cookie",
        Array.from({ length: COOKIES }, (_, n) => `c${n}=${n}; Path=/`),
      );
      return echo(request, response, asked);
    case "/slow":
      await delay(Math.min(positive(url, "ms", DEFAULT_SLOW_MS), MAX_SLOW_MS));
      return echo(request, response, asked);
    default:
      return echo(request, response, asked);
  }
}

function positive(url: URL, name: string, otherwise: number): number {
  const value = Number(url.searchParams.get(name) ?? otherwise);
  return Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

/** Every header as it came, which people who look at an echo do not want to read twice. */
function isRaw({ url = "/" }: IncomingMessage): boolean {
  return new URLSearchParams(url.split("?")[1]).has("raw");
}

async function echo(request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) bytes += chunk.byteLength;
  const body: Echo = {
    ...asked,
    method: request.method ?? "",
    url: request.url ?? "",
    host: request.headers.host ?? null,
    bytes,
    headers: request.headers,
    ...(isRaw(request) ? { rawHeaders: request.rawHeaders } : {}),
  };
  response.setHeader("Content-Type", "application/json");
  response.end(`${JSON.stringify(body, null, 2)}\n`);
}

function sendEvents(response: ServerResponse, asked: Asked, count: number): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  let sent = 0;
  const send = (): void => {
    sent += 1;
    response.write(`id: ${sent}\ndata: ${JSON.stringify(asked)}\n\n`);
    if (sent < count) return;
    clearInterval(timer);
    response.end();
  };
  const timer = setInterval(send, EVENT_EVERY_MS);
  response.on("close", () => clearInterval(timer));
  send();
}

async function delay(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
