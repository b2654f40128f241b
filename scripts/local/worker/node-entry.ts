/**
 * One local node: the Worker as it is deployed, with its bindings wrapped so that they can be made ill, and with an
 * entrypoint through which the runner drives this node alone. Bundled by `bundle.ts`, run by `nodes.ts`, never deployed.
 *
 * A "restart" makes the composition anew, which is a cold isolate as far as Firebreak can tell: all memory of a node
 * lives in that value. The faults stay, so that a node can be cold while everything it needs is down.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import { createFirebreak, type Env } from "../../../src/compose.ts";
import type { ObservationReport } from "../../../src/contracts/observation.ts";
import {
  NODE_BINDINGS,
  type FaultMode,
  type NodeAction,
  type NodeBinding,
  type NodeState,
} from "../node-actions.ts";
import { createCountedKv } from "./counted-kv.ts";
import { createIllBinding, createIllNamespace } from "./ill-bindings.ts";

// A Worker must export the classes of its objects; this is one, put together as src/index.ts is.
// oxlint-disable-next-line no-restricted-imports -- the entry of a Worker, not a script that talks to one
import { ControlPlane as RealControlPlane, type ControlEnv } from "../../../src/control/control-plane.ts";
// oxlint-disable-next-line no-restricted-imports -- as above
export { Meter } from "../../../src/control/meter.ts";

const CRON = "* * * * *";

// The memory of this node's isolate. Two entrypoints share it, and the runtime gives them no other place to meet.
const modes = new Map<NodeBinding, FaultMode>();
const wrapped = new WeakMap<Env, Env>();
const written = new Map<string, number>();
const asked = new Map<NodeBinding, number>();
let restarts = 0;
let reported = 0;
let lastTick: unknown = null;

/** The control plane as it is deployed; what it writes to KV is counted. Only the first node has one. */
export class ControlPlane extends RealControlPlane {
  constructor(ctx: DurableObjectState, env: ControlEnv) {
    super(ctx, { ...env, MAPS: createCountedKv(env.MAPS, written) });
  }
}

const noteAsked = (binding: NodeBinding): void => void asked.set(binding, (asked.get(binding) ?? 0) + 1);
const modeOf = (binding: NodeBinding): FaultMode => modes.get(binding) ?? "ok";

/** Before the composition is made, so that it keeps caches that can be made ill. */
function wrapCaches(): void {
  const real = caches;
  const wrap = (cache: Cache): Cache =>
    createIllBinding(cache, { binding: "cache", modeOf, asked: () => noteAsked("cache") });
  const value = { default: wrap(real.default), open: async (name: string) => wrap(await real.open(name)) };
  Object.defineProperty(globalThis, "caches", { configurable: true, value });
}

wrapCaches();
let firebreak = createFirebreak();

function noteTick(name: string, value: unknown): void {
  if (name === "tick") lastTick = value;
}

/** What the edge of this node sends its meters; the first node's control plane asks them through bindings of its own. */
function noteReport(name: string, [report]: readonly unknown[]): void {
  noteAsked("meter");
  if (name !== "observe") return;
  for (const { total } of (report as ObservationReport).series) reported += total.requests + total.gone;
}

/** The same wrapped environment for every request, because the composition may remember what it made of it. */
function wrapEnv(env: Env): Env {
  const known = wrapped.get(env);
  if (known !== undefined) return known;
  const made: Env = {
    ...env,
    MAPS: createIllBinding(env.MAPS, { binding: "kv", modeOf, asked: () => noteAsked("kv") }),
    CONTROL: createIllNamespace(env.CONTROL, {
      binding: "control",
      modeOf,
      asked: () => noteAsked("control"),
      heard: noteTick,
    }),
    ...(env.METER === undefined
      ? {}
      : { METER: createIllNamespace(env.METER, { binding: "meter", modeOf, asked: noteReport }) }),
  };
  wrapped.set(env, made);
  return made;
}

/** Collects what a handler leaves to run on, so that a tick is over when its answer is given. */
function createContext(real: ExecutionContext): { context: ExecutionContext; settled: () => Promise<void> } {
  const left: Promise<unknown>[] = [];
  const context = new Proxy(real, {
    get(target, name) {
      if (name === "waitUntil") {
        return (promise: Promise<unknown>) => {
          left.push(promise);
          target.waitUntil(promise);
        };
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return { context, settled: async () => void (await Promise.allSettled(left)) };
}

/** Driven by the runner through `control-entry.ts`: only there is this entrypoint bound. */
export class NodeControl extends WorkerEntrypoint<Env> {
  async act(action: NodeAction): Promise<NodeState> {
    if (action.action === "restart") {
      restarts += 1;
      firebreak = createFirebreak();
    } else if (action.action === "flush") {
      await firebreak.flush();
    } else if (action.action !== "state") {
      modes.set(action.action, action.mode);
    }
    const faults = Object.fromEntries(NODE_BINDINGS.map((binding) => [binding, modeOf(binding)]));
    const calls = Object.fromEntries(NODE_BINDINGS.map((binding) => [binding, asked.get(binding) ?? 0]));
    return {
      restarts,
      faults: faults as Record<NodeBinding, FaultMode>,
      asked: calls as Record<NodeBinding, number>,
      written: Object.fromEntries(written),
      reported,
    };
  }

  /**
   * Runs the scheduled handler for `at`.
   * @returns what the control plane reported, null when the handler did not ask it.
   */
  async tick(at: number): Promise<unknown> {
    lastTick = null;
    const controller = { scheduledTime: at, cron: CRON, type: "scheduled" as const, noRetry() {} };
    const { context, settled } = createContext(this.ctx);
    await firebreak.scheduled(controller, wrapEnv(this.env), context);
    await settled();
    return lastTick;
  }
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    return firebreak.fetch(request, wrapEnv(env), ctx);
  },
  async scheduled(controller: ScheduledController, env: Env, ctx: ExecutionContext): Promise<void> {
    await firebreak.scheduled(controller, wrapEnv(env), ctx);
  },
} satisfies ExportedHandler<Env>;
