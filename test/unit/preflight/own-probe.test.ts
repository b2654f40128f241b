import { describe, it } from "vitest";
import {
  OwnProbeSchema,
  PreflightReportSchema,
  PreflightSettingsSchema,
} from "../../../src/contracts/api/preflight.ts";
import {
  MAX_OWN_BYTES,
  refuseOwnProbe,
  type OwnProbe,
  type OwnRequest,
} from "../../../src/contracts/preflight.ts";

const plain = {
  kind: "request",
  method: "GET",
  target: "/",
  httpVersion: "1.1",
  host: "a.example.com",
  headers: [],
  body: null,
} as const;

function probeWith(request: Partial<typeof plain> | object): OwnProbe {
  return {
    id: "own-x",
    title: "x",
    class: "unknown",
    why: "x",
    request: { ...plain, ...request } as OwnRequest,
    expect: { status: [[200, 499]], header: null, bodyContains: null },
  };
}

describe("refuseOwnProbe", () => {
  it.for([
    {},
    { host: null },
    { host: "" },
    { host: "[2001:db8::1]:80" },
    { host: "a, b" },
    { target: "*" },
    { method: "PROPFIND" },
    { headers: [["X-A", "ü"]] },
  ])("lets %j past", (request, { expect }) => {
    expect(refuseOwnProbe(probeWith(request))).toBeNull();
  });

  it.for([
    [{ host: "a\r\nX-Forwarded-Host: admin" }, "host"],
    [{ host: "a\nb" }, "host"],
    [{ host: "a\u010ab" }, "host"],
    [{ target: "/ HTTP/1.1\r\nHost: b" }, "target"],
    [{ target: "/a b" }, "target"],
    [{ target: "" }, "target"],
    [{ method: "GET /" }, "method"],
    [{ headers: [["X", "a\r\nY: b"]] }, "header X"],
    [{ headers: [["X\r\nY", "a"]] }, "no token"],
    [{ headers: [["X", "a\0"]] }, "header X"],
    [{ headers: [["host", "b"]] }, "set by the probe itself"],
    [{ headers: [["Content-Length", "5"]] }, "set by the probe itself"],
    [{ headers: [["Transfer-Encoding", "chunked"]] }, "set by the probe itself"],
    [{ body: "x".repeat(MAX_OWN_BYTES + 1) }, "below"],
    [{ headers: [["X", "x".repeat(MAX_OWN_BYTES)]] }, "below"],
  ] as const)("refuses %j", ([request, says], { expect }) => {
    expect(refuseOwnProbe(probeWith(request))).toContain(says);
  });

  it("lets a raw probe hold anything but what is no byte, up to its size", ({ expect }) => {
    expect(refuseOwnProbe({ ...probeWith({}), request: { kind: "raw", text: "\r\n\0\xff" } })).toBeNull();
    expect(refuseOwnProbe({ ...probeWith({}), request: { kind: "raw", text: "\u0100" } })).toContain(
      "U+00FF",
    );
    expect(refuseOwnProbe({ ...probeWith({}), request: { kind: "raw", text: "" } })).toContain("bytes");
    expect(
      refuseOwnProbe({ ...probeWith({}), request: { kind: "raw", text: "x".repeat(MAX_OWN_BYTES + 1) } }),
    ).toContain("bytes");
  });

  it("refuses ids that could be taken for a built-in probe", ({ expect }) => {
    expect(refuseOwnProbe({ ...probeWith({}), id: "unknown-account" })).toContain("own-");
    expect(refuseOwnProbe({ ...probeWith({}), id: "own-x@eu1" })).toContain("own-");
  });

  it.for([[[[399, 200]]], [[[0, 200]]], [[[200, 600]]], [[]]] as const)(
    "refuses the status ranges %j",
    ([status], { expect }) => {
      const expectation = {
        status: status as unknown as OwnProbe["expect"]["status"],
        header: null,
        bodyContains: null,
      };
      expect(refuseOwnProbe({ ...probeWith({}), expect: expectation })).toContain("expect.status");
    },
  );
});

describe("OwnProbeSchema", () => {
  const wire = {
    id: "own-x",
    title: "x",
    class: "ip",
    why: "x",
    request: { kind: "request", host: null },
    expect: { status: ["200", "3xx", "400-404"] },
  };

  it("reads ranges and fills in what was left out", ({ expect }) => {
    const parsed = OwnProbeSchema.parse(wire);
    expect(parsed.expect).toEqual({
      status: [
        [200, 200],
        [300, 399],
        [400, 404],
      ],
      header: null,
      bodyContains: null,
    });
    expect(parsed.request).toEqual({ ...plain, host: null });
  });

  it("refuses what refuseOwnProbe refuses, and unknown fields", ({ expect }) => {
    expect(OwnProbeSchema.safeParse({ ...wire, request: { kind: "request", host: "a\r\nb" } }).success).toBe(
      false,
    );
    expect(OwnProbeSchema.safeParse({ ...wire, expect: { status: ["404-200"] } }).success).toBe(false);
    expect(OwnProbeSchema.safeParse({ ...wire, extra: 1 }).success).toBe(false);
  });

  it("takes settings with defaults, and no two own probes of one id", ({ expect }) => {
    expect(PreflightSettingsSchema.parse({})).toEqual({
      presets: ["haproxy"],
      syntheticAccount: null,
      syntheticByCell: {},
      cells: [],
      own: [],
    });
    expect(PreflightSettingsSchema.safeParse({ own: [wire, wire] }).success).toBe(false);
  });
});

const ORIGIN = "https://kiln-2-9-0.origins.example.net";

describe("PreflightReportSchema", () => {
  it("takes results from a command line as such, and never as the control plane's", ({ expect }) => {
    const evidence = { sent: "x", received: "y", status: 200, ms: 1, fault: null, from: "here" };
    const result = {
      id: "get-ip@eu1",
      title: "x",
      class: "ip",
      cell: "eu1",
      outcome: "pass",
      evidence,
      sentence: "x",
    };
    expect(PreflightReportSchema.safeParse({ origin: ORIGIN, results: [result] }).success).toBe(true);
    const forged = { ...result, evidence: { ...evidence, from: "control" } };
    expect(PreflightReportSchema.safeParse({ origin: ORIGIN, results: [forged] }).success).toBe(false);
  });
});
