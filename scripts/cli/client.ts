/**
 * The typed client of the admin API: where it is, which token is used, requests in, parsed answers out.
 * It must never print or put into an error the token it sends, and sends `dev` by itself to this machine alone.
 * Every answer is parsed with the schema of src/contracts/api; the raw JSON is kept for `--json`, so that a field
 * this release does not know still reaches programs. Refusals of the API are thrown as `Failure`.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { PROBLEM_BASE, type Problem } from "../../src/contracts/problems.ts";
import { cliFailure, Failure, usageFailure } from "./failure.ts";
import { exchange, readAll } from "./transport.ts";

export const DEFAULT_URL = "http://localhost:8787";
const API_PATH = "/api/v1";
const LOCAL_TOKEN = "dev";
/** Longest wait for the answer to one command. */
const ANSWER_MS = 60_000;
/** Longest silence of a stream: the server may be settling a batch or sorting out removals. */
const STREAM_IDLE_MS = 10 * 60_000;

/** What a schema of zod offers; the client needs no more. */
export interface Parser<T> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
        };
      };
}

/** One request. `path` is below /api/v1 and starts with a slash; undefined query values are left out. */
export interface ApiRequest extends Address {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer<T> {
  readonly value: T;
  /** The JSON as it came. */
  readonly raw: unknown;
}

/** Where a request goes, below /api/v1. */
export interface Address {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
}

export interface StreamRequest extends Address {
  readonly method: "GET" | "POST";
  readonly body?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Client {
  /** Sends and parses; throws `Failure` for anything but a 2xx of the expected shape. */
  send<T>(schema: Parser<T>, request: ApiRequest): Promise<Answer<T>>;
  /** Like `send`, but null for a `not-found`. */
  find<T>(schema: Parser<T>, request: ApiRequest): Promise<Answer<T> | null>;
  /** Sends a stream and returns the answer as a stream, once its head says 2xx. */
  stream(request: StreamRequest): Promise<IncomingMessage>;
  /** The address a request would go to, for dry runs. */
  address(request: Address): URL;
}

export interface ClientSettings {
  readonly url: URL;
  readonly token: string;
}

/** True for names and addresses that mean this machine. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    /^127(?:\.\d{1,3}){3}$/.test(name)
  );
}

/**
 * Decides where to talk to and as whom.
 * @param flagUrl the value of `--url`, which wins over FIREBREAK_URL.
 * @param tokenName the variable that the token came from, for complaints.
 * @throws Failure (usage) for an address that is no http(s) URL, and when a token is needed and not set.
 */
export function resolveSettings(
  flagUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  tokenName = "FIREBREAK_TOKEN",
): ClientSettings {
  const url = resolveAddress(flagUrl, env);
  const token = nonEmpty(env["FIREBREAK_TOKEN"]) ?? (isLoopback(url.hostname) ? LOCAL_TOKEN : null);
  if (token === null) {
    throw usageFailure(
      `No token for ${url.origin}.`,
      `Set ${tokenName} in the environment; it is never given as an argument.`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw usageFailure(
      `${tokenName} holds a space or another character that no token has.`,
      "Set it again, without quotes or line ends.",
    );
  }
  return { url, token };
}

/** The admin host alone. @throws Failure (usage) for an address that is no http(s) URL. */
export function resolveAddress(
  flagUrl: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): URL {
  const text = flagUrl ?? nonEmpty(env["FIREBREAK_URL"]) ?? DEFAULT_URL;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageFailure(
      `"${text}" is no address.`,
      "Give the admin host as in https://admin.example.com or http://localhost:8787.",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw usageFailure(
      "The address holds a user name or password.",
      "Leave them out and set FIREBREAK_TOKEN.",
    );
  }
  return url;
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

/** Builds the client. It opens no connection by itself. */
export function createClient({ url, token }: ClientSettings): Client {
  const startHint = isLoopback(url.hostname)
    ? "Start it with `npm start`, or set FIREBREAK_URL (or --url) to where the admin host is."
    : "Check FIREBREAK_URL (or --url): it must be the admin host. `npm start` starts one on this machine.";
  const authorization = `Bearer ${token}`;

  function address({ path, query }: Address): URL {
    const target = new URL(url.pathname.replace(/\/+$/, "") + API_PATH + path, url.origin);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    return target;
  }

  async function send<T>(schema: Parser<T>, request: ApiRequest): Promise<Answer<T>> {
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    const type = body === null ? {} : { "content-type": "application/json" };
    const incoming = await exchange({
      url: address(request),
      method: request.method,
      headers: { accept: "application/json", ...type, ...request.headers, authorization },
      body,
      idleMs: ANSWER_MS,
      startHint,
    });
    const text = await readAll(incoming);
    if (!isSuccess(incoming)) throw refusal(incoming, text);
    return parseAnswer(schema, text, incoming);
  }

  return {
    address,
    send,
    find: (schema, request) => nullWhenMissing(send(schema, request)),
    stream: async ({ body, ...request }) => {
      const incoming = await exchange({
        url: address(request),
        method: request.method,
        headers: { accept: "application/x-ndjson", ...request.headers, authorization },
        body: body ?? null,
        idleMs: STREAM_IDLE_MS,
        startHint,
      });
      if (isSuccess(incoming)) return incoming;
      throw refusal(incoming, await readAll(incoming));
    },
  };
}

function isSuccess({ statusCode }: IncomingMessage): boolean {
  return statusCode !== undefined && statusCode >= 200 && statusCode < 300;
}

async function nullWhenMissing<T>(answer: Promise<Answer<T>>): Promise<Answer<T> | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Failure && error.problem.type === `${PROBLEM_BASE}not-found`) return null;
    throw error;
  }
}

/** A Firebreak answers refusals as problems with our `type`; anything else came from something else. */
function refusal(incoming: IncomingMessage, text: string): Failure {
  const problem = parseProblem(text);
  const status = incoming.statusCode ?? 0;
  const id = header(incoming, "firebreak-request-id") ?? header(incoming, "cf-ray");
  if (problem !== null)
    return new Failure(
      problem.instance === undefined && id !== null ? { ...problem, instance: id } : problem,
    );
  return new Failure(
    {
      type: "urn:firebreak:cli:unexpected-answer",
      title: "That is not the answer of a Firebreak admin host",
      status,
      detail: `HTTP ${status} ${incoming.statusMessage ?? ""}`.trim() + excerpt(text),
      ...(id === null ? {} : { instance: id }),
    },
    { next: "Check FIREBREAK_URL (or --url): it must be the admin host, without a path." },
  );
}

function header(incoming: IncomingMessage, name: string): string | null {
  const value = incoming.headers[name];
  return typeof value === "string" ? value : null;
}

const EXCERPT_CHARS = 200;

/** The beginning of an unknown answer on one line, without control characters. */
function excerpt(text: string): string {
  // Control characters could rewrite what stands on the operator's screen.
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  if (line === "") return "";
  return line.length > EXCERPT_CHARS ? `: ${line.slice(0, EXCERPT_CHARS)}…` : `: ${line}`;
}

/** Reads a problem document of ours; null for anything else. */
export function parseProblem(text: string): Problem | null {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return null;
  const { type, title, status, detail, instance, ...extensions } = value as Record<string, unknown>;
  if (typeof type !== "string" || !type.startsWith(PROBLEM_BASE) || typeof detail !== "string") return null;
  return {
    ...extensions,
    type,
    title: typeof title === "string" ? title : type,
    status: typeof status === "number" ? status : 0,
    detail,
    ...(typeof instance === "string" ? { instance } : {}),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseAnswer<T>(schema: Parser<T>, text: string, incoming: IncomingMessage): Answer<T> {
  const raw = text === "" ? null : parseJson(text);
  const parsed = schema.safeParse(raw);
  if (raw !== undefined && parsed.success) return { value: parsed.data, raw };
  const issue = parsed.success ? undefined : parsed.error.issues[0];
  const where = issue === undefined ? "" : ` (${issue.path.join(".") || "the answer"}: ${issue.message})`;
  const id = header(incoming, "firebreak-request-id");
  throw cliFailure("unexpected-answer", {
    title: "The answer has another shape than this command line knows",
    detail: `The request went through, but its answer could not be read${where}${raw === undefined ? excerpt(text) : ""}.`,
    next: `Check that FIREBREAK_URL is the admin host, and that command line and router are of the same release.${id === null ? "" : ` Request ${id}.`}`,
  });
}
