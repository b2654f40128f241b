/**
 * Answers requests of an account or product that is held: a maintenance page, or reading without writing.
 * It decides from the hold alone who may pass; where those go was decided with the hold. Called by the edge.
 */
import type { Hold } from "../contracts/maps.ts";
import type { EpochMs } from "../contracts/units.ts";
import { MOVING } from "../core/decide-version.ts";
import type { Forward, Held } from "../core/decision.ts";
import { problemRequest, serialisedPath, type Exchange } from "./exchange.ts";
import { isReadOnly } from "./git.ts";
import { isWebSocketUpgrade } from "./inbound-headers.ts";
import { answerProblem } from "./problem-response.ts";

/** For holds that name no end, and for those whose end has passed without their being lifted. */
const DEFAULT_RETRY_SECONDS = 120;

/** True for what a read-only hold lets through: reads, but no sockets, which are asked for by `GET` and write. */
export function passesHold(hold: Hold, exchange: Exchange): boolean {
  const { request, inbound } = exchange;
  if (hold.mode !== "readOnly" || isWebSocketUpgrade(request.method, inbound)) return false;
  return isReadOnly(request.method, serialisedPath(exchange));
}

/** Where a held request may go all the same: reads of a read-only hold. Null: it gets the hold's answer. */
export function passThroughHold({ hold, forward }: Held, exchange: Exchange): Forward | null {
  return forward !== null && passesHold(hold, exchange) ? forward : null;
}

/** 503 with `Retry-After`, and the operator's words where there are some. */
export function answerHeld({ hold, reason }: Pick<Held, "hold" | "reason">, exchange: Exchange): Response {
  exchange.record.outcome = "held";
  exchange.record.why = reason;
  return answerHold(hold, exchange);
}

function answerHold(hold: Hold, exchange: Exchange): Response {
  const retryAfterSeconds = retryAfter(hold.until, exchange.nowMs);
  const options = hold.message === null ? { retryAfterSeconds } : { retryAfterSeconds, detail: hold.message };
  return answerProblem(problemRequest(exchange), hold.mode === "readOnly" ? "read-only" : "held", options);
}

/** Until the maps can be read again. */
const STALE_RETRY_SECONDS = 10;

/** For an account that may be on its way with its data, while no maps can be read that would say so. */
export function answerMoving(exchange: Exchange): Response {
  exchange.record.outcome = "held";
  exchange.record.why = "old maps";
  return answerHold({ ...MOVING, until: exchange.nowMs + STALE_RETRY_SECONDS * 1000 }, exchange);
}

function retryAfter(until: EpochMs | null, nowMs: EpochMs): number {
  return until === null || until <= nowMs ? DEFAULT_RETRY_SECONDS : Math.ceil((until - nowMs) / 1000);
}
