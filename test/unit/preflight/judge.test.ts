import { describe, it } from "vitest";
import type { ExchangeFault, Expectation, Probe, RawExchange } from "../../../src/contracts/preflight.ts";
import { latin1Bytes } from "../../../src/core/preflight/bytes.ts";
import { outcomeOfFault } from "../../../src/core/preflight/faults.ts";
import { formatRanges, judge } from "../../../src/core/preflight/judge.ts";

const expectation: Expectation = { status: [[200, 399]], header: null, bodyContains: null };

function probeWith(changes: Partial<Probe> = {}): Probe {
  return {
    id: "options-hostless",
    title: "OPTIONS without Host",
    class: "none",
    cell: null,
    target: { kind: "socket", host: "a.example.net", port: 443, tls: true },
    bytes: latin1Bytes("OPTIONS / HTTP/1.0\r\n\r\n"),
    expect: expectation,
    why: "a test",
    demandedBy: [],
    ...changes,
  };
}

function heard(text: string, changes: Partial<RawExchange> = {}): RawExchange {
  return { end: "closed", fault: null, detail: "", received: latin1Bytes(text), ms: 12, ...changes };
}

const OK = "HTTP/1.1 200 OK\r\nAllow: GET, OPTIONS\r\n\r\nall well";

describe("judge", () => {
  it("passes an expected answer, with what was sent and received", ({ expect }) => {
    expect(judge(probeWith(), heard(OK), "here")).toEqual({
      id: "options-hostless",
      title: "OPTIONS without Host",
      class: "none",
      cell: null,
      outcome: "pass",
      evidence: {
        sent: "OPTIONS / HTTP/1.0\\r\\n\n\\r\\n\n",
        received: "HTTP/1.1 200 OK\\r\\n\nAllow: GET, OPTIONS\\r\\n\n\\r\\n\nall well",
        status: 200,
        ms: 12,
        fault: null,
        from: "here",
      },
      sentence: "OPTIONS without Host: 200 as expected",
    });
  });

  it("says what was expected and who demands it", ({ expect }) => {
    const result = judge(
      probeWith({ demandedBy: ["haproxy"] }),
      heard("HTTP/1.0 500 Oops\r\n\r\n"),
      "control",
    );
    expect([result.outcome, result.sentence]).toEqual([
      "fail",
      "OPTIONS without Host: answered 500, expected 200-399, which is what haproxy calls healthy",
    ]);
  });

  it.for([
    [{ header: { name: "allow", contains: "OPTIONS" } }, "pass", "as expected"],
    [{ header: { name: "Allow", contains: null } }, "pass", "as expected"],
    [{ header: { name: "Allow", contains: "PUT" } }, "fail", 'Allow does not hold "PUT"'],
    [{ header: { name: "Server", contains: null } }, "fail", "without the header Server"],
    [{ bodyContains: "well" }, "pass", "as expected"],
    [{ bodyContains: "ill" + "ness" }, "fail", 'the body does not hold "illness"'],
    [
      {
        status: [
          [500, 599],
          [200, 200],
        ],
      },
      "pass",
      "as expected",
    ],
  ] as const)("judges %j as %s", ([wanted, outcome, says], { expect }) => {
    const result = judge(probeWith({ expect: { ...expectation, ...wanted } }), heard(OK), "control");
    expect(result.outcome).toBe(outcome);
    expect(result.sentence).toContain(says);
  });

  it("compares the body as UTF-8", ({ expect }) => {
    const probe = probeWith({ expect: { ...expectation, bodyContains: "héllo" } });
    expect(judge(probe, heard("HTTP/1.1 200 OK\r\n\r\nh\xc3\xa9llo"), "control").outcome).toBe("pass");
    expect(judge(probe, heard("HTTP/1.1 200 OK\r\n\r\nh\xe9llo"), "control").outcome).toBe("fail");
  });

  it("says that only the beginning of a body was read", ({ expect }) => {
    const probe = probeWith({ expect: { ...expectation, bodyContains: "end" } });
    const result = judge(probe, heard("HTTP/1.1 200 OK\r\n\r\nxxxx", { end: "capped" }), "control");
    expect([result.outcome, result.evidence.fault]).toEqual(["fail", null]);
    expect(result.sentence).toContain("the first 4 bytes");
  });

  it("does not send to a service binding, and does not pass it", ({ expect }) => {
    const target = { kind: "unreachable", why: "binding:X is a service binding" } as const;
    const result = judge(probeWith({ target }), null, "control");
    expect([result.outcome, result.sentence, result.evidence.fault]).toEqual([
      "unreachable",
      "binding:X is a service binding",
      null,
    ]);
  });

  it("calls a probe that was never sent an error of ours", ({ expect }) => {
    expect(judge(probeWith(), null, "control").outcome).toBe("error");
  });

  it("says how to go on when nothing was heard", ({ expect }) => {
    const exchange = heard("", { end: "not-connected", fault: "connect-timeout" });
    const result = judge(probeWith(), exchange, "control");
    expect([result.outcome, result.evidence.fault]).toEqual(["unreachable", "connect-timeout"]);
    expect(result.sentence).toContain("--from here");
    expect(result.sentence).toContain("waive");
  });

  it("fails a good status whose body never ends as announced", ({ expect }) => {
    const result = judge(probeWith(), heard("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), "control");
    expect([result.outcome, result.evidence.status, result.evidence.fault]).toEqual([
      "fail",
      200,
      "body-cut",
    ]);
  });

  it("keeps secrets out of the evidence and the evidence small", ({ expect }) => {
    const sent =
      'GET / HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nCookie: sid=s3cret\r\nFirebreak: product=kiln, signature="s3cret"\r\n\r\n';
    const received = `HTTP/1.1 200 OK\r\nSet-Cookie: sid=s3cret\r\n\r\n${"\xff".repeat(10_000)}`;
    const { evidence } = judge(probeWith({ bytes: latin1Bytes(sent) }), heard(received), "control");
    expect(evidence.sent + evidence.received).not.toContain("s3cret");
    expect(evidence.sent).toContain("Authorization: (removed)");
    expect(evidence.received.length).toBeLessThanOrEqual(4096);
    expect(evidence.received).toContain(`(${received.length} bytes in all)`);
  });

  it.for([
    ["dns", "unreachable"],
    ["connect-timeout", "unreachable"],
    ["connect-failed", "unreachable"],
    ["refused", "fail"],
    ["tls", "fail"],
    ["reset", "fail"],
    ["no-answer", "fail"],
    ["obs-fold", "fail"],
    ["internal", "error"],
  ] as const satisfies readonly (readonly [ExchangeFault, string])[])(
    "makes of %s: %s",
    ([fault, outcome], { expect }) => {
      expect(outcomeOfFault(fault)).toBe(outcome);
    },
  );

  it("writes ranges as people do", ({ expect }) => {
    expect(
      formatRanges([
        [200, 200],
        [300, 399],
      ]),
    ).toBe("200, 300-399");
    expect(formatRanges([])).toContain("contradict");
  });
});
