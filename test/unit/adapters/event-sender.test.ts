/** Sending one event: what goes over the wire, that its signature can be verified, and what counts as taken. */
import { createHmac } from "node:crypto";
import { parseDictionary } from "structured-headers";
import { describe, it } from "vitest";
import { createEventSender } from "../../../src/adapters/event-sender.ts";
import type { SenderDeps } from "../../../src/adapters/post-event.ts";

const EVENT = {
  url: "https://kiln.origins.example.net/events",
  id: "7.kiln.1",
  body: '{"id":"7.kiln.1","é":1}',
};
const KEY = { kid: "2026-11", secret: "0123456789abcdef" };
const NOW = Date.parse("2026-11-23T12:00:00.900Z");

function sender(answer: () => Promise<Response>, more: Partial<SenderDeps> = {}) {
  const requests: Request[] = [];
  const send = createEventSender({
    fetch: (url, init) => {
      requests.push(new Request(url, init));
      return answer();
    },
    nowMs: () => NOW,
    key: KEY,
    ...more,
  });
  return { send, requests };
}

const taken = async (): Promise<Response> => new Response(null, { status: 204 });

describe("an event that is sent", () => {
  it("carries a signature that its receiver can compute from the bytes it got", async ({ expect }) => {
    const { send, requests } = sender(taken);
    expect(await send(EVENT)).toEqual({ taken: true });
    const [request] = requests;
    const headers = request?.headers ?? new Headers();
    const bytes = new Uint8Array((await request?.arrayBuffer()) ?? new ArrayBuffer());
    const said = parseDictionary(headers.get("firebreak-signature") ?? "");
    const time = Number(said.get("time")?.[0]);
    const id = headers.get("idempotency-key") ?? "";
    const expected = createHmac("sha256", KEY.secret)
      .update(`${id}\n${time}\n`)
      .update(bytes)
      .digest("base64");
    expect([request?.method, request?.url, headers.get("content-type")]).toEqual([
      "POST",
      EVENT.url,
      "application/cloudevents+json; charset=utf-8",
    ]);
    const signature = said.get("signature")?.[0];
    expect(signature instanceof ArrayBuffer && Buffer.from(signature).toString("base64")).toBe(expected);
    expect([time, id, said.get("key")?.[0]]).toEqual([Math.floor(NOW / 1000), EVENT.id, KEY.kid]);
  });

  it("is taken by any 2xx and by nothing else, with the pause that was asked for", async ({ expect }) => {
    const answers = await Promise.all(
      [
        new Response("ok"),
        new Response(null, { status: 301, headers: { location: "https://elsewhere.test" } }),
        new Response("", { status: 503, headers: { "retry-after": "120" } }),
        new Response("", { status: 429, headers: { "retry-after": "Mon, 23 Nov 2026 12:01:00 GMT" } }),
        new Response("", { status: 404, headers: { "retry-after": "soon" } }),
      ].map((response) => sender(async () => response).send(EVENT)),
    );
    expect(answers).toEqual([
      { taken: true },
      { taken: false, problem: "answered 301", retryAfterMs: null },
      { taken: false, problem: "answered 503", retryAfterMs: 120_000 },
      { taken: false, problem: "answered 429", retryAfterMs: 59_100 },
      { taken: false, problem: "answered 404", retryAfterMs: null },
    ]);
  });

  it("is a failure in words where nobody answers, in time, or where it could not be signed", async ({
    expect,
  }) => {
    const refused = await sender(() => Promise.reject(new TypeError("connection refused"))).send(EVENT);
    expect(refused).toMatchObject({ taken: false, problem: "could not be reached (connection refused)" });
    const late = createEventSender({
      fetch: (_url, init) =>
        new Promise((_resolve, reject) => {
          init.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error));
        }),
      nowMs: () => NOW,
      key: KEY,
      timeoutMs: 10,
    });
    expect(await late(EVENT)).toMatchObject({ taken: false, problem: "no answer within 0.01 s" });
    const { send, requests } = sender(taken, { key: null });
    expect(await send(EVENT)).toMatchObject({ taken: false, problem: expect.stringContaining("ORIGIN_KEY") });
    expect(requests).toEqual([]);
  });
});
