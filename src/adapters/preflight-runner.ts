/**
 * Runs a matrix: sends every probe through the exchange, a few at a time, and judges it. Probes with no target are judged
 * without being sent. It must not store, retry or add up: that is the caller's. Never rejects as long as the exchange
 * does not. What time does not allow is left out and so is `missing` in the verdict, never passed.
 */
import {
  PROBE_CAP_BYTES,
  PROBE_TIMEOUT_MS,
  type ExchangePort,
  type Probe,
  type ProbeResult,
} from "../contracts/preflight.ts";
import { judge } from "../core/preflight/judge.ts";

export interface MatrixRun {
  readonly probes: readonly Probe[];
  readonly exchange: ExchangePort;
  readonly nowMs: () => number;
  /** No probe is begun from this time on. */
  readonly stopAtMs: number;
}

/** A Worker has six connections in all (Cloudflare's limit), and KV and storage want some of them. */
const AT_ONCE = 4;

/** Results in the order of the probes; those for which there was no time are absent. */
export async function runMatrix({ probes, exchange, nowMs, stopAtMs }: MatrixRun): Promise<ProbeResult[]> {
  const results = new Map<number, ProbeResult>();
  const queue = probes.entries();
  const work = async (): Promise<void> => {
    for (const [index, probe] of queue) {
      if (nowMs() >= stopAtMs) return;
      results.set(index, await runProbe(probe, exchange));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return [...results.entries()].toSorted(([left], [right]) => left - right).map(([, result]) => result);
}

async function runProbe(probe: Probe, exchange: ExchangePort): Promise<ProbeResult> {
  const { target, bytes } = probe;
  if (target.kind === "unreachable") return judge(probe, null, "control");
  const { host, port, tls } = target;
  const limits = { timeoutMs: PROBE_TIMEOUT_MS, capBytes: PROBE_CAP_BYTES };
  return judge(probe, await exchange({ host, port, tls, serverName: host, bytes, ...limits }), "control");
}
