/**
 * The invariant of every experiment: whatever is broken, the bare check of a load balancer (`OPTIONS / HTTP/1.0`, no Host)
 * gets its 204, each time. Asks again and again over connections of its own while something else is being broken.
 */
import { request, sendRaw } from "./raw-http.ts";

const CHECK = request("OPTIONS / HTTP/1.0");
const EVERY_MS = 50;
const PATIENCE_MS = 5000;

export interface HealthReport {
  readonly checks: number;
  /** What was answered in place of 204, in words. */
  readonly failed: readonly string[];
  readonly medianMs: number;
  readonly p99Ms: number;
}

export interface HealthWatch {
  /** What was seen so far. */
  report(): HealthReport;
  /** Ends and reports. */
  stop(): Promise<HealthReport>;
}

/** The value below which this share of sorted numbers lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Watches every port until it is stopped. */
export function startHealthWatch(ports: readonly number[]): HealthWatch {
  const times: number[] = [];
  const failed: string[] = [];
  let stopped = false;
  const watch = async (port: number): Promise<void> => {
    while (!stopped) {
      const started = performance.now();
      const status = await sendRaw({ port, bytes: CHECK, timeoutMs: PATIENCE_MS }).then(
        (answer) => answer.status,
        (error: unknown) => String(error),
      );
      times.push(performance.now() - started);
      if (status !== 204) failed.push(`${port}: ${status}`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  };
  const watches = ports.map(watch);
  const report = (): HealthReport => {
    const sorted = times.toSorted((a, b) => a - b);
    return {
      checks: times.length,
      failed,
      medianMs: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
    };
  };
  return {
    report,
    async stop() {
      stopped = true;
      await Promise.all(watches);
      return report();
    },
  };
}

/** The figures in words. */
export function tellHealth({ checks, failed, medianMs, p99Ms }: HealthReport): string {
  return `health: ${checks} checks, ${failed.length} failed, median ${medianMs.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
}
