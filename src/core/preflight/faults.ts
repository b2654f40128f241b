/**
 * The faults of an exchange: which one an early end is, whether it speaks about the version or only about our way to it,
 * and its sentence for people. Closed switches, so that a new fault is decided here before it compiles.
 * The line drawn: once a machine has answered in any way (a refusal, a bad certificate, half an answer) it is a failure of
 * the version; before that nothing was heard of it, and a failed measurement is not a failed version.
 */
import type { ExchangeEnd, ExchangeFault, ProbeOutcome } from "../../contracts/preflight.ts";

/** Which part of the answer was being read. A body that runs to the end of the connection may end with it. */
export type AnswerPart = "head" | "body" | "body-to-close";

/**
 * The fault of an answer that its own framing has not ended.
 * @param heard whether any byte had come.
 * @returns null where this end is a proper one: of the connection, or our own cap inside a body.
 */
export function faultOfEnd(end: ExchangeEnd, part: AnswerPart, heard: boolean): ExchangeFault | null {
  const inHead = part === "head";
  switch (end) {
    case "capped":
      return inHead ? "headers-too-large" : null;
    case "closed":
    case "complete": // said of bytes that are not: the same as if they had just stopped
      if (part === "body-to-close") return null;
      if (!heard) return "closed-without-answer";
      return inHead ? "headers-cut" : "body-cut";
    case "timeout":
      if (!heard) return "no-answer";
      return inHead ? "headers-timeout" : "body-timeout";
    case "reset":
      return "reset";
    case "not-connected":
      return "connect-failed";
  }
}

/** What a fault makes of a probe. */
export function outcomeOfFault(fault: ExchangeFault): Exclude<ProbeOutcome, "pass"> {
  switch (fault) {
    case "dns":
    case "connect-timeout":
    case "connect-failed":
      return "unreachable";
    case "internal":
      return "error";
    default:
      return "fail";
  }
}

/** What happened, as the middle of a sentence that begins with the probe's title. */
export function describeFault(fault: ExchangeFault): string {
  return SENTENCES[fault];
}

const SENTENCES: Readonly<Record<ExchangeFault, string>> = {
  dns: "the name of the origin was not found",
  "connect-timeout": "no connection was made in time: the origin hangs, or something on the way drops us",
  "connect-failed":
    "no connection could be made: nothing listens there, the name is unknown, or the platform lets no raw connection through (an origin behind Cloudflare or in a private network)",
  refused: "the connection was refused: nothing listens there",
  tls: "the TLS handshake failed: the certificate is not valid for this name, or the port does not speak TLS",
  reset: "the connection was reset",
  "closed-without-answer": "the connection was closed without a single byte of answer",
  "no-answer": "the request was taken and never answered",
  "headers-cut": "the connection ended inside the headers",
  "headers-timeout": "the headers were not complete in time",
  "body-cut": "the body ended before its announced end",
  "body-timeout": "the body was not complete in time",
  "malformed-status-line": "what came is no HTTP/1.x answer",
  "malformed-header": "a header line is malformed",
  "headers-too-large": "the headers are larger than any proxy takes",
  "obs-fold": "a header is folded over several lines, which RFC 9112 forbids",
  "duplicate-length": "Content-Length is given more than once",
  "bad-length": "Content-Length is no number",
  "length-and-chunked": "Content-Length and Transfer-Encoding contradict each other",
  "unknown-transfer-encoding": "Transfer-Encoding is something other than chunked",
  "bad-chunk": "the chunks of the body are malformed",
  "interim-flood": "1xx answers came without end and no final one",
  internal: "the probe could not be sent because of an error on our side",
};
