/**
 * Reads one HTTP/1.x answer from bytes as they come, in any pieces: the same bytes give the same answer however they were
 * cut, never more than the cap is kept, and nothing makes it throw. Garbage, floods of 1xx, contradicting lengths and
 * answers that stop in the middle end as a named fault. Work is linear in the bytes, one byte at a time included.
 * It must not know sockets or time: the adapter says how the connection ended. RFC 9112 §2.1, §6, §7.1, §8.
 */
import type { ExchangeEnd, ExchangeFault } from "../../contracts/preflight.ts";
import type { Result } from "../../contracts/result.ts";
import {
  decideFraming,
  parseChunkSize,
  parseField,
  parseStatusLine,
  type Framing,
  type HeaderField,
} from "./answer-framing.ts";
import { createByteStore, type ByteStore } from "./byte-store.ts";
import { faultOfEnd } from "./faults.ts";

/** What was read. `status` and `fields` may be there although `fault` is set: they came before it. */
export interface ReadAnswer {
  readonly status: number | null;
  readonly reasonPhrase: string;
  readonly fields: readonly HeaderField[];
  /** Decoded body as far as it was read. */
  readonly body: Uint8Array;
  /** 1xx answers before the final one. */
  readonly interim: number;
  /** The cap was reached inside the body; what is there is its beginning. */
  readonly capped: boolean;
  readonly fault: ExchangeFault | null;
}

export interface ResponseReader {
  /** Takes the next piece. @returns true when no more is wanted: the answer is complete, faulty, or at the cap. */
  push(piece: Uint8Array): boolean;
  /** Why no more is wanted; null while more is. */
  ended(): "complete" | "capped" | null;
  /** Every byte taken, at most the cap. */
  received(): Uint8Array;
  /** What it comes to, the connection having ended like that. May be called again. */
  answer(end: ExchangeEnd): ReadAnswer;
}

type Phase =
  | "status"
  | "field"
  | "length"
  | "close"
  | "chunk-size"
  | "chunk"
  | "chunk-end"
  | "trailer"
  | "done";

interface State {
  phase: Phase;
  /** Next byte to look at. */
  at: number;
  /** How far the search for a line end has come, so that no byte is searched twice. */
  searched: number;
  /** Bytes still to come of the body or chunk. */
  left: number;
  interim: number;
  status: number | null;
  reasonPhrase: string;
  fields: HeaderField[];
  fault: ExchangeFault | null;
}

interface Reading {
  readonly state: State;
  readonly raw: ByteStore;
  readonly body: ByteStore;
  readonly isHead: boolean;
}

/** Cloudflare passes response headers up to 128 KB in all; a version above it fails behind the router. */
export const MAX_ANSWER_HEAD_BYTES = 128 * 1024;
/** A server may send 1xx answers; one that sends more than this is not going to answer. */
export const MAX_INTERIM = 16;
const MAX_CHUNK_LINE_BYTES = 1024;
const LF = 0x0a;
const CR = 0x0d;
const VERSION_PREFIX = "HTTP/1.";

/** Starts reading the answer to one request. `capBytes`: most bytes to keep of the wire, 1 or more. */
export function createResponseReader(options: {
  readonly isHead: boolean;
  readonly capBytes: number;
}): ResponseReader {
  const { isHead, capBytes } = options;
  const raw = createByteStore(capBytes);
  const reading: Reading = { state: createState(), raw, body: createByteStore(capBytes), isHead };
  const ended = (): "complete" | "capped" | null => {
    if (reading.state.phase === "done") return "complete";
    return raw.length() >= capBytes ? "capped" : null;
  };
  return {
    push(piece) {
      if (ended() !== null) return true;
      raw.append(piece);
      while (reading.state.phase !== "done" && step(reading));
      return ended() !== null;
    },
    ended,
    received: () => raw.bytes(),
    answer: (end) => summarise(reading, ended() === "capped" ? "capped" : end),
  };
}

function createState(): State {
  return {
    phase: "status",
    at: 0,
    searched: 0,
    left: 0,
    interim: 0,
    status: null,
    reasonPhrase: "",
    fields: [],
    fault: null,
  };
}

/** Does as much as one line or one run of body bytes allows. @returns false when more bytes are needed. */
function step(reading: Reading): boolean {
  switch (reading.state.phase) {
    case "status":
      return readStatus(reading);
    case "field":
      return readField(reading);
    case "length":
    case "chunk":
    case "close":
      return readBody(reading);
    case "chunk-size":
      return readChunkSize(reading);
    case "chunk-end":
      return readChunkEnd(reading);
    case "trailer":
      return readTrailer(reading);
    case "done":
      return false;
  }
}

function fail({ state }: Reading, fault: ExchangeFault): boolean {
  state.fault = fault;
  state.phase = "done";
  return false;
}

/** Hands on the value, or stops at the fault. */
function use<T>(reading: Reading, result: Result<T, ExchangeFault>, then: (value: T) => void): boolean {
  if (!result.ok) return fail(reading, result.error);
  then(result.value);
  return true;
}

/**
 * Takes the next line that ends at or before `limit`, without its end (CRLF, or a bare LF).
 * @returns null when it has not come yet, or when it is too long, which is the fault `tooLong`.
 */
function takeLine(reading: Reading, limit: number, tooLong: ExchangeFault): string | null {
  const { state, raw } = reading;
  const reach = Math.min(raw.length(), limit);
  while (state.searched < reach && raw.at(state.searched) !== LF) state.searched++;
  if (state.searched >= reach) {
    if (reach === limit) fail(reading, tooLong);
    return null;
  }
  const end =
    state.searched > state.at && raw.at(state.searched - 1) === CR ? state.searched - 1 : state.searched;
  const line = raw.text(state.at, end);
  state.searched++;
  state.at = state.searched;
  return line;
}

function readStatus(reading: Reading): boolean {
  const { state, raw } = reading;
  // Refused as soon as it cannot become a status line: whoever speaks TLS or SSH here will not send a line end either.
  const begun = raw.text(state.at, Math.min(raw.length(), state.at + VERSION_PREFIX.length));
  if (!VERSION_PREFIX.startsWith(begun)) return fail(reading, "malformed-status-line");
  const line = takeLine(reading, MAX_ANSWER_HEAD_BYTES, "headers-too-large");
  if (line === null) return false;
  return use(reading, parseStatusLine(line), ({ status, reasonPhrase }) => {
    state.status = status;
    state.reasonPhrase = reasonPhrase;
    state.fields = [];
    state.phase = "field";
  });
}

function readField(reading: Reading): boolean {
  const { state } = reading;
  const line = takeLine(reading, MAX_ANSWER_HEAD_BYTES, "headers-too-large");
  if (line === null) return false;
  if (line === "") return endHead(reading);
  return use(reading, parseField(line), (field) => state.fields.push(field));
}

/** After the empty line: a 1xx is followed by another answer (101 by none), a final one by its body. */
function endHead(reading: Reading): boolean {
  const { state, isHead } = reading;
  const status = state.status ?? 0;
  if (status < 200 && status !== 101) {
    state.interim++;
    state.status = null;
    state.phase = "status";
    return state.interim > MAX_INTERIM ? fail(reading, "interim-flood") : true;
  }
  return use(reading, decideFraming(status, state.fields, isHead), (framing) => enterBody(state, framing));
}

function enterBody(state: State, framing: Framing): void {
  switch (framing.kind) {
    case "none":
      state.phase = "done";
      return;
    case "length":
      state.left = framing.bytes;
      state.phase = framing.bytes === 0 ? "done" : "length";
      return;
    case "chunked":
      state.phase = "chunk-size";
      return;
    case "close":
      state.left = Number.MAX_SAFE_INTEGER;
      state.phase = "close";
  }
}

function readBody(reading: Reading): boolean {
  const { state, raw, body } = reading;
  const take = Math.min(raw.length() - state.at, state.left);
  if (take === 0) return false;
  body.append(raw.bytes().subarray(state.at, state.at + take));
  state.at += take;
  state.left -= take;
  state.searched = state.at;
  if (state.left === 0) state.phase = state.phase === "chunk" ? "chunk-end" : "done";
  return true;
}

function readChunkSize(reading: Reading): boolean {
  const { state } = reading;
  const line = takeLine(reading, state.at + MAX_CHUNK_LINE_BYTES, "bad-chunk");
  if (line === null) return false;
  return use(reading, parseChunkSize(line), (bytes) => {
    state.left = bytes;
    state.phase = bytes === 0 ? "trailer" : "chunk";
  });
}

function readChunkEnd(reading: Reading): boolean {
  const line = takeLine(reading, reading.state.at + 2, "bad-chunk");
  if (line === null) return false;
  if (line !== "") return fail(reading, "bad-chunk");
  reading.state.phase = "chunk-size";
  return true;
}

/** Trailers are checked and dropped: nothing is expected of them. */
function readTrailer(reading: Reading): boolean {
  const { state } = reading;
  const line = takeLine(reading, state.at + MAX_ANSWER_HEAD_BYTES, "headers-too-large");
  if (line === null) return false;
  if (line !== "") return use(reading, parseField(line), () => undefined);
  state.phase = "done";
  return false;
}

function summarise({ state, raw, body }: Reading, end: ExchangeEnd): ReadAnswer {
  const inHead = state.phase === "status" || state.phase === "field";
  const part = inHead ? "head" : state.phase === "close" ? "body-to-close" : "body";
  const fault = state.phase === "done" ? state.fault : faultOfEnd(end, part, raw.length() > 0);
  return {
    status: state.status,
    reasonPhrase: state.reasonPhrase,
    fields: state.fields,
    body: body.bytes(),
    interim: state.interim,
    capped: end === "capped" && !inHead,
    fault,
  };
}
