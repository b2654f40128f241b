/**
 * Whether load loses a count: what the edges counted and sent must be what the meters took plus what they were told was
 * lost, to the request. Half-way one node's meters fail for a while, so that there is something to lose. The demo versions
 * may have received a few more: the generator leaves with requests under way, and workerd ends the handler of a request
 * whose client has left, before it can count anything.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Instance } from "../local/instance.ts";
import { received } from "./cost.ts";
import { CONNECTIONS, type RunLoad } from "./load.ts";

/** A node that fails: longer than a flush may take to be due. */
const ILL_MS = 16_000;
const NODE = 3;
const POLL_MS = 500;
/** Requests that a generator may leave under way. */
const MAX_CUT = CONNECTIONS;
/** Two flushes, the second of which tells what the first one lost. */
const SETTLE_MS = 45_000;

const StatusSchema = z.object({
  counting: z.object({ requests: z.number(), droppedRequests: z.number(), droppedReports: z.number() }),
});

export interface Loss {
  readonly requestsPerSecond: number;
  /** By the demo versions. */
  readonly received: number;
  /** By the edges, when their reports left. */
  readonly sent: number;
  readonly counted: number;
  readonly dropped: number;
  readonly droppedReports: number;
  /** 0: nothing was lost in silence, and nothing counted twice. */
  readonly missing: number;
}

export async function measureLoss(
  instance: Instance,
  { load, hosts, seconds }: { load: RunLoad; hosts: readonly string[]; seconds: number },
): Promise<Loss> {
  const port = instance.ports[NODE - 1] ?? 0;
  // What was counted before belongs to nobody here.
  await instance.nodes.act(NODE, { action: "flush" });
  const before = await look(instance);
  const [{ requestsPerSecond }] = await Promise.all([
    load({ port, hosts, seconds }),
    makeIll(instance, Math.max(0, seconds * 1000 - 2 * ILL_MS)),
  ]);
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    await instance.nodes.act(NODE, { action: "flush" });
    const now = await look(instance);
    const loss = {
      requestsPerSecond,
      received: now.received - before.received,
      sent: now.sent - before.sent,
      counted: now.requests - before.requests,
      dropped: now.droppedRequests - before.droppedRequests,
      droppedReports: now.droppedReports - before.droppedReports,
    };
    const missing = loss.sent - loss.counted - loss.dropped;
    const isAllSent = loss.received - loss.sent <= MAX_CUT;
    if ((missing === 0 && isAllSent) || performance.now() > deadline) return { ...loss, missing };
    await sleep(POLL_MS);
  }
}

async function look(
  instance: Instance,
): Promise<z.infer<typeof StatusSchema>["counting"] & { received: number; sent: number }> {
  const states = await Promise.all(
    instance.ports.map((_, index) => instance.nodes.act(index + 1, { action: "state" })),
  );
  const sent = states.reduce((sum, { reported }) => sum + reported, 0);
  return { ...(await counting(instance)), received: received(instance), sent };
}

async function makeIll({ nodes }: Instance, afterMs: number): Promise<void> {
  await sleep(afterMs);
  await nodes.act(NODE, { action: "meter", mode: "throw" });
  await sleep(ILL_MS);
  await nodes.act(NODE, { action: "meter", mode: "ok" });
}

async function counting({ admin }: Instance): Promise<z.infer<typeof StatusSchema>["counting"]> {
  return StatusSchema.parse(await admin.must({ method: "GET", path: "status" })).counting;
}
