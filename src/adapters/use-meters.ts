/**
 * What the meters know of how versions are used: connections that edges hold open, and when a request last reached each.
 * All of them must answer, because what one does not say could be the last connection. Wired by the control plane.
 */
import type { OpenCount } from "../contracts/telemetry.ts";
import type { EpochMs, ProductName, VersionName } from "../contracts/units.ts";
import { METERS } from "./meters.ts";

/** An isolate that has not reported for this long is gone, and what it held open with it. */
export const OPEN_KNOWN_MS = 120_000;

/** When a request last was for a version, to the minute, on the control plane's clock. */
export interface LastRequest {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly atMs: EpochMs;
}

export interface VersionUse {
  readonly open: readonly OpenCount[];
  readonly last: readonly LastRequest[];
}

export interface UseMeterStub {
  use(sinceMs: EpochMs): Promise<VersionUse>;
}

/** The sums over all meters. Rejects when one does not answer; null where the deployment has none. */
export type ReadUse = () => Promise<VersionUse | null>;

export function createUseReader(meter: (name: string) => UseMeterStub | null, nowMs: () => EpochMs): ReadUse {
  return async () => {
    const stubs = Array.from({ length: METERS }, (_unused, number) => meter(`meter-${number}`));
    const bound = stubs.filter((stub) => stub !== null);
    if (bound.length === 0) return null;
    const since = nowMs() - OPEN_KNOWN_MS;
    const all = await Promise.all(bound.map((stub) => stub.use(since)));
    return { open: all.flatMap(({ open }) => open), last: all.flatMap(({ last }) => last) };
  };
}
