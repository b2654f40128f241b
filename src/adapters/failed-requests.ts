/**
 * Failed requests of an isolate until its next report takes them, and those that the meters keep. A few of each account and
 * version, so that one that always fails leaves room for the others. Nothing waits for it. Posture: open on the edge;
 * whoever asks the meters is told when one does not answer.
 */
import {
  MAX_FAILED,
  MAX_FAILED_ALIKE,
  MAX_FAILED_ANSWER,
  type FailedAsk,
  type FailedRequest,
  type KeptFailure,
} from "../contracts/failed-request.ts";
import { METERS } from "./meters.ts";

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

/** What a meter object offers through RPC for this. */
export interface FailedMeterStub {
  failed(ask: FailedAsk): Promise<readonly KeptFailure[]>;
}

/**
 * Any isolate may have seen it, so all meters are asked; newest first.
 * @param meter finds a meter by name; null when the deployment binds none.
 */
export function createFailedReader(
  meter: (name: string) => FailedMeterStub | null,
): (ask: FailedAsk) => Promise<readonly KeptFailure[]> {
  return async (ask) => {
    const stubs = Array.from({ length: METERS }, (_unused, number) => meter(`meter-${number}`));
    const answers = await Promise.all(
      stubs.map(async (stub) => {
        if (stub === null) throw new Error("no METER binding");
        return stub.failed(ask);
      }),
    );
    return answers
      .flat()
      .toSorted((a, b) => b.at - a.at)
      .slice(0, MAX_FAILED_ANSWER);
  };
}
