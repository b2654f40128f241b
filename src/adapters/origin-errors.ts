/**
 * Classifies what went wrong between the router and an origin, so that retries, fail-over and gates can rely on it.
 * Pure: it looks at the error, at what the request's upload knows and at the client's signal, and never at error texts
 * that may change. Called by `origin.ts` for every failed attempt.
 * The runtime gives a dead origin, a reset and an aborted upload the same error ("Network connection lost", retryable),
 * so only the side on which the upload broke tells the client's failures from the version's. Locally a dead origin
 * throws; on Cloudflare it usually answers 52x or 530 instead.
 */
import type { EpochMs } from "../contracts/units.ts";

/**
 * `connect-failed`: no connection, or one that broke before anything told otherwise. `reset`: the origin had taken part
 * of the body. `timeout`: no response headers in time. `client-gone`: the client left, broke its upload off or sends no
 * more of it; never held against the version.
 */
export type OriginFailure = "connect-failed" | "reset" | "timeout" | "client-gone";

/** How far the upload of a request came. */
export interface UploadProgress {
  /** The client's side broke: its connection ended before its body did. */
  readonly clientFailed: boolean;
  /** Bytes that the origin's connection has taken. */
  readonly sentBytes: number;
  /** Who has to act for it to go on: the client to send more, or the origin to take what is there, then to answer. */
  readonly waitsFor: "client" | "origin";
  /** When the client last sent something or the origin last took something. */
  readonly movedMs: EpochMs;
}

export interface FailureEvidence {
  /** Time to headers ran out, counted while nothing moved. */
  readonly timedOut: boolean;
  readonly upload: UploadProgress | null;
  /** The client's own signal: it reset its connection. */
  readonly clientAborted: boolean;
}

/** Names the failure of one attempt. The client's doing is looked for first: what it broke proves nothing else. */
export function classifyFailure({ timedOut, upload, clientAborted }: FailureEvidence): OriginFailure {
  if (clientAborted || upload?.clientFailed === true) return "client-gone";
  if (timedOut) return upload?.waitsFor === "client" ? "client-gone" : "timeout";
  return upload !== null && upload.sentBytes > 0 ? "reset" : "connect-failed";
}

/**
 * Answers that Cloudflare gives in the place of an origin it cannot reach: 521 refused, 522 connection timed out,
 * 523 no route, 525 and 526 TLS, 530 DNS. Not 520 and 524, where the origin had the request already.
 * https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
 */
const UNREACHED_STATUSES: ReadonlySet<number> = new Set([521, 522, 523, 525, 526, 530]);

/** True for a status that on Cloudflare means that the origin was never reached. Elsewhere it is the origin's own. */
export function isUnreachedStatus(status: number): boolean {
  return UNREACHED_STATUSES.has(status);
}
