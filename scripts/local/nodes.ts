/**
 * Runs the nodes on workerd: each a Worker of its own in one Miniflare, with its own memory and its own front socket,
 * sharing the maps in KV and the objects, which the first node exports. Front sockets are of the style `proxy`, because
 * workerd's usual one answers a request without Host before the Worker runs, and load balancers send exactly those.
 * Compatibility date, flags and bindings come from wrangler.toml, so that what runs here is what is deployed.
 */
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { z } from "zod";
import { join } from "node:path";
import { bundleWorker } from "./bundle.ts";
import type { HeldByKind } from "./heap-snapshot.ts";
import { heldByKindOf, heldMbOf } from "./inspector.ts";
import type { NodeAction, NodeState } from "./node-actions.ts";

const WRANGLER_TOML = join(import.meta.dirname, "..", "..", "wrangler.toml");
const HOST = "127.0.0.1";
const FIRST = "firebreak";
const CONTROL = "runner-control";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The part of wrangler.toml that a node needs, as wrangler hands it over. */
const WranglerSchema = z.looseObject({
  compatibilityDate: z.string(),
  compatibilityFlags: z.array(z.string()),
  kvNamespaces: z.record(z.string(), z.object({ id: z.string() })),
  durableObjects: z.record(z.string(), z.object({ className: z.string(), useSQLite: z.boolean() })),
  bindings: z.record(z.string(), z.string()),
});

export interface NodesOptions {
  /** How many; at least one. */
  readonly nodes: number;
  /** Of the first node, the others follow it; 0: any free ones. */
  readonly port: number;
  /** Folder of KV, the objects and the Cache API; null: nothing is kept. */
  readonly storage: string | null;
  /** Replaces vars of wrangler.toml and adds secrets. */
  readonly vars: Readonly<Record<string, string>>;
  /** Nodes (counted from 1, not the first) without meters, which then count nothing; for measuring what counting costs. */
  readonly unmetered?: readonly number[];
  /** Whether what a node holds in memory can be asked. */
  readonly inspected?: boolean;
  /** Gets every line of workerd. Always read, since an undrained pipe would stop workerd as a whole. */
  readonly log: (line: string) => void;
}

export interface Nodes {
  /** Front sockets, first node first. */
  readonly ports: readonly number[];
  /** Does something to one node alone, counted from 1. */
  act(node: number, action: NodeAction): Promise<NodeState>;
  /** Runs the first node's scheduled handler for `at` (ms since the epoch); answers the control plane's report. */
  tick(at: number): Promise<unknown>;
  /** What KV has under a key, null when nothing: the published maps, past the nodes. */
  published(key: string): Promise<string | null>;
  /** What the isolate of a node, counted from 1, holds after a collection, in MB. Needs `inspected`. */
  heldMb(node: number): Promise<number>;
  /** The same told apart; the node stands still about a second for it. */
  heldByKind(node: number): Promise<HeldByKind>;
  stop(): Promise<void>;
}

type WorkerOptions = Extract<V4MiniflareOptions, { workers: unknown[] }>["workers"][number];

const nodeName = (number: number): string => (number === 1 ? FIRST : `${FIRST}-node-${number}`);

/**
 * Starts the nodes and resolves when every front socket answers.
 * @throws what Miniflare throws; a taken port should be found before (`ports.ts`), since its message names no port.
 */
export async function startNodes(options: NodesOptions): Promise<Nodes> {
  const [script, controlScript] = await Promise.all([
    bundleWorker("node-entry.ts"),
    bundleWorker("control-entry.ts"),
  ]);
  const numbers = Array.from({ length: options.nodes }, (_, index) => index + 1);
  const releaseSignals = keepSignals();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      ...(options.inspected === true ? { inspectorPort: 0 } : {}),
      ...(options.storage === null ? {} : { resourcePersistencePath: options.storage }),
      handleStructuredLogs: ({ message }) => options.log(message),
      workers: [
        ...numbers.map((number) => createNode(number, script, options)),
        createControl(controlScript, numbers),
      ],
    }),
  );
  releaseSignals();
  const ask = async (call: Record<string, unknown>): Promise<unknown> => {
    const control = await miniflare.getWorker(CONTROL);
    const response = await control.fetch("http://runner.invalid/", {
      method: "POST",
      body: JSON.stringify(call),
    });
    const answer = (await response.json()) as { value?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  };
  const poke = (node: number) => () => ask({ node, call: "act", action: { action: "state" } });
  try {
    await miniflare.ready;
    const urls = await Promise.all(numbers.map((number) => miniflare.unsafeGetDirectURL(nodeName(number))));
    return {
      ports: urls.map((url) => Number(url.port)),
      act: async (node, action) => (await ask({ node, call: "act", action })) as NodeState,
      tick: (at) => ask({ node: 1, call: "tick", at }),
      published: async (key) =>
        (await miniflare.getKVNamespace("MAPS", FIRST)).get(key, "text") as Promise<string | null>,
      heldMb: async (node) => heldMbOf(await inspectorOf(miniflare), nodeName(node), poke(node)),
      heldByKind: async (node) => heldByKindOf(await inspectorOf(miniflare), nodeName(node), poke(node)),
      stop: () => miniflare.dispose(),
    };
  } catch (error) {
    await miniflare.dispose().catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

async function inspectorOf(miniflare: Miniflare): Promise<string> {
  return `http://${(await miniflare.getInspectorURL()).host}`;
}

/**
 * Miniflare ends the process itself on a signal, with an exit code of its own. Who starts the nodes stops them in order,
 * so the listeners that were added since the call are removed; on `exit` Miniflare still ends workerd.
 */
function keepSignals(): () => void {
  const before = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);
  return () => {
    for (const [signal, kept] of before) {
      const added = process.listeners(signal).filter((listener) => !kept.includes(listener));
      for (const listener of added) process.removeListener(signal, listener);
    }
  };
}

function createNode(number: number, script: string, options: NodesOptions): WorkerOptions {
  const { port, vars, unmetered = [] } = options;
  const wrangler = WranglerSchema.parse(unstable_getMiniflareWorkerOptions(WRANGLER_TOML).workerOptions);
  // The first node has the objects, the others reach them there. The limiter stays away: everybody here is one operator.
  const objects = Object.entries(wrangler.durableObjects)
    .filter(([binding]) => binding !== "METER" || !unmetered.includes(number))
    .map(([binding, object]) => [binding, number === 1 ? object : { ...object, scriptName: FIRST }] as const);
  return {
    name: nodeName(number),
    modules: true,
    script,
    compatibilityDate: wrangler.compatibilityDate,
    compatibilityFlags: wrangler.compatibilityFlags,
    kvNamespaces: wrangler.kvNamespaces,
    durableObjects: Object.fromEntries(objects),
    bindings: { ...wrangler.bindings, ...vars },
    unsafeDirectSockets: [{ host: HOST, port: port === 0 ? 0 : port + number - 1, proxy: true }],
  };
}

function createControl(script: string, numbers: readonly number[]): WorkerOptions {
  return {
    name: CONTROL,
    modules: true,
    script,
    compatibilityDate: "2026-10-01",
    serviceBindings: Object.fromEntries(
      numbers.map((number) => [`NODE_${number}`, { name: nodeName(number), entrypoint: "NodeControl" }]),
    ),
  };
}
