import { describe, it } from "vitest";
import { PRESETS, type OwnProbe, type Probe, type ProbeClass } from "../../../src/contracts/preflight.ts";
import { latin1Text } from "../../../src/core/preflight/bytes.ts";
import { probesFor, type MatrixInput } from "../../../src/core/preflight/matrix.ts";
import { PRESET_DATA } from "../../../src/core/preflight/presets.ts";

const input: MatrixInput = {
  product: "kiln",
  version: "2.9.0",
  origin: "https://kiln-2-9-0.origins.example.net",
  domains: ["kiln.example.com"],
  syntheticAccount: "probe",
  syntheticByCell: {},
  cells: [],
  presets: [],
  own: [],
  routerHeader: null,
};

const own: OwnProbe = {
  id: "own-login",
  title: "Login page",
  class: "known",
  why: "People log in",
  request: {
    kind: "request",
    method: "POST",
    target: "/login",
    httpVersion: "1.1",
    host: "acme.{domain}",
    headers: [["Content-Type", "text/plain"]],
    body: "hé",
  },
  expect: { status: [[200, 299]], header: null, bodyContains: null },
};

function textOf(probes: readonly Probe[], id: string): string {
  const probe = probes.find((candidate) => candidate.id === id);
  return probe === undefined ? "(no such probe)" : latin1Text(probe.bytes);
}

describe("probesFor", () => {
  it("sends what load balancers send, to the byte", ({ expect }) => {
    const probes = probesFor(input);
    expect(textOf(probes, "options-hostless")).toBe("OPTIONS / HTTP/1.0\r\n\r\n");
    expect(textOf(probes, "options-empty-host")).toBe(
      "OPTIONS / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    );
    expect(textOf(probes, "options-asterisk")).toBe(
      "OPTIONS * HTTP/1.1\r\nHost: kiln-2-9-0.origins.example.net\r\nConnection: close\r\n\r\n",
    );
    expect(textOf(probes, "get-hostless")).toBe(
      "GET / HTTP/1.0\r\nUser-Agent: ELB-HealthChecker/1.0\r\n\r\n",
    );
    expect(textOf(probes, "get-ip")).toContain("GET / HTTP/1.1\r\nHost: 10.0.0.10\r\n");
    expect(textOf(probes, "head-ip")).toContain("HEAD / HTTP/1.1\r\nHost: 10.0.0.10\r\n");
  });

  it("asks for accounts as the router forwards them", ({ expect }) => {
    const probes = probesFor(input);
    const known = textOf(probes, "known-account");
    expect(known).toContain("\r\nHost: kiln-2-9-0.origins.example.net\r\n");
    expect(known).toContain("\r\nX-Forwarded-Host: probe.kiln.example.com\r\n");
    expect(known).toContain(
      '\r\nFirebreak: product=kiln, account=probe, version="2.9.0", request="preflight"\r\n',
    );
    const unknown = textOf(probes, "unknown-account");
    expect(unknown).toContain(
      "\r\nX-Forwarded-Host: firebreak-preflight-no-such-account.kiln.example.com\r\n",
    );
    expect(unknown).toContain('\r\nFirebreak: product=kiln, version="2.9.0", request="preflight"\r\n');
    expect(textOf(probes, "cors-preflight")).toContain("\r\nAccess-Control-Request-Method: POST\r\n");
  });

  it("quotes an account that starts with a digit, which is no token", ({ expect }) => {
    expect(textOf(probesFor({ ...input, syntheticAccount: "7up" }), "known-account")).toContain(
      ', account="7up",',
    );
  });

  it("uses the caller's Firebreak header, so that it can be signed", ({ expect }) => {
    const probes = probesFor({
      ...input,
      routerHeader: ({ host, account }) => `${account ?? "-"} at ${host}`,
    });
    expect(textOf(probes, "known-account")).toContain("\r\nFirebreak: probe at probe.kiln.example.com\r\n");
    expect(textOf(probes, "unknown-apex")).toContain("\r\nFirebreak: - at kiln.example.com\r\n");
  });

  it("covers every class with a synthetic account, and all but known without one", ({ expect }) => {
    const classes = (probes: readonly Probe[]): Set<ProbeClass> =>
      new Set(probes.map((probe) => probe.class));
    expect(classes(probesFor(input))).toEqual(
      new Set(["none", "ip", "unknown", "known", "malformed", "asterisk"]),
    );
    expect(classes(probesFor({ ...input, syntheticAccount: null }))).toEqual(
      new Set(["none", "ip", "unknown", "malformed", "asterisk"]),
    );
  });

  it("refuses no answer below 500 to who names no account", ({ expect }) => {
    const statuses = probesFor(input)
      .filter((probe) => probe.class !== "known")
      .map((probe) => probe.expect.status);
    expect(new Set(statuses.map((ranges) => JSON.stringify(ranges)))).toEqual(new Set(["[[200,499]]"]));
  });

  it.for([
    ["haproxy", "options-hostless", [[200, 399]]],
    ["elb-classic", "get-hostless", [[200, 200]]],
    ["alb", "get-ip-aws", [[200, 200]]],
    ["nlb", "get-ip-aws", [[200, 399]]],
    ["gclb", "get-ip-gclb", [[200, 200]]],
    ["kubelet", "get-ip-kubelet", [[200, 399]]],
    ["cloudflare-lb", "get-ip-cloudflare", [[200, 299]]],
  ] as const)("expects of %s what it calls healthy", ([preset, id, status], { expect }) => {
    const probes = probesFor({ ...input, presets: [preset] });
    const demanded = probes.filter(({ demandedBy }) => demandedBy.length > 0);
    expect(demanded.map((probe) => [probe.id, probe.demandedBy, probe.expect.status])).toEqual([
      [id, [preset], status],
    ]);
  });

  it("narrows to what all chosen load balancers call healthy", ({ expect }) => {
    const probe = probesFor({ ...input, presets: ["alb", "nlb"] }).find(({ id }) => id === "get-ip-aws");
    expect([probe?.demandedBy, probe?.expect.status]).toEqual([["alb", "nlb"], [[200, 200]]]);
  });

  it("has a probe for every preset, and data for it", ({ expect }) => {
    for (const preset of PRESETS) {
      expect(PRESET_DATA[preset].healthy.length).toBeGreaterThan(0);
      expect(
        probesFor({ ...input, presets: [preset] }).some((probe) => probe.demandedBy.includes(preset)),
      ).toBe(true);
    }
  });

  it("gives every probe an id of its own and a reason", ({ expect }) => {
    const probes = probesFor({
      ...input,
      presets: PRESETS,
      own: [own],
      origin: "https://{cell}.example.net",
      cells: ["eu1", "us1"],
    });
    expect(new Set(probes.map(({ id }) => id)).size).toBe(probes.length);
    expect(probes.every(({ why, title }) => why !== "" && title !== "")).toBe(true);
  });

  it("probes every cell at its own server, with its own account", ({ expect }) => {
    const probes = probesFor({
      ...input,
      origin: "http://kiln-{cell}.example.net:8080",
      cells: ["eu1", "us1"],
      syntheticByCell: { us1: "probe-us" },
    });
    const hosts = probes
      .filter(({ id }) => id.startsWith("known-account@"))
      .map(({ id, cell, target }) => ({ id, cell, target }));
    expect(hosts).toEqual([
      {
        id: "known-account@eu1",
        cell: "eu1",
        target: { kind: "socket", host: "kiln-eu1.example.net", port: 8080, tls: false },
      },
      {
        id: "known-account@us1",
        cell: "us1",
        target: { kind: "socket", host: "kiln-us1.example.net", port: 8080, tls: false },
      },
    ]);
    expect(textOf(probes, "known-account@eu1")).toContain("account=probe,");
    expect(textOf(probes, "known-account@us1")).toContain("account=probe-us,");
  });

  it("asks once whatever the cells when the origin has none", ({ expect }) => {
    const probes = probesFor({ ...input, cells: ["eu1", "us1"] });
    expect(probes.every(({ cell }) => cell === null)).toBe(true);
  });

  it("puts the origin's own address and port into Host when it is one", ({ expect }) => {
    expect(textOf(probesFor({ ...input, origin: "http://127.0.0.1:9001" }), "get-ip")).toContain(
      "Host: 127.0.0.1:9001\r\n",
    );
  });

  it.for([
    ["binding:KILN_290", [], "service binding"],
    ["https://kiln.{cell}.example.net", [], "needs a cell"],
  ] as const)("has no target at %s and says what to do", ([origin, cells, says], { expect }) => {
    const probes = probesFor({ ...input, origin, cells });
    expect(probes.length).toBeGreaterThan(10);
    for (const { target } of probes) {
      expect(target.kind).toBe("unreachable");
      expect(target.kind === "unreachable" ? target.why : "").toContain(says);
      expect(target.kind === "unreachable" ? target.why : "").toContain("waive the probe by name");
    }
  });

  it("builds own requests with the placeholders and the length filled in", ({ expect }) => {
    expect(textOf(probesFor({ ...input, own: [own] }), "own-login")).toBe(
      "POST /login HTTP/1.1\r\nHost: acme.kiln.example.com\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 3\r\n\r\nh\xc3\xa9",
    );
  });

  it("sends a raw own probe as it is", ({ expect }) => {
    const text = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\x00\xff\r\n\r\n";
    const probes = probesFor({ ...input, own: [{ ...own, request: { kind: "raw", text } }] });
    expect(textOf(probes, "own-login")).toBe(text);
  });

  it("throws for an own probe that would smuggle, which the API never stores", ({ expect }) => {
    const bad: OwnProbe = {
      ...own,
      request: {
        kind: "request",
        method: "GET",
        target: "/",
        httpVersion: "1.1",
        host: "a\r\nX: y",
        headers: [],
        body: null,
      },
    };
    expect(() => probesFor({ ...input, own: [bad] })).toThrow(RangeError);
  });
});
