/**
 * Says what one request counts for: which version, class and account, and how it ended. A version is held to account for
 * what was sent to it, nothing else: refusals, holds, health and the router's own errors are counted elsewhere.
 * Called once a request by `handle.ts`, after the answer is known. Pure but for the counting.
 */
import type { Telemetry } from "../adapters/telemetry.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { RequestRecord } from "./request-record.ts";

/** Counts a request for its version, and a failure for the one whose place the standby took. */
export function observeRequest(
  telemetry: Telemetry,
  record: RequestRecord,
  { status, nowMs }: { readonly status: number; readonly nowMs: EpochMs },
): void {
  const { product, version, generation } = record;
  const end = endOf(record);
  if (end === null || product === null || version === null || record.class === null) return;
  const of = { product, class: record.class, account: record.class === "known" ? record.account : null };
  const latencyMs = nowMs - record.sentMs;
  telemetry.observe({ ...of, version, generation, end, status, latencyMs });
  const { failedVersion } = record;
  if (failedVersion === null) return;
  telemetry.observe({ ...of, version: failedVersion, generation, end: "failed", status: 0, latencyMs: 0 });
}

function endOf({ outcome }: RequestRecord): "answered" | "failed" | "gone" | null {
  switch (outcome) {
    case "forwarded":
      return "answered";
    case "origin-unreachable":
    case "origin-timeout":
      return "failed";
    case "client-gone":
      return "gone";
    case "health":
    case "refused":
    case "admin":
    case "held":
    case "unresolved":
    case "loop":
    case "internal-error":
      return null;
  }
}
