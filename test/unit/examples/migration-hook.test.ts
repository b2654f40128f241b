/** The example of a migration hook that people copy: signed calls alone, each key once, and nothing after an undo. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "vitest";
import { createHookServer } from "../../../scripts/examples/migration-hook.ts";
import type { HookBody } from "../../../src/contracts/move-data.ts";
import { HOOK_SIGNATURE_HEADER, signHook } from "../../../src/core/hook-signature.ts";
import { parseHookAnswer } from "../../../src/core/rollout/data/hook-answer.ts";

const KEY = { kid: "1", secret: "a-secret-of-the-origins-32-bytes" };
const CALL: HookBody = {
  key: "autumn/1/prepare/acme",
  rollout: "autumn",
  fence: 1,
  step: "prepare",
  product: "kiln",
  from: "2.8.0",
  to: "2.9.0",
  cell: null,
  accounts: ["acme"],
};

interface Hook {
  /** What was done, in order. */
  readonly log: string[];
  readonly send: (
    change?: Partial<HookBody>,
    how?: { ageMs?: number; secret?: string },
  ) => ReturnType<typeof sendTo>;
}

async function withHook(run: (hook: Hook) => Promise<void>): Promise<void> {
  const log: string[] = [];
  const note =
    (step: string) =>
    async (account: string): Promise<void> => {
      if (account === "full") throw new Error("no room");
      log.push(`${step} ${account}`);
    };
  const work = { prepare: note("prepare"), verify: note("verify"), undo: note("undo") };
  const server = createHookServer({ secret: KEY.secret, work }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prepare?of=kiln`;
  try {
    await run({ log, send: (...rest) => sendTo(url, ...rest) });
  } finally {
    server.close();
  }
}

async function sendTo(
  url: string,
  change: Partial<HookBody> = {},
  { ageMs = 0, secret = KEY.secret } = {},
): Promise<{ status: number; answer: ReturnType<typeof parseHookAnswer> }> {
  const body = JSON.stringify({ ...CALL, ...change });
  const timeMs = Date.now() - ageMs;
  const signature = signHook({ ...KEY, secret }, { method: "POST", path: "/prepare?of=kiln", timeMs, body });
  const headers = { [HOOK_SIGNATURE_HEADER]: signature };
  const response = await fetch(url, { method: "POST", body, headers });
  return { status: response.status, answer: parseHookAnswer(response.status, await response.text(), timeMs) };
}

describe("the example of a migration hook", () => {
  it("does what a signed call asks, once for its key", async ({ expect }) => {
    await withHook(async ({ log, send }) => {
      expect((await send()).answer).toEqual({ kind: "done" });
      expect((await send()).answer).toEqual({ kind: "done" });
      expect((await send({ key: "v", step: "verify" })).answer).toEqual({ kind: "done" });
      expect(log).toEqual(["prepare acme", "verify acme"]);
    });
  });

  it("says why it failed", async ({ expect }) => {
    await withHook(async ({ send }) => {
      const { answer } = await send({ accounts: ["full"] });
      expect(answer).toEqual({ kind: "failed", why: "no room" });
    });
  });

  it("prepares nothing after an undo, and does nothing for a batch that is over", async ({ expect }) => {
    await withHook(async ({ log, send }) => {
      await send({ key: "u", step: "undo", fence: 2 });
      expect((await send({ key: "p2", fence: 2 })).answer.kind).toBe("failed");
      expect((await send({ key: "p1", fence: 1 })).answer.kind).toBe("failed");
      expect((await send({ key: "u1", step: "undo", fence: 1 })).answer.kind).toBe("done");
      expect((await send({ key: "p3", fence: 3 })).answer.kind).toBe("done");
      expect(log).toEqual(["undo acme", "prepare acme"]);
    });
  });

  it("refuses what is unsigned, signed by somebody else, or old", async ({ expect }) => {
    await withHook(async ({ log, send }) => {
      expect((await send({}, { secret: "another" })).status).toBe(401);
      expect((await send({}, { ageMs: 400_000 })).status).toBe(401);
      expect(log).toEqual([]);
    });
  });
});
