/**
 * Health checks as load balancers spell them, in raw bytes over a front socket: answered by the router alone, also by a
 * node that has just started and whose KV, objects, cache and origins are all gone. This is the incident's own test.
 */
import { afterAll, beforeAll, describe, it } from "vitest";
import { WELL } from "../../scripts/local/demo/faults.ts";
import type { Instance } from "../../scripts/local/instance.ts";
import { NODE_BINDINGS, type FaultMode } from "../../scripts/local/node-actions.ts";
import { startTestInstance } from "../support/local-instance.ts";
import { request, sendRaw } from "../support/raw-http.ts";

/** Local and slow machines included; a check that waited for anything would take the reader's 250 ms and more. */
const HEALTH_WITHIN_MS = 200;
const TRIES = 5;

const CHECKS: readonly (readonly [who: string, bytes: string])[] = [
  ["HAProxy, bare option httpchk: OPTIONS / HTTP/1.0 without Host", request("OPTIONS / HTTP/1.0")],
  ["OPTIONS / HTTP/1.1 without Host", request("OPTIONS / HTTP/1.1")],
  ["OPTIONS / with an empty Host", request("OPTIONS / HTTP/1.1", "Host:")],
  ["OPTIONS / with a blank Host", request("OPTIONS / HTTP/1.1", "Host:  ")],
  ["OPTIONS * with a Host", request("OPTIONS * HTTP/1.1", "Host: acme.kiln.localhost")],
  ["OPTIONS * without Host", request("OPTIONS * HTTP/1.0")],
  ["a classic ELB: GET / HTTP/1.0 without Host", request("GET / HTTP/1.0")],
  ["an ALB or kubelet: GET / with an IP as Host", request("GET / HTTP/1.1", "Host: 10.0.0.7:80")],
  ["HEAD / HTTP/1.0 without Host", request("HEAD / HTTP/1.0")],
  ["GET / with an IPv6 address as Host", request("GET / HTTP/1.1", "Host: [fd00::7]:80")],
  [
    "OPTIONS with an admin's name in the path and an empty Host",
    request("OPTIONS /localhost/x HTTP/1.1", "Host:"),
  ],
  ["OPTIONS at the admin host", request("OPTIONS / HTTP/1.1", "Host: localhost")],
  ["OPTIONS at a host that is nobody's", request("OPTIONS / HTTP/1.1", "Host: elsewhere.example")],
  ["OPTIONS at the apex of a base domain", request("OPTIONS / HTTP/1.1", "Host: kiln.localhost")],
  ["OPTIONS at somebody's own domain", request("OPTIONS / HTTP/1.1", "Host: code.acme.example")],
];

describe("a front socket", () => {
  let instance: Instance;

  beforeAll(async () => {
    instance = await startTestInstance();
  });
  afterAll(async () => {
    await instance?.stop();
  });

  const received = (): number => instance.origins.reduce((sum, origin) => sum + origin.received(), 0);

  it.for(CHECKS)("answers %s", async ([, bytes], { expect }) => {
    const before = received();
    for (const port of instance.ports) {
      const answer = await sendRaw({ port, bytes });
      const isOptions = bytes.startsWith("OPTIONS");
      expect(answer.status).toBe(isOptions ? 204 : 200);
      expect(answer.header("cache-control")).toContain("no-store");
      if (isOptions) expect(answer.header("allow")).toContain("OPTIONS");
      if (bytes.startsWith("GET")) expect(answer.body.trim()).toBe("ok");
      if (bytes.startsWith("HEAD")) expect(answer.body).toBe("");
    }
    expect(received()).toBe(before);
  });

  it("keeps an HTTP/1.0 connection that asks for it, and answers on it again", async ({ expect }) => {
    const one = request("OPTIONS / HTTP/1.0", "Connection: keep-alive");
    const answer = await sendRaw({
      port: instance.ports[0] ?? 0,
      bytes: one + request("OPTIONS / HTTP/1.0"),
    });
    expect(answer.status).toBe(204);
  });

  it.for<FaultMode>(["throw", "hang"])(
    "answers every check on a cold node when KV, objects, cache (%s) and origins fail",
    async (mode, { expect }) => {
      const port = instance.ports[0] ?? 0;
      await Promise.all(instance.origins.map((origin) => origin.setFaults({ ...WELL, refuse: true })));
      for (const binding of NODE_BINDINGS) await instance.nodes.act(1, { action: binding, mode });
      for (const [who, bytes] of CHECKS) {
        await instance.nodes.act(1, { action: "restart" });
        const times: number[] = [];
        for (let attempt = 0; attempt < TRIES; attempt++) {
          const startedAt = performance.now();
          const { status } = await sendRaw({ port, bytes });
          times.push(performance.now() - startedAt);
          expect([200, 204], who).toContain(status);
        }
        expect(Math.min(...times), `${who} waits for something`).toBeLessThan(HEALTH_WITHIN_MS);
      }
      for (const binding of NODE_BINDINGS) await instance.nodes.act(1, { action: binding, mode: "ok" });
      await Promise.all(instance.origins.map((origin) => origin.setFaults(WELL)));
    },
  );

  it("serves accounts again when the faults are gone", async ({ expect }) => {
    await instance.nodes.act(1, { action: "restart" });
    const bytes = request("GET / HTTP/1.1", "Host: acme.kiln.localhost");
    const answer = await sendRaw({ port: instance.ports[0] ?? 0, bytes });
    expect(answer.status).toBe(200);
    expect(answer.header("demo-version")).toBe("kiln/2.8.0");
  });
});
