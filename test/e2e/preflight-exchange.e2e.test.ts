/**
 * The raw exchange against origins that misbehave over real sockets, from Node and from workerd alike: what each fault is
 * called, what the judge makes of it, and that TLS is verified.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setDefaultCACertificates, getCACertificates } from "node:tls";
import { afterAll, beforeAll, describe, it } from "vitest";
import type {
  ExchangeEnd,
  ExchangeFault,
  Probe,
  ProbeOutcome,
  RawExchange,
} from "../../src/contracts/preflight.ts";
import { latin1Bytes } from "../../src/core/preflight/bytes.ts";
import { judge } from "../../src/core/preflight/judge.ts";
import { nodeRuntime, workerdRuntime, type ExchangeRuntime } from "../support/exchange-runtimes.ts";
import {
  refusedPort,
  startHangingAtConnect,
  startMisbehaving,
  startMisbehavingTls,
  type Misbehaviour,
} from "../support/misbehaving-origin.ts";

const TIMEOUT_MS = 1500;
const CAP_BYTES = 64 * 1024;
const HOSTLESS = "OPTIONS / HTTP/1.0\r\n\r\n";

interface Expected {
  readonly end: ExchangeEnd;
  readonly fault: ExchangeFault | null;
  readonly status: number | null;
  readonly outcome: ProbeOutcome;
}

const fine: Expected = { end: "complete", fault: null, status: 200, outcome: "pass" };
const faulty = (end: ExchangeEnd, fault: ExchangeFault, status: number | null): Expected => ({
  end,
  fault,
  status,
  outcome: "fail",
});

const CASES: Readonly<Record<Misbehaviour, Expected>> = {
  well: fine,
  "well-kept-open": fine,
  "well-chunked": fine,
  "well-to-close": { ...fine, end: "closed" },
  "well-after-interim": fine,
  "head-with-length": faulty("timeout", "body-timeout", 200),
  "server-error": { ...fine, status: 500, outcome: "fail" },
  "hangs-after-request": faulty("timeout", "no-answer", null),
  "hangs-in-headers": faulty("timeout", "headers-timeout", 200),
  "hangs-in-body": faulty("timeout", "body-timeout", 200),
  "closes-without-answer": faulty("closed", "closed-without-answer", null),
  "closes-in-headers": faulty("closed", "headers-cut", 200),
  "closes-in-body": faulty("closed", "body-cut", 200),
  "closes-in-chunk": faulty("closed", "body-cut", 200),
  resets: faulty("reset", "reset", null),
  "resets-in-body": faulty("reset", "reset", 200),
  "resets-in-chunks": faulty("reset", "reset", 200),
  "resets-before-close": faulty("reset", "reset", 200),
  "resets-in-events": faulty("reset", "reset", 200),
  "one-byte-a-second": faulty("timeout", "headers-timeout", null),
  "malformed-status-line": faulty("complete", "malformed-status-line", null),
  "not-http": faulty("complete", "malformed-status-line", null),
  "headers-of-200-kb": faulty("capped", "headers-too-large", 200),
  "duplicate-length": faulty("complete", "duplicate-length", 200),
  "length-and-chunked": faulty("complete", "length-and-chunked", 200),
  "obs-fold": faulty("complete", "obs-fold", 200),
  "space-before-colon": faulty("complete", "malformed-header", 200),
  "carriage-return-in-value": faulty("complete", "malformed-header", 200),
  "bad-chunk": faulty("complete", "bad-chunk", 200),
  "gzip-transfer": faulty("complete", "unknown-transfer-encoding", 200),
  "gzip-that-is-none": fine,
  "interim-flood": faulty("complete", "interim-flood", null),
  "endless-body": { ...fine, end: "capped" },
};

function probeAt(port: number, { text = HOSTLESS, tls = false, host = "127.0.0.1" } = {}): Probe {
  return {
    id: "options-hostless",
    title: "OPTIONS / HTTP/1.0 without Host",
    class: "none",
    cell: null,
    target: { kind: "socket", host, port, tls },
    bytes: latin1Bytes(text),
    expect: { status: [[200, 399]], header: null, bodyContains: null },
    why: "a test",
    demandedBy: [],
  };
}

async function send({ exchange }: ExchangeRuntime, probe: Probe): Promise<RawExchange> {
  if (probe.target.kind !== "socket") throw new Error("the probe has no target");
  const { host, port, tls } = probe.target;
  const limits = { timeoutMs: TIMEOUT_MS, capBytes: CAP_BYTES };
  return exchange({ host, port, tls, serverName: host, bytes: probe.bytes, ...limits });
}

/** A CA and two certificates for localhost: one that it signed, one that signed itself. */
function makeCertificates(folder: string): void {
  const run = (...args: string[]): void =>
    void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const name = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"];
  const key = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
  run("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
  run("req", "-x509", ...key, "-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=localhost", ...name);
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key"];
  run(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "good.key",
    "-out",
    "good.pem",
    "-subj",
    "/CN=localhost",
    ...name,
    ...signed,
  );
}

/** Everything else runs without it; in CI its absence is a failure. */
function opensslIsMissing(): boolean {
  if (process.env["CI"] !== undefined) return false;
  const missing = spawnSync("openssl", ["version"]).error !== undefined;
  if (missing) console.warn("openssl is not installed: the TLS tests of the raw exchange are skipped");
  return missing;
}

const withoutTls = opensslIsMissing();
const folder = mkdtempSync(join(tmpdir(), "firebreak-tls-"));
const certificate = (name: string): { key: string; cert: string } => ({
  key: readFileSync(join(folder, `${name}.key`), "utf8"),
  cert: readFileSync(join(folder, `${name}.pem`), "utf8"),
});

beforeAll(() => {
  if (withoutTls) return;
  makeCertificates(folder);
  setDefaultCACertificates([...getCACertificates("default"), certificate("ca").cert]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ["node", async () => nodeRuntime()],
  ["workerd", () => workerdRuntime(withoutTls ? null : join(folder, "ca.pem"))],
] as const)("raw exchange from %s", (name, start) => {
  let runtime: ExchangeRuntime;
  beforeAll(async () => {
    runtime = await start();
  });
  afterAll(() => runtime.stop());

  it.concurrent.for(Object.entries(CASES))(
    "tells what an origin did that is %s",
    async ([how, expected], { expect }) => {
      const origin = await startMisbehaving(how as Misbehaviour);
      const probe = probeAt(origin.port);
      const exchange = await send(runtime, probe);
      await origin.stop();
      const { outcome, evidence } = judge(probe, exchange, "control");
      expect({ end: exchange.end, fault: evidence.fault, status: evidence.status, outcome }).toEqual(
        expected,
      );
      expect(exchange.received.length).toBeLessThanOrEqual(CAP_BYTES);
      expect(exchange.ms).toBeLessThan(TIMEOUT_MS + 1000);
      expect(evidence.received.length).toBeLessThanOrEqual(4096);
    },
  );

  it.for([
    HOSTLESS,
    "OPTIONS / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
  ])("writes exactly the bytes of %j", async (text, { expect }) => {
    const origin = await startMisbehaving("well");
    await send(runtime, probeAt(origin.port, { text }));
    await origin.stop();
    expect(origin.heard).toEqual([text]);
  });

  it("ends the answer to HEAD with its headers, whatever length they announce", async ({ expect }) => {
    const origin = await startMisbehaving("head-with-length");
    const probe = probeAt(origin.port, { text: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" });
    const exchange = await send(runtime, probe);
    await origin.stop();
    expect([exchange.end, judge(probe, exchange, "control").outcome]).toEqual(["complete", "pass"]);
  });

  it("does not call a refused connection a pass", async ({ expect }) => {
    const probe = probeAt(await refusedPort());
    const { outcome, evidence } = judge(probe, await send(runtime, probe), "control");
    // workerd says the same of a refusal and of an address that it may not reach, so from there it is no failure.
    const expected = name === "node" ? ["fail", "refused"] : ["unreachable", "connect-failed"];
    expect([outcome, evidence.fault]).toEqual(expected);
  });

  it("gives up a connection that is never accepted", async ({ expect }) => {
    const origin = await startHangingAtConnect();
    const probe = probeAt(origin.port);
    const { outcome, evidence } = judge(probe, await send(runtime, probe), "control");
    await origin.stop();
    expect([outcome, evidence.fault]).toEqual(["unreachable", "connect-timeout"]);
  });

  it("says unreachable of a name that does not exist", async ({ expect }) => {
    const probe = probeAt(80, { host: "no-such-origin.invalid" });
    const { outcome } = judge(probe, await send(runtime, probe), "control");
    expect(outcome).toBe("unreachable");
  });

  it.skipIf(withoutTls)("talks TLS to a certificate of a trusted authority", async ({ expect }) => {
    const origin = await startMisbehavingTls("well", certificate("good"));
    const probe = probeAt(origin.port, { tls: true, host: "localhost" });
    const { outcome, evidence } = judge(probe, await send(runtime, probe), "control");
    await origin.stop();
    expect([outcome, evidence.fault]).toEqual(["pass", null]);
    expect(origin.heard).toEqual([HOSTLESS]);
  });

  const tlsCases = [
    ["a self-signed certificate", "self", "localhost"],
    ["a certificate of another name", "good", "127.0.0.1"],
  ] as const;
  it.skipIf(withoutTls).for(tlsCases)(
    "fails at %s and sends nothing",
    async ([, which, host], { expect }) => {
      const origin = await startMisbehavingTls("well", certificate(which));
      const probe = probeAt(origin.port, { tls: true, host });
      const { outcome, evidence } = judge(probe, await send(runtime, probe), "control");
      await origin.stop();
      expect([outcome, evidence.fault]).toEqual(["fail", "tls"]);
      expect(origin.heard).toEqual([]);
    },
  );

  it("fails at a port that takes the connection and never speaks TLS", async ({ expect }) => {
    const origin = await startMisbehaving("hangs-after-request");
    const probe = probeAt(origin.port, { tls: true, host: "localhost" });
    const { outcome, evidence } = judge(probe, await send(runtime, probe), "control");
    await origin.stop();
    expect([outcome, evidence.fault]).toEqual(["fail", "tls"]);
  });
});
