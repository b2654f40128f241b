/**
 * The edge of a deployment whose configuration cannot be used: health checks are answered as ever, so that load
 * balancers keep the node and a fixed deploy finds it in place; everything else gets 503. It knows no base domain and no
 * admin host, so any plain `OPTIONS` is health. Called by the composition root in the place of `createEdge`.
 */
import type { Logger } from "../adapters/logger.ts";
import type { RequestIds } from "../adapters/request-id.ts";
import { classifyRequest, createBaseDomains } from "../core/classify-request.ts";
import type { HandleRequest } from "./handle.ts";
import { answerHealth } from "./health.ts";
import { answerProblem, type EdgeProblem } from "./problem-response.ts";

const RETRY_SECONDS = 60;
/** Each problem once per isolate and this many requests, so that the log shows them and is not flooded. */
const LOG_EVERY = 1000;

/**
 * @param problems sentences for the operator; they go to the log and never to the wire.
 */
export function createBrokenEdge(
  problems: readonly string[],
  { logger, requestIds }: { readonly logger: Logger; readonly requestIds: RequestIds },
): HandleRequest {
  const baseDomains = createBaseDomains([]);
  let refused = 0;
  return async ({ method, rawUrl, host, headers }) => {
    const corsPreflight = headers.has("origin") && headers.has("access-control-request-method");
    const found = classifyRequest({ method, rawUrl, host, corsPreflight }, { adminHost: "", baseDomains });
    const requestId = requestIds();
    if (found.kind === "health") return answerHealth(method, requestId);
    if (refused++ % LOG_EVERY === 0) logger.line("configuration", { problems });
    const isRefusal = found.kind === "refuse" && found.status === 400;
    const problem: EdgeProblem = isRefusal ? "malformed-host" : "unresolved";
    const options = isRefusal ? {} : { retryAfterSeconds: RETRY_SECONDS };
    return answerProblem({ method, headers, pathAndQuery: "/", requestId }, problem, options);
  };
}
