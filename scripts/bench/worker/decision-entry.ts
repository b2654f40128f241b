/**
 * A pass-through Worker that decides and counts as the router does and changes no header: the difference between this and
 * the bare one is what decision and counters cost, the difference to the whole router what headers and checks cost.
 * Bundled by rows of the benchmark, never deployed. Takes the maps from KV by the router's own reader.
 */
// oxlint-disable no-restricted-imports -- the entry of a Worker, not a script that talks to one
import { systemClock } from "../../../src/adapters/clock.ts";
import { createMapsKv } from "../../../src/adapters/kv.ts";
import { createMapsCache } from "../../../src/adapters/maps-cache.ts";
import { createMapsReader } from "../../../src/adapters/maps-reader.ts";
import type { MapsReader } from "../../../src/adapters/maps-reader/types.ts";
import { createMeters, homeMeter, METERS, type MeterStub } from "../../../src/adapters/meters.ts";
import { createObservationSender } from "../../../src/adapters/observation-sender.ts";
import { createRequestCounts } from "../../../src/adapters/request-counts.ts";
import { createTelemetry, type Telemetry } from "../../../src/adapters/telemetry.ts";
import { parseEnv, type Config, type TextEnv } from "../../../src/contracts/env.ts";
import { classifyRequest, createBaseDomains, type BaseDomains } from "../../../src/core/classify-request.ts";
import { decideVersion } from "../../../src/core/decide-version.ts";

interface DecisionEnv extends TextEnv {
  readonly MAPS: KVNamespace;
  readonly METER: { getByName(name: string): unknown };
}

interface Node {
  readonly config: Config;
  readonly maps: MapsReader;
  readonly telemetry: Telemetry;
  readonly baseDomains: BaseDomains;
}

let node: Node | null = null;

function connect(env: DecisionEnv): Node {
  const parsed = parseEnv(env);
  if (!parsed.ok) throw new Error(parsed.error.join("; "));
  const config = parsed.value;
  const isolate = crypto.randomUUID();
  const meters = createMeters({
    meter: (name) => env.METER.getByName(name) as MeterStub,
    nowMs: () => systemClock.nowMs(),
  });
  const telemetry = createTelemetry({
    isolate,
    clock: systemClock,
    send: (report) => meters.send(report),
    counts: createRequestCounts({ meters: METERS, home: homeMeter(isolate) }),
    observations: createObservationSender({
      isolate,
      sleep: (ms) => systemClock.sleep(ms),
      send: (meter, report) => meters.observe(meter, report),
    }),
  });
  const maps = createMapsReader({
    kv: createMapsKv(env.MAPS),
    cache: createMapsCache(caches, config.adminHost),
    fallback: config.fallback,
    breakGlassVariable: config.breakGlass,
    clock: systemClock,
    onFault: (fault) => telemetry.fault(fault),
  });
  const owned = Object.entries(config.fallback).flatMap(([product, { domains }]) =>
    domains.map((domain) => [domain, product] as const),
  );
  return { config, maps, telemetry, baseDomains: createBaseDomains(owned) };
}

async function pass(
  request: Request,
  { config, maps, telemetry, baseDomains }: Node,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<Response> {
  const { method, url, headers } = request;
  const found = classifyRequest(
    { method, rawUrl: url, host: headers.get("host"), corsPreflight: false },
    { adminHost: config.adminHost, baseDomains },
  );
  if (found.kind !== "route" || found.slug === null) return new Response(found.kind, { status: 404 });
  const { product, slug } = found;
  const nowMs = systemClock.nowMs();
  const access = { nowMs, waitUntil };
  const loading = maps.current(access);
  const snapshot = loading instanceof Promise ? await loading : loading;
  const { root, breakGlass, generation } = snapshot;
  if (root === null) return new Response("no maps", { status: 503 });
  const looking = maps.row(snapshot, slug, access);
  const looked = looking instanceof Promise ? await looking : looking;
  const row = looked.kind === "row" ? looked.row : null;
  const decision = decideVersion({ root, breakGlass, product, slug, row, override: null });
  if (decision.kind !== "forward") return new Response(decision.kind, { status: 503 });
  const response = await fetch(decision.origin + found.pathAndQuery, request);
  const known = decision.account !== null;
  telemetry.observe({
    product,
    version: decision.version,
    generation,
    class: known ? "known" : "unknown",
    account: decision.account,
    end: "answered",
    status: response.status,
    latencyMs: systemClock.nowMs() - nowMs,
  });
  telemetry.count({
    outcome: "forwarded",
    generation,
    breakGlass: breakGlass !== null,
    refusedOverride: false,
  });
  telemetry.flushIfDue(nowMs, waitUntil);
  return response;
}

export default {
  fetch(request: Request, env: DecisionEnv, context: ExecutionContext): Promise<Response> {
    node ??= connect(env);
    return pass(request, node, (work) => context.waitUntil(work));
  },
};
