/**
 * Sends one call to a hook and says what was answered. It signs, limits time and size, follows no redirect, and decides
 * nothing: who is called and what an answer means is the engine's. Every failure is a value, `silent`, because nobody
 * knows whether the hook ran. Called by control's runner of hooks.
 */
import type { NamedKey } from "../contracts/env.ts";
import type { HookAnswer, HookCall } from "../contracts/move-data.ts";
import type { EpochMs } from "../contracts/units.ts";
import { HOOK_SIGNATURE_HEADER, signHook } from "../core/hook-signature.ts";
import { MAX_ANSWER_CHARS, parseHookAnswer } from "../core/rollout/data/hook-answer.ts";

/** Never rejects. */
export type SendHook = (call: HookCall) => Promise<HookAnswer>;

export interface HookSenderDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Null: nothing is sent, because receivers could not tell who calls. */
  readonly originKey: NamedKey | null;
  readonly nowMs: () => EpochMs;
}

/** Makes the sender of the control plane. */
export function createHookSender({ fetch, originKey, nowMs }: HookSenderDeps): SendHook {
  return async (call) => {
    if (originKey === null) return { kind: "silent", why: "there is no ORIGIN_KEY to sign it with" };
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), call.timeoutMs);
    try {
      const response = await fetch(call.url, {
        ...requestOf(call, originKey, nowMs()),
        signal: abort.signal,
      });
      return parseHookAnswer(response.status, await readBounded(response), nowMs());
    } catch {
      return {
        kind: "silent",
        why: abort.signal.aborted ? "did not answer in time" : "could not be reached",
      };
    } finally {
      clearTimeout(timer);
    }
  };
}

function requestOf({ url, body: what }: HookCall, key: NamedKey, timeMs: EpochMs): RequestInit {
  const { pathname, search } = new URL(url);
  const body = JSON.stringify(what);
  const signature = signHook(key, { method: "POST", path: `${pathname}${search}`, timeMs, body });
  return {
    method: "POST",
    redirect: "manual",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "Idempotency-Key": what.key,
      [HOOK_SIGNATURE_HEADER]: signature,
    },
    body,
  };
}

/** @returns null when there is more than an answer can have. */
async function readBounded(response: Response): Promise<string | null> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length <= MAX_ANSWER_CHARS) continue;
    await reader.cancel();
    return null;
  }
}
