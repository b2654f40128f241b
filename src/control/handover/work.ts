/**
 * What of handing over goes on behind commands and ticks: moves of published generations become events, and events are
 * sent. Nothing waits for it, neither publishing nor ticks nor commands. One run at a time. Posture: whatever fails is
 * tried again at the next alarm or tick.
 */
import type { EpochMs } from "../../contracts/units.ts";
import { commandTime } from "../clock.ts";
import { deliverDue, type DeliveryPorts } from "./deliver.ts";
import { nextTurn } from "./event-rows.ts";
import { createScan } from "./scan.ts";

export interface HandoverWork {
  /** Goes as far as it can. Never rejects for a receiver's sake. */
  run(): Promise<void>;
  /** When it wants to run; null: when something changes, or while it runs. */
  nextDueAt(): EpochMs | null;
}

export function createHandoverWork(ports: DeliveryPorts): HandoverWork {
  const { db, clock } = ports;
  const scan = createScan(db);
  let running: Promise<void> | null = null;
  const goOn = async (): Promise<void> => {
    // Also when nobody wants to be told: then it only keeps step, so that who asks later is told from then on.
    while (scan.piece(commandTime(db, clock))) await clock.sleep(0);
    await deliverDue(ports);
  };
  return {
    run: () => {
      running ??= goOn().finally(() => {
        running = null;
      });
      return running;
    },
    nextDueAt: () => {
      if (running !== null) return null;
      const now = clock.nowMs();
      if (scan.hasWork()) return now;
      const turn = nextTurn(db);
      if (turn === null) return null;
      return turn <= commandTime(db, clock) ? now : Math.max(now, turn);
    },
  };
}
