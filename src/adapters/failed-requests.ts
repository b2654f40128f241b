/**
 * Failed requests of an isolate until its next report takes them: a few of each account and version, so that one that
 * always fails leaves room for the others. Nothing waits for it. Posture: open.
 */
import { MAX_FAILED, MAX_FAILED_ALIKE, type FailedRequest } from "../contracts/failed-request.ts";

const MAX_ID_CHARS = 128;

export interface FailedRequests {
  add(failed: FailedRequest): void;
  /** What was added since the last call. */
  take(): readonly FailedRequest[];
}

/** Creates the sample of one isolate. */
export function createFailedRequests(): FailedRequests {
  let kept: FailedRequest[] = [];
  const isAlike = (a: FailedRequest, b: FailedRequest): boolean =>
    a.account === b.account && a.version === b.version && a.product === b.product;
  return {
    add(failed) {
      if (kept.length >= MAX_FAILED || failed.id.length > MAX_ID_CHARS) return;
      if (kept.filter((other) => isAlike(other, failed)).length < MAX_FAILED_ALIKE) kept.push(failed);
    },
    take() {
      const taken = kept;
      if (taken.length > 0) kept = [];
      return taken;
    },
  };
}
