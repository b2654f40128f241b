/**
 * One isolate of the data plane taken apart, for what no request from outside can tell: nanoseconds of a decision, reads of
 * KV, memory. The maps reader, the classification and the decision are the deployed ones; KV is the real binding with its
 * reads counted; the clock is the caller's, so that an hour of requests takes a second. Called by rows of the benchmark
 * over HTTP with `{ call, … }`; bundled there, never deployed.
 */
// oxlint-disable no-restricted-imports -- the entry of a Worker, not a script that talks to one
import { createMapsKv, type MapsKv } from "../../../src/adapters/kv.ts";
import { createMapsReader } from "../../../src/adapters/maps-reader.ts";
import type {
  MapsReader,
  MapsSnapshot,
  ReaderRequest,
  RowLookup,
} from "../../../src/adapters/maps-reader/types.ts";
import { createFirebreak, type Env } from "../../../src/compose.ts";
import { ROOT_KEY } from "../../../src/contracts/maps.ts";
import { classifyRequest, createBaseDomains } from "../../../src/core/classify-request.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import { decodeRoot, encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { DOMAIN, hostOf } from "../world/accounts.ts";
import { flood, MINUTE_MS, type Flood } from "./flood.ts";

export { ControlPlane } from "../../../src/control/control-plane.ts";
export { Meter } from "../../../src/control/meter.ts";

/** How a look-up is made: `hot` from the rows asked lately, `cold` not, `search` always by the shard. */
export type How = "hot" | "cold" | "search" | "floor";

export type Call =
  | { readonly call: "decide"; readonly how: How; readonly accounts: number; readonly times: number }
  | { readonly call: "touch"; readonly accounts: number }
  | { readonly call: "forget" | "nothing" }
  | {
      readonly call: "minutes";
      readonly minutes: number;
      readonly hosts: "zipf" | "unknown";
      readonly accounts: number;
      readonly perMinute: number;
    }
  | ({ readonly call: "flood" } & Flood)
  | { readonly call: "cold"; readonly accounts: number };

/** Reads of KV as they are billed for operations: several keys in one read are one. */
interface Counted {
  readonly kv: MapsKv;
  operations: number;
  root: number;
  /** Replaces the root that KV has. */
  rootText: string | null;
}

interface Node {
  readonly reader: MapsReader;
  readonly counted: Counted;
  nowMs: number;
}

const START_MS = 1_795_000_000_000;
const baseDomains = createBaseDomains([[DOMAIN, "kiln"]]);

function countReads(namespace: KVNamespace): Counted {
  const real = createMapsKv(namespace);
  const counted: Counted = {
    operations: 0,
    root: 0,
    rootText: null,
    kv: {
      async getMany(keys) {
        counted.operations += 1;
        if (keys.includes(ROOT_KEY)) counted.root += 1;
        const found = await real.getMany(keys);
        if (counted.rootText !== null && found.has(ROOT_KEY)) found.set(ROOT_KEY, counted.rootText);
        return found;
      },
      async get(key, ttlSeconds) {
        counted.operations += 1;
        return real.get(key, ttlSeconds);
      },
    },
  };
  return counted;
}

function createNode(env: Env): Node {
  const counted = countReads(env.MAPS);
  const node: Node = { nowMs: START_MS, counted, reader: createReader() };
  function createReader(): MapsReader {
    return createMapsReader({
      kv: counted.kv,
      cache: null,
      fallback: { kiln: { domains: [DOMAIN], origin: null } },
      breakGlassVariable: "",
      clock: {
        nowMs: () => node.nowMs,
        // Waiting is real: it ends when KV has answered or far later.
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        random: () => Math.random(),
      },
      onFault: (fault, detail) => {
        throw new Error(`${fault}: ${detail}`);
      },
    });
  }
  return node;
}

let node: Node | null = null;
interface Asked {
  readonly node: Node;
  readonly access: ReaderRequest;
}

function lookUp(
  { node: { reader }, access }: Asked,
  snapshot: MapsSnapshot,
  host: string,
): string | Promise<RowLookup> {
  const found = classifyRequest(
    { method: "GET", rawUrl: "/", host, corsPreflight: false },
    { adminHost: "admin.bench.invalid", baseDomains },
  );
  if (found.kind !== "route" || found.slug === null) throw new Error(`${host} is ${found.kind}`);
  const looked = reader.row(snapshot, found.slug, access);
  if (looked instanceof Promise) return looked;
  if (looked.kind === "unresolved" || snapshot.root === null) throw new Error(`${host} is unresolved`);
  const row = looked.kind === "row" ? looked.row : null;
  const { root, breakGlass } = snapshot;
  const decision = decideVersion({
    root,
    breakGlass,
    product: found.product,
    slug: found.slug,
    row,
    override: null,
  });
  if (decision.kind !== "forward") throw new Error(`${host}: ${decision.kind}`);
  return decision.version;
}

/** Reads whatever is not in memory yet, so that later look-ups are plain values. */
async function ask(asked: Asked, host: string): Promise<void> {
  const snapshot = await asked.node.reader.current(asked.access);
  const found = lookUp(asked, snapshot, host);
  if (found instanceof Promise) await found;
}

async function touch(asked: Asked, accounts: number): Promise<number> {
  // Every twentieth account: with a thousand in a shard no shard is left out.
  const step = accounts > 20_000 ? 20 : 1;
  for (let number = 0; number < accounts; number += step) await ask(asked, hostOf(number));
  return asked.node.counted.operations;
}

/** Far more than an isolate keeps as rows; spread by a step that has no factor in common with a million. */
const COLD_HOSTS = 200_000;
const COLD_STEP = 700_001;
const HOT_HOSTS = 1000;
let hosts: readonly string[] = [];
let isSuperseded: MapsSnapshot | null = null;

/** Nanoseconds of one decision, host string to version. The clock has whole milliseconds, so `times` is large. */
async function decide(
  asked: Asked,
  { how, accounts, times }: Extract<Call, { call: "decide" }>,
): Promise<number> {
  const count = how === "hot" || how === "floor" ? HOT_HOSTS : Math.min(accounts, COLD_HOSTS);
  if (hosts.length !== count) {
    hosts = Array.from({ length: count }, (_, number) => hostOf((number * COLD_STEP) % accounts));
  }
  const { reader } = asked.node;
  const served = await reader.current(asked.access);
  const snapshot = how === "search" ? await supersede(asked, served) : served;
  if (how === "floor") return floor(times);
  for (const host of hosts.slice(0, HOT_HOSTS)) await ask(asked, host);
  const from = performance.now();
  for (let at = 0, done = 0; done < times; done += 1) {
    const asks = reader.current(asked.access);
    if (asks instanceof Promise) throw new Error("the maps are not in memory");
    const version = lookUp(asked, how === "search" ? snapshot : asks, hosts[at] ?? "");
    if (typeof version !== "string") throw new Error("a shard is not in memory");
    at = at + 1 === count ? 0 : at + 1;
  }
  return ((performance.now() - from) * 1e6) / times;
}

/** A snapshot that other maps have replaced is looked up in the shards, whoever was asked for lately. */
async function supersede(
  { node: { counted, reader }, access }: Asked,
  served: MapsSnapshot,
): Promise<MapsSnapshot> {
  if (isSuperseded !== null) return isSuperseded;
  if (served.root === null) throw new Error("there are no maps");
  const text = encodeRoot({ ...served.root, generation: served.root.generation + 1 });
  if (!decodeRoot(text).ok) throw new Error("the root does not read back");
  counted.rootText = text;
  await reader.renew(access);
  if (reader.generation() === served.generation) throw new Error("the new root was not taken");
  return (isSuperseded = served);
}

/** What the same loop costs with one look-up in a Map: the least that anything in this language can cost. */
function floor(times: number): number {
  const versions = new Map(hosts.map((host) => [host, "1"]));
  let found = 0;
  const from = performance.now();
  for (let at = 0, done = 0; done < times; done += 1) {
    found += versions.get(hosts[at] ?? "")?.length ?? 0;
    at = at + 1 === hosts.length ? 0 : at + 1;
  }
  const ns = ((performance.now() - from) * 1e6) / times;
  if (found !== times) throw new Error("not all were found");
  return ns;
}

/** Simulated minutes of requests; answers what was read of KV in them, of that the root. */
async function minutes(
  asked: Asked,
  { minutes: length, hosts: kind, accounts, perMinute }: Extract<Call, { call: "minutes" }>,
): Promise<{ readonly operations: number; readonly root: number; readonly requests: number }> {
  const { node: world, access } = asked;
  const before = { operations: world.counted.operations, root: world.counted.root };
  const requests = length * perMinute;
  for (let done = 0; done < requests; done += 1) {
    world.nowMs += MINUTE_MS / perMinute;
    // Zipf with exponent 1: the rank is exponential in an even draw.
    const host =
      kind === "zipf"
        ? hostOf(Math.min(accounts - 1, Math.floor(accounts ** Math.random())))
        : `nobody-${Math.floor(Math.random() * 1e9).toString(36)}.${DOMAIN}`;
    await ask({ node: world, access: { ...access, nowMs: world.nowMs } }, host);
  }
  // Reads that the last requests started.
  await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    operations: world.counted.operations - before.operations,
    root: world.counted.root - before.root,
    requests,
  };
}

/** The whole router, created anew: what its first request for an account asks of KV, and the next one. */
async function cold(env: Env, context: ExecutionContext, accounts: number): Promise<Record<string, number>> {
  let operations = 0;
  const MAPS = new Proxy(env.MAPS, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        operations += 1;
        return Reflect.apply(value, target, args);
      };
    },
  });
  const router = createFirebreak();
  const fetchOne = async (number: number): Promise<number> => {
    const host = hostOf(number);
    const request = new Request(`http://${host}/`, { headers: { Host: host } });
    const response = await router.fetch(request, { ...env, MAPS }, context);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`the router answered ${response.status}`);
    return operations;
  };
  const from = performance.now();
  const first = await fetchOne(Math.floor(Math.random() * accounts));
  const ms = performance.now() - from;
  const second = (await fetchOne(Math.floor(Math.random() * accounts))) - first;
  return { first, second, ms };
}

async function answer(call: Call, env: Env, context: ExecutionContext): Promise<unknown> {
  if (call.call === "forget") [node, hosts, isSuperseded] = [null, [], null];
  if (call.call === "forget" || call.call === "nothing") return null;
  node ??= createNode(env);
  const access = { nowMs: node.nowMs, waitUntil: (work: Promise<unknown>) => context.waitUntil(work) };
  const asked = { node, access };
  switch (call.call) {
    case "touch":
      return touch(asked, call.accounts);
    case "decide":
      return decide(asked, call);
    case "minutes":
      return minutes(asked, call);
    case "flood":
      return flood({ world: node, access, baseDomains, domain: DOMAIN }, call);
    case "cold":
      return cold(env, context, call.accounts);
  }
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    try {
      return Response.json({ value: await answer(await request.json<Call>(), env, context) });
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return Response.json({ error: detail }, { status: 500 });
    }
  },
};
