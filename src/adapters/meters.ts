/**
 * The meter objects as edges and admin use them: an isolate always reports to the same one, and whoever asks what edges
 * serve asks all of them. Several objects, so that a flood of reports overloads none (an object takes about 1,000
 * requests a second). Sending may fail: the caller counts what was dropped. Wired by the composition root.
 */
import type { EdgeReport, SeenIsolate } from "../contracts/telemetry.ts";
import type { EpochMs } from "../contracts/units.ts";
import { murmur3 } from "../core/murmur3.ts";

/** Changing this number loses nothing but the last two minutes of reports. */
export const METERS = 4;
/** Reports older than this say nothing about what is served now. */
export const SEEN_MS = 120_000;

/** What a meter object offers through RPC. */
export interface MeterStub {
  report(report: EdgeReport): Promise<void>;
  seen(sinceMs: EpochMs): Promise<readonly SeenIsolate[]>;
}

export interface Meters {
  send(report: EdgeReport): Promise<void>;
  /** Isolates that reported within the last two minutes. */
  seen(): Promise<readonly SeenIsolate[]>;
}

/** @param meter finds a meter by name; null when the deployment binds none. */
export function createMeters(meter: (name: string) => MeterStub | null, nowMs: () => EpochMs): Meters {
  const names = Array.from({ length: METERS }, (_, number) => `meter-${number}`);
  return {
    async send(report) {
      const stub = meter(`meter-${murmur3(report.isolate, 0) % METERS}`);
      if (stub === null) throw new Error("no METER binding");
      await stub.report(report);
    },
    async seen() {
      const since = nowMs() - SEEN_MS;
      const answers = await Promise.all(names.map(async (name) => (await meter(name)?.seen(since)) ?? []));
      return answers.flat();
    },
  };
}
