/**
 * A Worker that is the edge alone, with maps that are given to it, for tests on real sockets. Bundled by `edge-node.ts`.
 * `SETUP` holds the maps and configuration as JSON; the target `/__edge` tells the outcomes and log lines so far.
 */
import { toEdgeRequest } from "../../src/edge/edge-request.ts";
import { buildEdge, type EdgeOptions, type TestEdge } from "./edge-builders.ts";

export type EdgeSetup = Pick<EdgeOptions, "config" | "root" | "rows" | "unreadable">;

export interface EdgeReportLine {
  readonly outcomes: readonly string[];
  readonly lines: TestEdge["lines"];
}

let edge: TestEdge | null = null;

export default {
  async fetch(
    request: Request,
    env: { readonly SETUP: EdgeSetup },
    context: ExecutionContext,
  ): Promise<Response> {
    const begunMs = Date.now();
    edge ??= buildEdge({
      ...env.SETUP,
      originFetch: (request) => fetch(request),
      elapsedMs: () => Date.now() - begunMs,
    });
    if (request.url === "/__edge") {
      return Response.json({ outcomes: edge.outcomes, lines: edge.lines } satisfies EdgeReportLine);
    }
    return edge.handle(toEdgeRequest(request, (work) => context.waitUntil(work)));
  },
};
