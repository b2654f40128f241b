/**
 * What can be done to one node alone, as `POST /node` of the control server takes it and as it travels on to the node's
 * Worker. Shared by the runner (Node) and by `worker/` (workerd), so it imports nothing of either.
 */

/** What a node depends on; each can be made ill by itself. `cache` is the Cache API. */
export const NODE_BINDINGS = ["kv", "control", "meter", "cache"] as const;
export type NodeBinding = (typeof NODE_BINDINGS)[number];

/** `throw`: every call fails at once. `hang`: every call stays unanswered. */
export const FAULT_MODES = ["ok", "throw", "hang"] as const;
export type FaultMode = (typeof FAULT_MODES)[number];

export type NodeFaults = Readonly<Record<NodeBinding, FaultMode>>;

/** `restart` empties the node's memory and leaves its faults; `flush` has it report its counts now; `state` changes nothing. */
export type NodeAction =
  | { readonly action: "restart" }
  | { readonly action: "flush" }
  | { readonly action: "state" }
  | { readonly action: NodeBinding; readonly mode: FaultMode };

/** How a node is after an action. What is counted is counted from the start of the runner. */
export interface NodeState {
  readonly restarts: number;
  readonly faults: NodeFaults;
  /** Writes of the control plane to KV by the kind of key (`root`, `root/`, `shard/`); it lives in the first node. */
  readonly written: Readonly<Record<string, number>>;
  /** Calls of this node's edge to each binding, whatever became of them; those of the control plane are not among them. */
  readonly asked: Readonly<Record<NodeBinding, number>>;
  /** Requests in the reports of counts that this node has sent to meters, arrived or not. */
  readonly reported: number;
}

const includes = <T extends string>(list: readonly T[], text: unknown): text is T =>
  list.some((entry) => entry === text);

/**
 * Reads an action from a JSON body; other members of the body are the caller's.
 * @returns null when it is none: an unknown action, or a missing or unknown mode.
 */
export function parseNodeAction(body: unknown): NodeAction | null {
  if (typeof body !== "object" || body === null) return null;
  const action = "action" in body ? body.action : null;
  const mode = "mode" in body ? body.mode : null;
  if (action === "restart" || action === "flush" || action === "state")
    return mode === null ? { action } : null;
  return includes(NODE_BINDINGS, action) && includes(FAULT_MODES, mode) ? { action, mode } : null;
}
