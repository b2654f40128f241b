/**
 * One isolate of the data plane taken apart, for what no request from outside can tell: nanoseconds of a decision, reads of
 * KV, memory. The maps reader, the classification, the decision and the memory of hosts are the deployed ones, asked in the
 * order in which the edge asks them, with the reads of `isolate-node`. Called by rows of the benchmark over HTTP with
 * `{ call, … }`; bundled there, never deployed.
 */
// oxlint-disable no-restricted-imports -- the entry of a Worker, not a script that talks to one
import type { MapsSnapshot, ReaderRequest, RowLookup } from "../../../src/adapters/maps-reader/types.ts";
import { createFirebreak, type Env } from "../../../src/compose.ts";
import { classifyRequest, createBaseDomains } from "../../../src/core/classify-request.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";
import type { Decision } from "../../../src/core/decision.ts";
import { decodeRoot, encodeRoot } from "../../../src/core/maps/root-codec.ts";
import { createDecidedHosts } from "../../../src/edge/decided-hosts.ts";
import { DOMAIN, hostOf } from "../world/accounts.ts";
import { flood, MINUTE_MS, type Flood } from "./flood.ts";
import { createNode, type Node } from "./isolate-node.ts";

export { ControlPlane } from "../../../src/control/control-plane.ts";
export { Meter } from "../../../src/control/meter.ts";

/** How a look-up is made: `hot` from the hosts asked lately, `cold` not, `search` always by the shard. */
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

const baseDomains = createBaseDomains([[DOMAIN, "kiln"]]);

let node: Node | null = null;
interface Asked {
  readonly node: Node;
  readonly access: ReaderRequest;
}

let decided = createDecidedHosts();

/** The version of a host, as the edge finds it: what was decided lately, else host, row and rules. */
function lookUp(asked: Asked, snapshot: MapsSnapshot, host: string): string | Promise<RowLookup> {
  const kept = decided.find({ method: "GET", rawUrl: "/", host });
  if (kept !== null && kept.snapshot === snapshot) return versionOf(kept.decision, host);
  decided.serve(snapshot);
  return decide(asked, snapshot, { host, isKept: true });
}

function decide(
  { node: { reader }, access }: Asked,
  snapshot: MapsSnapshot,
  { host, isKept }: { readonly host: string; readonly isKept: boolean },
): string | Promise<RowLookup> {
  const found = classifyRequest(
    { method: "GET", rawUrl: "/", host, corsPreflight: false },
    { adminHost: "admin.bench.invalid", baseDomains },
  );
  if (found.kind !== "route" || found.slug === null) throw new Error(`${host} is ${found.kind}`);
  const { product, slug } = found;
  const looked = reader.row(snapshot, slug, access);
  if (looked instanceof Promise) return looked;
  if (looked.kind === "unresolved" || snapshot.root === null) throw new Error(`${host} is unresolved`);
  const { row, stale } = looked.kind === "row" ? looked : { row: null, stale: false };
  const { root, breakGlass } = snapshot;
  const decision = decideVersion({ root, breakGlass, product, slug, row, override: null });
  if (isKept) {
    const subject = { kind: "known-product", product, slug, row, stale } as const;
    decided.keep(host, { found, snapshot, subject, decision });
  }
  return versionOf(decision, host);
}

function versionOf(decision: Decision, host: string): string {
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
async function measure(
  asked: Asked,
  { how, accounts, times }: Extract<Call, { call: "decide" }>,
): Promise<number> {
  // As many texts whatever the number of accounts: what differs is to be the maps, not how far apart the hosts lie.
  const count = how === "hot" || how === "floor" ? HOT_HOSTS : COLD_HOSTS;
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
    const host = hosts[at] ?? "";
    const version =
      how === "search" ? decide(asked, snapshot, { host, isKept: false }) : lookUp(asked, asks, host);
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
  if (call.call === "forget") {
    [node, hosts, isSuperseded] = [null, [], null];
    decided = createDecidedHosts();
  }
  if (call.call === "forget" || call.call === "nothing") return null;
  node ??= createNode(env);
  const access = { nowMs: node.nowMs, waitUntil: (work: Promise<unknown>) => context.waitUntil(work) };
  const asked = { node, access };
  switch (call.call) {
    case "touch":
      return touch(asked, call.accounts);
    case "decide":
      return measure(asked, call);
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
