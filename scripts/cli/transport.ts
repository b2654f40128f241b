/**
 * One HTTP exchange with the admin API or the local runner, over node:http so that a request body and its answer can
 * stream at the same time (fetch waits for the end of the body in practice).
 * It adds no meaning: no token, no JSON. What cannot be reached becomes a `Failure` that says how to start or where to
 * point. No retries: a write that may have happened is the caller's to repeat, with the same Idempotency-Key.
 */
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { RUN } from "./command-line.ts";
import { cliFailure, Failure } from "./failure.ts";

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text is sent with its length, a stream chunked, null not at all. */
  readonly body: string | Readable | null;
  /** Longest silence, in milliseconds, before the exchange is given up. */
  readonly idleMs: number;
  /** How to start what should answer; shown when nothing does. */
  readonly startHint: string;
}

/**
 * Sends a request and returns as soon as the head of the answer is there, even while the body is still being sent.
 * @throws Failure `unreachable` when nothing answers, `interrupted` when the connection breaks or stays silent.
 */
export function exchange(wanted: Exchange): Promise<IncomingMessage> {
  const { url, method, headers, body, idleMs } = wanted;
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const length = typeof body === "string" ? { "content-length": String(Buffer.byteLength(body)) } : {};
  const options: RequestOptions = { method, headers: { ...headers, ...length }, agent: false };
  return new Promise((resolve, reject) => {
    const outgoing = send(url.href, options);
    let answered = false;
    outgoing.setTimeout(idleMs, () => outgoing.destroy(silence(url, idleMs)));
    outgoing.on("error", (error) => {
      // After the head, a server that stops reading (it refused) breaks the upload; the answer still tells why.
      if (!answered) reject(explainBreak(error, wanted));
      if (typeof body === "object" && body !== null) body.destroy();
    });
    outgoing.on("response", (incoming) => {
      answered = true;
      resolve(incoming);
    });
    if (body === null || typeof body === "string") outgoing.end(body ?? undefined);
    else sendStream(body, outgoing, reject);
  });
}

/** How long a streamed body waits for the head of the answer. */
const HEAD_START_MS = 500;

/**
 * Pipes a body out once the answer has begun, or after half a second. A refusal (401, 403) comes before the body is read;
 * a server that then closes on a client in full flow resets the connection, and the refusal is lost on the way.
 */
function sendStream(body: Readable, outgoing: ClientRequest, reject: (error: Error) => void): void {
  body.on("error", (error) => {
    // The source is broken, not the server: end without the closing chunk, so that nothing counts as complete.
    reject(error);
    outgoing.destroy();
  });
  const start = (): void => void body.pipe(outgoing);
  const timer = setTimeout(start, HEAD_START_MS);
  outgoing.once("close", () => clearTimeout(timer));
  outgoing.once("response", ({ statusCode = 0 }) => {
    clearTimeout(timer);
    const begun = body.readableFlowing !== null;
    if (statusCode >= 400) body.destroy();
    else if (!begun) start();
  });
  outgoing.flushHeaders();
}

function silence(url: URL, idleMs: number): Failure {
  return cliFailure("interrupted", {
    title: "No answer in time",
    detail: `${url.origin} said nothing for ${Math.round(idleMs / 1000)} s.`,
    next: `Look at \`${RUN}status\` before repeating a change: it may have been made.`,
  });
}

const NOBODY_THERE = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
]);

function explainBreak(error: Error, { url, startHint }: Exchange): Error {
  if (error instanceof Failure) return error;
  const code = errorCode(error);
  if (NOBODY_THERE.has(code)) {
    const detail = `Nothing answers at ${url.origin} (${code}).`;
    return cliFailure("unreachable", { title: "Nothing answers there", detail, next: startHint }, error);
  }
  const detail = `The connection to ${url.origin} broke before an answer came (${code || error.message}).`;
  const next = `Look at \`${RUN}status\` before repeating a change: it may have been made.`;
  return cliFailure("interrupted", { title: "The connection broke", detail, next }, error);
}

/** The system's code of a failed connection; with several addresses tried, that of the first. */
function errorCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Reads a whole answer as text. */
export async function readAll(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw brokenAnswer(error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The answer began and did not end. */
export function brokenAnswer(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const detail = "The connection broke in the middle of the answer.";
  const next = `Look at \`${RUN}status\` before repeating a change: it may have been made.`;
  return cliFailure("interrupted", { title: "The connection broke", detail, next }, cause);
}
