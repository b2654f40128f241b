/**
 * Workers of a measurement in one workerd: the router as it is deployed, and what it is compared to, each a Worker of its
 * own with its own front socket, reading the same maps from KV. The router has the objects, as the first node of a local
 * run has. Compatibility date and flags come from wrangler.toml.
 */
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { z } from "zod";
import { bundleEntry } from "../../local/bundle.ts";
import { heldMbOf } from "../../local/inspector.ts";
import { findStarted } from "../cpu-time.ts";
import { DOMAIN } from "./accounts.ts";
import { HOST } from "./process.ts";

const WRANGLER_TOML = join(import.meta.dirname, "..", "..", "..", "wrangler.toml");
const WRITES_AT_ONCE = 16;

const WranglerSchema = z.looseObject({
  compatibilityDate: z.string(),
  compatibilityFlags: z.array(z.string()),
});

export interface WorkerAsked {
  /** Entry file from the root of the repository. */
  readonly entry: string;
  /** Which maps it reads, by their name in `maps`. */
  readonly maps: string;
}

export interface EdgesOptions {
  readonly workers: Readonly<Record<string, WorkerAsked>>;
  /** Which of them exports the objects. */
  readonly objects: string;
  readonly maps: Readonly<Record<string, ReadonlyMap<string, string>>>;
  /** `http://host:port` of the origin. */
  readonly origin: string;
}

export interface Edges {
  readonly pid: number | null;
  port(worker: string): number;
  /** Calls a Worker that takes `{ call, … }` and answers `{ value }` or `{ error }`. */
  ask(worker: string, call: object): Promise<unknown>;
  /** What a Worker holds after a collection, in MB. */
  heldMb(worker: string): Promise<number>;
  stop(): Promise<void>;
}

type WorkerOptions = Extract<V4MiniflareOptions, { workers: unknown[] }>["workers"][number];

/** Starts the Workers and resolves when their sockets answer and KV holds the maps. */
export async function startEdges(options: EdgesOptions): Promise<Edges> {
  const names = Object.keys(options.workers);
  const entries = [...new Set(Object.values(options.workers).map(({ entry }) => entry))];
  const scripts = new Map(
    await Promise.all(entries.map(async (entry) => [entry, await bundleEntry(entry)] as const)),
  );
  const { started: miniflare, pid } = await findStarted(async () => {
    const workers = Object.entries(options.workers).map(([name, { entry, maps }]) =>
      createWorker({ name, maps, script: scripts.get(entry) ?? "" }, options),
    );
    const made = new Miniflare(
      convertV4MiniflareOptions({
        host: HOST,
        port: 0,
        inspectorPort: 0,
        handleStructuredLogs: () => {},
        workers,
      }),
    );
    await made.ready;
    return made;
  });
  try {
    await writeKv(miniflare, options);
    const urls = await Promise.all(names.map((name) => miniflare.unsafeGetDirectURL(name)));
    const ports = new Map(names.map((name, index) => [name, Number(urls[index]?.port)]));
    return {
      pid,
      port: (worker) => ports.get(worker) ?? 0,
      heldMb: async (worker) =>
        heldMbOf(`http://${(await miniflare.getInspectorURL()).host}`, worker, () =>
          ask(miniflare, worker, { call: "nothing" }),
        ),
      ask: (worker, call) => ask(miniflare, worker, call),
      stop: () => miniflare.dispose(),
    };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

const AnswerSchema = z.union([z.object({ value: z.unknown() }), z.object({ error: z.string() })]);

async function ask(miniflare: Miniflare, worker: string, call: object): Promise<unknown> {
  const { fetch } = await miniflare.getWorker(worker);
  const response = await fetch("http://bench.invalid/", { method: "POST", body: JSON.stringify(call) });
  const answer = AnswerSchema.parse(await response.json());
  if ("error" in answer) throw new Error(answer.error);
  return answer.value;
}

function createWorker(
  { name, script, maps }: { name: string; script: string; maps: string },
  { objects, origin }: EdgesOptions,
): WorkerOptions {
  const { compatibilityDate, compatibilityFlags } = WranglerSchema.parse(
    unstable_getMiniflareWorkerOptions(WRANGLER_TOML).workerOptions,
  );
  const object = (className: string): object =>
    name === objects ? { className, useSQLite: true } : { className, useSQLite: true, scriptName: objects };
  return {
    name,
    modules: true,
    script,
    compatibilityDate,
    compatibilityFlags,
    kvNamespaces: { MAPS: maps },
    durableObjects: { CONTROL: object("ControlPlane"), METER: object("Meter") } as NonNullable<
      WorkerOptions["durableObjects"]
    >,
    bindings: { ...createVars(origin), ORIGIN: origin },
    unsafeDirectSockets: [{ host: HOST, port: 0, proxy: true }],
  };
}

/** What a deployment sets: everything that adds a header is on. */
function createVars(origin: string): Record<string, string> {
  return {
    ADMIN_HOST: "admin.bench.invalid",
    FALLBACK: JSON.stringify({ kiln: { domains: [DOMAIN] } }),
    ORIGIN_ALLOW: origin,
    TRUSTED_PROXY: "none",
    FLIP_DELAY_SECONDS: "60",
    BREAK_GLASS: "",
    ADMIN_TOKENS: "bench:admin:bench-admin-token",
    OVERRIDE_KEYS: "bench:bench-override-key-0001",
    ORIGIN_KEY: "bench:bench-origin-key-000001",
  };
}

/** Writes each of the maps through a Worker that reads them. */
async function writeKv(miniflare: Miniflare, { workers, maps }: EdgesOptions): Promise<void> {
  for (const [name, entries] of Object.entries(maps)) {
    const reader = Object.entries(workers).find(([, worker]) => worker.maps === name);
    if (reader === undefined) throw new Error(`nobody reads the maps ${name}`);
    const kv = await miniflare.getKVNamespace("MAPS", reader[0]);
    const waiting = [...entries];
    const write = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await kv.put(...next);
    };
    await Promise.all(Array.from({ length: WRITES_AT_ONCE }, write));
  }
}
