/**
 * Notes what the admin surface of this isolate refused, for the audit: counted here by kind, source and person, and handed
 * to the control plane at most every other second, so that a flood of refusals is a trickle there. It must not keep or
 * send anything that opens something. Owned by the composition root; called by the API's handler and the dashboard.
 * Posture: open; what cannot be handed over is tried again with the next refusal and never holds a request up.
 */
import type { Clock } from "../adapters/clock.ts";
import type { Logger } from "../adapters/logger.ts";
import type { TrustedProxy } from "../contracts/env.ts";
import { MANY, type RefusedAttempts, type RefusedKind } from "../contracts/refused.ts";
import type { EpochMs } from "../contracts/units.ts";
import { clientKey } from "./client-key.ts";
import type { AdminContext } from "./deps.ts";

const FLUSH_EVERY_MS = 2_000;
/** Told apart between two flushes; with one more for each kind it stays below MAX_REFUSED_BATCH. */
const MAX_KEYS = 30;
/** A flush that was to come and has not for this long was lost with the request it hung on. */
const LOST_AFTER_MS = 15_000;

/** One refused attempt. */
export interface Attempt {
  readonly kind: RefusedKind;
  readonly request: Request;
  /** Who it was, as far as that is known. */
  readonly actor: { readonly name: string; readonly role: string } | null;
  /** What was tried: an operation's id, or the path of a form. */
  readonly operation: string;
}

export interface RefusalNotes {
  note(attempt: Attempt, context: AdminContext): void;
}

interface Parts {
  readonly send: (attempts: readonly RefusedAttempts[]) => Promise<void>;
  readonly trustedProxy: TrustedProxy;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Builds the notes of one isolate; its memory is bounded. */
export function createRefusalNotes({ send, trustedProxy, clock, logger }: Parts): RefusalNotes {
  let pending = new Map<string, RefusedAttempts>();
  let sentAtMs: EpochMs | null = null;
  let awaitedSinceMs: EpochMs | null = null;

  function count(attempts: RefusedAttempts): void {
    const key = keyOf(attempts);
    const held = pending.get(key);
    if (held === undefined && pending.size >= MAX_KEYS && attempts.source !== MANY) {
      count({ ...attempts, source: MANY, who: null });
      return;
    }
    pending.set(key, { ...attempts, count: attempts.count + (held?.count ?? 0) });
  }

  async function flush(): Promise<void> {
    const batch = [...pending.values()];
    pending = new Map();
    sentAtMs = clock.nowMs();
    awaitedSinceMs = null;
    if (batch.length === 0) return;
    try {
      await send(batch);
    } catch (cause) {
      for (const attempts of batch) count(attempts);
      logger.line("admin.refusals-not-noted", {
        kinds: batch.length,
        cause: cause instanceof Error ? cause.message : String(cause),
      });
    }
  }

  return {
    note({ kind, request, actor, operation }, { waitUntil }) {
      const nowMs = clock.nowMs();
      const who = actor === null ? null : { name: actor.name, role: actor.role };
      const source = clientKey(request.headers, trustedProxy);
      count({ kind, source, who, operation, count: 1, lastMs: nowMs });
      const waitMs = sentAtMs === null ? 0 : Math.min(FLUSH_EVERY_MS, sentAtMs + FLUSH_EVERY_MS - nowMs);
      const awaited = awaitedSinceMs !== null && Math.abs(nowMs - awaitedSinceMs) < LOST_AFTER_MS;
      if (awaited) return;
      if (waitMs <= 0) {
        waitUntil(flush());
        return;
      }
      awaitedSinceMs = nowMs;
      waitUntil(clock.sleep(waitMs).then(flush));
    },
  };
}

function keyOf({ kind, source, who }: RefusedAttempts): string {
  return JSON.stringify([kind, source, who?.name ?? null]);
}
