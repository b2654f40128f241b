/** Signatures as a receiver checks them, with nothing of ours; and sending over a fetch that tests answer. */
import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import { createWebhookSender } from "../../../src/adapters/webhook-sender.ts";
import { wants } from "../../../src/core/webhooks/event.ts";
import { webhookHeaders } from "../../../src/core/webhooks/sign.ts";

const KEY = { kid: "1", secret: "origin-key-origin-key-origin-key" };
const REF = { name: "on-call", madeAt: 1000, key: 1 };
const NOW = Date.parse("2026-11-28T22:05:00Z");

function senderOf(answer: () => Promise<Response> | Response, key: typeof KEY | null = KEY) {
  const seen: Request[] = [];
  const sender = createWebhookSender({
    fetch: async (url, init) => {
      seen.push(new Request(url, init));
      return answer();
    },
    nowMs: () => NOW,
    key,
  });
  const send = (secrets = [REF]) =>
    sender.send({ url: "https://hooks.example.net/x", id: "7.ab", body: '{"a":"ü"}', secrets });
  return { seen, send, sender };
}

describe("the signature", () => {
  it("is that of Standard Webhooks' own example", ({ expect }) => {
    const secret = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
    const headers = webhookHeaders([secret], {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      nowMs: 1614265330_000,
      body: '{"test": 2432232314}',
    });
    expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    expect(headers["webhook-timestamp"]).toBe("1614265330");
  });

  it("holds for a receiver that has the secret as it was shown, one of each secret", async ({ expect }) => {
    const { seen, send, sender } = senderOf(() => new Response(null, { status: 204 }));
    const other = { ...REF, key: 2 };
    expect(await send([other, REF])).toEqual({ taken: true });
    const [request] = seen;
    const body = (await request?.text()) ?? "";
    const signatures = request?.headers.get("webhook-signature")?.split(" ");
    const expected = [other, REF].map((ref) => {
      const text = sender.secret(ref) ?? "";
      expect(text).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      const bytes = Buffer.from(text.slice("whsec_".length), "base64");
      return `v1,${createHmac("sha256", bytes)
        .update(`7.ab.${NOW / 1000}.${body}`)
        .digest("base64")}`;
    });
    expect(signatures).toEqual(expected);
    expect(new Set(expected).size).toBe(2);
  });

  it("is another for another name, making and origin key, and says nothing of the key", ({ expect }) => {
    const { sender } = senderOf(() => new Response());
    const foreign = createWebhookSender({
      fetch: async () => new Response(),
      nowMs: () => NOW,
      key: { ...KEY, secret: "another" },
    });
    const all = [
      sender.secret(REF),
      sender.secret({ ...REF, name: "b" }),
      sender.secret({ ...REF, madeAt: 1001 }),
      foreign.secret(REF),
    ];
    expect(new Set(all).size).toBe(4);
    expect(all.join()).not.toContain(KEY.secret);
  });
});

describe("sending", () => {
  it("follows no redirect, and says how it failed and when to come again", async ({ expect }) => {
    const moved = senderOf(
      () => new Response(null, { status: 302, headers: { location: "http://169.254.0.1" } }),
    );
    expect(await moved.send()).toEqual({ taken: false, problem: "answered 302", retryAfterMs: null });
    expect(moved.seen[0]?.redirect).toBe("manual");
    const busy = senderOf(() => new Response("no", { status: 429, headers: { "retry-after": "120" } }));
    expect(await busy.send()).toEqual({ taken: false, problem: "answered 429", retryAfterMs: 120_000 });
    const gone = senderOf(() => Promise.reject(new Error("connection refused")));
    expect(await gone.send()).toMatchObject({ problem: "could not be reached (connection refused)" });
    const unsigned = senderOf(() => new Response(), null);
    expect(await unsigned.send()).toMatchObject({
      taken: false,
      problem: expect.stringContaining("ORIGIN_KEY"),
    });
    expect(unsigned.seen).toEqual([]);
  });
});

describe("wants", () => {
  it.for([
    ["*", "halt.set", true],
    ["halt.set", "halt.set", true],
    ["halt.set", "halt.settle", false],
    ["rollout.*", "rollout.phase", true],
    ["rollout.*", "rollouts.phase", false],
    ["account.*", "account.pin.set", true],
  ] as const)("%s of %s: %s", ([pattern, action, is], { expect }) => {
    expect(wants([pattern], action)).toBe(is);
  });
});
