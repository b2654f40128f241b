/**
 * Reads the request headers in one pass: their size, the values the edge needs, and the names that must not go on.
 * It decides nothing about the answer and changes no header. Called by the edge for every request that is not a health
 * check; linear in the headers. Posture: what cannot be told apart from a spoof is listed for dropping.
 */
import { HEADER_RULES, isReservedPrefix, NO_VALUES, type ReadHeader } from "./header-sets.ts";

export interface InboundHeaders {
  /** Names and values, in characters; the runtime's header characters are bytes. */
  readonly sizeBytes: number;
  /** Names to delete whatever else is decided. */
  readonly drop: readonly string[];
  readonly values: Readonly<Record<ReadHeader, string | undefined>>;
}

type Values = Record<ReadHeader, string | undefined>;

const NOTHING_TO_DROP: readonly string[] = [];

/** Reads all headers once. By `forEach`, which costs two thirds of what an iterator does on workerd. */
export function readInboundHeaders(headers: Headers): InboundHeaders {
  const values: Values = { ...NO_VALUES };
  let drop: string[] | null = null;
  let sizeBytes = 0;
  headers.forEach((value, name) => {
    sizeBytes += name.length + value.length;
    const rule = HEADER_RULES.get(name);
    if (rule !== undefined && rule !== "drop") values[rule] = value;
    if (rule === undefined ? isSpoof(name) : rule === "drop" || rule === "firebreak-override") {
      (drop ??= []).push(name);
    }
  });
  return { sizeBytes, drop: drop ?? NOTHING_TO_DROP, values };
}

/** A reserved name, or another spelling of one that is listed. */
function isSpoof(name: string): boolean {
  if (!name.includes("_")) return isReservedPrefix(name);
  const dashed = name.replaceAll("_", "-");
  return isReservedPrefix(dashed) || HEADER_RULES.has(dashed);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** What `Connection` says about the connection itself, and what is decided elsewhere. */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(["close", "keep-alive", "upgrade"]);

/**
 * Lists the header names that `Connection` declares to be for this hop alone. RFC 9110, 7.6.1.
 * Values that are no header name are left out, since deleting them would throw.
 */
export function connectionNames(connection: string | undefined): readonly string[] {
  if (connection === undefined) return [];
  return connection
    .split(",")
    .map((part) => part.trim().toLowerCase())
    .filter((name) => TOKEN.test(name) && !CONNECTION_OPTIONS.has(name));
}

/** True for the upgrade that goes through: a GET to a WebSocket. RFC 6455, 4.1. */
export function isWebSocketUpgrade(method: string, { values }: InboundHeaders): boolean {
  return method === "GET" && values.upgrade?.toLowerCase() === "websocket";
}
