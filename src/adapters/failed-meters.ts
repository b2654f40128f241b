/**
 * Failed requests that the meters keep, over all of them: any isolate may have seen one. Called by the admin surface.
 * Posture: rejects; who asks says that it is not known.
 */
import { MAX_FAILED_ANSWER, type FailedAsk, type KeptFailure } from "../contracts/failed-request.ts";
import { askAllMeters } from "./meters.ts";

/** What a meter object offers through RPC for this. */
export interface FailedMeterStub {
  failed(ask: FailedAsk): Promise<readonly KeptFailure[]>;
}

/**
 * Newest first.
 * @param meter finds a meter by name; null when the deployment binds none.
 */
export function createFailedReader(
  meter: (name: string) => FailedMeterStub | null,
): (ask: FailedAsk) => Promise<readonly KeptFailure[]> {
  return async (ask) => {
    const answers = await askAllMeters(meter, (stub) => stub.failed(ask));
    return answers
      .flat()
      .toSorted((a, b) => b.at - a.at)
      .slice(0, MAX_FAILED_ANSWER);
  };
}
