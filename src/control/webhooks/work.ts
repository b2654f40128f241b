/**
 * What of webhooks goes on behind commands and ticks. Nothing waits for it, neither publishing nor ticks nor commands. One
 * run at a time. Posture: whatever fails is tried again at the next alarm or tick.
 */
import type { EpochMs } from "../../contracts/units.ts";
import { commandTime } from "../clock.ts";
import { nextTurn } from "../store/webhooks.ts";
import { deliverWebhooks, type WebhookDelivery } from "./deliver.ts";

export interface WebhookWork {
  /** Goes as far as it can. Never rejects for a receiver's sake. */
  run(): Promise<void>;
  /** When it wants to run; null: when something changes, or while it runs. */
  nextDueAt(): EpochMs | null;
}

export function createWebhookWork(ports: WebhookDelivery): WebhookWork {
  const { db, clock } = ports;
  let running: Promise<void> | null = null;
  return {
    run: () => {
      running ??= deliverWebhooks(ports).finally(() => {
        running = null;
      });
      return running;
    },
    nextDueAt: () => {
      if (running !== null) return null;
      const turn = nextTurn(db);
      if (turn === null) return null;
      const now = clock.nowMs();
      return turn <= commandTime(db, clock) ? now : Math.max(now, turn);
    },
  };
}
