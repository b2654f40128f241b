import { describe, it } from "vitest";
import type { ExchangeEnd } from "../../../src/contracts/preflight.ts";
import { latin1Bytes, latin1Text } from "../../../src/core/preflight/bytes.ts";
import {
  createResponseReader,
  MAX_ANSWER_HEAD_BYTES,
  MAX_INTERIM,
  type ReadAnswer,
} from "../../../src/core/preflight/response-reader.ts";

function read(
  text: string,
  end: ExchangeEnd = "closed",
  { isHead = false, capBytes = 1_000_000 } = {},
): ReadAnswer {
  const reader = createResponseReader({ isHead, capBytes });
  reader.push(latin1Bytes(text));
  return reader.answer(reader.ended() ?? end);
}

describe("createResponseReader", () => {
  it("reads a whole answer and ignores what follows it", ({ expect }) => {
    const answer = read("HTTP/1.1 200 Fine enough\r\nA:  b \r\nContent-Length: 2\r\n\r\nokGARBAGE");
    expect({ ...answer, body: latin1Text(answer.body) }).toEqual({
      status: 200,
      reasonPhrase: "Fine enough",
      fields: [
        ["A", "b"],
        ["Content-Length", "2"],
      ],
      body: "ok",
      interim: 0,
      capped: false,
      fault: null,
    });
  });

  it.for([
    ["no reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok"],
    ["bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok"],
    ["a later minor version", "HTTP/1.9 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"],
    [
      "line ends inside chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\na\nb\r\nc\r\n0\r\n\r\n",
      "a\nb\r\nc",
    ],
    [
      "chunks with extensions and trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1 ;a=b\r\no\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
      "o0123456789",
    ],
    ["an end by closing", "HTTP/1.0 200 OK\r\n\r\nok", "ok"],
    [
      "early hints before",
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "ok",
    ],
    ["no content", "HTTP/1.1 204 No Content\r\n\r\n", ""],
    ["not modified with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", ""],
  ] as const)("tolerates %s", ([, text, body], { expect }) => {
    const answer = read(text);
    expect([answer.fault, latin1Text(answer.body)]).toEqual([null, body]);
  });

  it.for([
    ["", "closed", "closed-without-answer"],
    ["", "timeout", "no-answer"],
    ["", "reset", "reset"],
    ["HTT", "closed", "headers-cut"],
    ["HTT", "timeout", "headers-timeout"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n", "timeout", "headers-timeout"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "closed", "body-cut"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "timeout", "body-timeout"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "closed", "body-cut"],
    ["HTTP/1.1 200 OK\r\n\r\nok", "reset", "reset"],
    ["HTTP/1.1 200 OK\r\n\r\nok", "timeout", "body-timeout"],
    ["\x15\x03\x01\x00\x02\x02\x46", "timeout", "malformed-status-line"],
    ["SSH-2.0-x", "timeout", "malformed-status-line"],
    ["HTTP/2 200\r\n\r\n", "closed", "malformed-status-line"],
    ["HTTP/1.1  200 OK\r\n\r\n", "closed", "malformed-status-line"],
    ["HTTP/1.1 20 OK\r\n\r\n", "closed", "malformed-status-line"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "closed", "malformed-status-line"],
    ["\r\nHTTP/1.1 200 OK\r\n\r\n", "closed", "malformed-status-line"],
    ["HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "closed", "malformed-header"],
    ["HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "closed", "malformed-header"],
    ["HTTP/1.1 200 OK\r\n: b\r\n\r\n", "closed", "malformed-header"],
    ["HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", "closed", "malformed-header"],
    ["HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", "closed", "malformed-header"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "closed", "obs-fold"],
    ["HTTP/1.1 200 OK\r\n\tA: b\r\n\r\n", "closed", "obs-fold"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "closed", "duplicate-length"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", "closed", "duplicate-length"],
    ["HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", "closed", "bad-length"],
    ["HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok", "closed", "bad-length"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok", "closed", "bad-length"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nok",
      "closed",
      "length-and-chunked",
    ],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok", "closed", "unknown-transfer-encoding"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "closed",
      "unknown-transfer-encoding",
    ],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "closed", "bad-chunk"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nokk", "closed", "bad-chunk"],
    [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n",
      "closed",
      "malformed-header",
    ],
  ] as const)("names what is wrong with %j that ends as %s", ([text, end, fault], { expect }) => {
    expect(read(text, end).fault).toBe(fault);
  });

  it("gives up a flood of 1xx, and takes as many as a server may send", ({ expect }) => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\n";
    const final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    expect(read(interim.repeat(MAX_INTERIM) + final)).toMatchObject({
      status: 200,
      interim: MAX_INTERIM,
      fault: null,
    });
    expect(read(interim.repeat(MAX_INTERIM + 1) + final).fault).toBe("interim-flood");
  });

  it("gives up headers above the limit, in one line or many", ({ expect }) => {
    const line = `A: ${"b".repeat(MAX_ANSWER_HEAD_BYTES)}\r\n`;
    expect(read(`HTTP/1.1 200 OK\r\n${line}\r\n`).fault).toBe("headers-too-large");
    expect(read(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(30_000)}\r\n`).fault).toBe("headers-too-large");
    expect(
      read(`HTTP/1.1 200 OK\r\nA: ${"b".repeat(MAX_ANSWER_HEAD_BYTES - 100)}\r\nContent-Length: 0\r\n\r\n`)
        .fault,
    ).toBeNull();
  });

  it(
    "is not held up by a candidate that sends blanks, as many as a head may have",
    { timeout: 60_000 },
    ({ expect }) => {
      const from = performance.now();
      const blanks = " \t".repeat(MAX_ANSWER_HEAD_BYTES / 2 - 100);
      const { fields, fault } = read(
        `HTTP/1.1 200 OK\r\nA: ${blanks}b${blanks.slice(0, 100)}\r\nContent-Length: 0\r\n\r\n`,
      );
      expect([fields[0], fault]).toEqual([["A", "b"], null]);
      const inner = `x${blanks}y`;
      expect(read(`HTTP/1.1 200 OK\r\nA: ${inner}\r\nContent-Length: 0\r\n\r\n`).fields[0]).toEqual([
        "A",
        inner,
      ]);
      // A pattern that tried every blank took half a minute.
      expect(performance.now() - from).toBeLessThan(5_000);
    },
  );

  it("keeps the beginning of a body above the cap, without fault", ({ expect }) => {
    const answer = read(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(5000)}`, "closed", { capBytes: 1000 });
    expect([answer.fault, answer.capped, answer.body.length]).toEqual([null, true, 1000 - 19]);
  });

  it("calls headers above the cap too large", ({ expect }) => {
    expect(read(`HTTP/1.1 200 OK\r\nA: ${"x".repeat(5000)}`, "timeout", { capBytes: 1000 }).fault).toBe(
      "headers-too-large",
    );
  });

  it("wants no more as soon as it knows", ({ expect }) => {
    const push = (text: string): boolean =>
      createResponseReader({ isHead: false, capBytes: 100 }).push(latin1Bytes(text));
    expect(push("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")).toBe(false);
    expect(push("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).toBe(true);
    expect(push("G")).toBe(true);
    expect(push("H".repeat(100))).toBe(true);
  });

  it("expects no body of an answer to HEAD", ({ expect }) => {
    expect(
      read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "timeout", { isHead: true }).fault,
    ).toBeNull();
  });
});
