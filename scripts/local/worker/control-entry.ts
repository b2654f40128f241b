/**
 * The small Worker between the runner and its nodes: takes `{ node, call, … }` as JSON and asks the `NodeControl` of
 * that node. It has no port; only the runner can reach it, through Miniflare. Never deployed.
 */
import type { NodeAction, NodeState } from "../node-actions.ts";

/** The part of `NodeControl` that is called; each node is bound as `NODE_<number>`. */
interface NodePort {
  act(action: NodeAction): Promise<NodeState>;
  tick(at: number): Promise<unknown>;
}

type Call =
  | { readonly node: number; readonly call: "act"; readonly action: NodeAction }
  | { readonly node: number; readonly call: "tick"; readonly at: number };

export default {
  async fetch(request: Request, env: Record<string, NodePort | undefined>): Promise<Response> {
    const call: Call = await request.json();
    const node = env[`NODE_${call.node}`];
    if (node === undefined) return Response.json({ error: `there is no node ${call.node}` }, { status: 404 });
    try {
      const value = call.call === "act" ? await node.act(call.action) : await node.tick(call.at);
      return Response.json({ value: value ?? null });
    } catch (error) {
      return Response.json(
        { error: error instanceof Error ? error.message : String(error) },
        { status: 500 },
      );
    }
  },
};
