/**
 * Answers requests of an account or product that is held: a maintenance page, or reading without writing.
 * It decides from the hold alone who may pass; where those go was decided with the hold. Called by the edge.
 */
import type { Hold } from "../contracts/maps.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { Forward, Held } from "../core/decision.ts";
import { problemRequest, serialisedPath, type Exchange } from "./exchange.ts";
import { isReadOnly } from "./git.ts";
import { answerProblem } from "./problem-response.ts";

/** For holds that name no end, and for those whose end has passed without their being lifted. */
const DEFAULT_RETRY_SECONDS = 120;

/** Where a held request may go all the same: reads of a read-only hold. Null: it gets the hold's answer. */
export function passThroughHold({ hold, forward }: Held, exchange: Exchange): Forward | null {
  if (hold.mode !== "readOnly" || forward === null) return null;
  return isReadOnly(exchange.request.method, serialisedPath(exchange)) ? forward : null;
}

/** 503 with `Retry-After`, and the operator's words where there are some. */
export function answerHold(hold: Hold, exchange: Exchange): Response {
  const retryAfterSeconds = retryAfter(hold.until, exchange.nowMs);
  const options = hold.message === null ? { retryAfterSeconds } : { retryAfterSeconds, detail: hold.message };
  return answerProblem(problemRequest(exchange), hold.mode === "readOnly" ? "read-only" : "held", options);
}

function retryAfter(until: EpochMs | null, nowMs: EpochMs): number {
  return until === null || until <= nowMs ? DEFAULT_RETRY_SECONDS : Math.ceil((until - nowMs) / 1000);
}
