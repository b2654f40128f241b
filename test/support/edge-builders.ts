/**
 * Builds an edge and requests for it, with everything around it replaced by small recording fakes of the ports.
 * Runs on plain Node and inside workerd alike. Origins are a function by default; tests that need a real server pass its
 * fetch. Nothing here decides: what a test relies on is said in the test.
 */
import type { FleetAnswer } from "../../src/adapters/fleet-counts.ts";
import type { MapsReader, MapsSnapshot, RowLookup } from "../../src/adapters/maps-reader/types.ts";
import type { MirroredRequest } from "../../src/adapters/mirror-counts.ts";
import type { CreateRequest, OriginBinding, OriginFetch } from "../../src/adapters/origin.ts";
import { createOverrideVerifier } from "../../src/adapters/override-token.ts";
import type { ObservedRequest } from "../../src/adapters/request-counts.ts";
import type { Telemetry } from "../../src/adapters/telemetry.ts";
import type { Config } from "../../src/contracts/env.ts";
import type { FailedRequest } from "../../src/contracts/failed-request.ts";
import {
  MAPS_SCHEMA,
  NO_GROUP,
  type AccountRow,
  type BreakGlass,
  type Root,
  type RootProduct,
} from "../../src/contracts/maps.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import { parseOriginAllow } from "../../src/contracts/origin-rules.ts";
import type { Outcome } from "../../src/contracts/telemetry.ts";
import { createBaseDomains } from "../../src/core/classify-request.ts";
import type { EdgeRequest } from "../../src/edge/edge-request.ts";
import { createEdge, type HandleRequest } from "../../src/edge/handle.ts";

export const NOW_MS = Date.UTC(2026, 10, 23, 12, 0, 0);
export const ADMIN_HOST = "admin.example.com";
export const OVERRIDE_KEY = { kid: "test", secret: "test-override-key-0123456789" };
export const ORIGIN_KEY = { kid: "o1", secret: "test-origin-key-0123456789" };

export function buildConfig(changes: Partial<Config> = {}): Config {
  const allow = parseOriginAllow("https://*.origins.example.net http://127.0.0.1:* binding:*");
  return {
    environment: null,
    adminHost: ADMIN_HOST,
    fallback: {
      kiln: { domains: ["kiln.example.com"], origin: null },
      fogbugz: { domains: ["fogbugz.example.com"], origin: null },
    },
    originAllow: allow.ok ? allow.value : [],
    trustedProxy: { kind: "none" },
    flipDelayMs: 0,
    settling: settlingFor(KV_LAG_MS),
    breakGlass: "",
    adminTokens: [],
    overrideKeys: [OVERRIDE_KEY],
    originKey: null,
    access: null,
    ...changes,
  };
}

export function buildProduct(changes: Partial<RootProduct> = {}): RootProduct {
  return {
    domains: ["kiln.example.com"],
    stable: "2.8.0",
    default: "2.8.0",
    standby: null,
    versions: {
      "2.7.0": { origin: "https://kiln-270.origins.example.net", state: "live" },
      "2.8.0": { origin: "https://kiln-280.origins.example.net", state: "live" },
      "2.9.0": { origin: "https://kiln-290.origins.example.net", state: "candidate" },
    },
    replacements: [],
    timeouts: [],
    hold: null,
    ...changes,
  };
}

export function buildRoot(changes: Partial<Root> = {}): Root {
  return {
    schema: MAPS_SCHEMA,
    generation: 7,
    publishedAt: NOW_MS - 60_000,
    accounts: 2,
    domains: 1,
    removed: { accounts: 0, domains: 0 },
    halt: false,
    overrideEpoch: 0,
    products: { kiln: buildProduct() },
    rollouts: [],
    urgent: [],
    index: { hash: "0".repeat(32), shards: 1, inline: [] },
    ...changes,
  };
}

export function buildRow(slug: string, changes: Partial<AccountRow> = {}): AccountRow {
  return {
    key: slug,
    slug,
    product: null,
    homes: { kiln: "2.9.0" },
    group: NO_GROUP,
    cell: null,
    deleted: false,
    pins: null,
    quarantine: null,
    hold: null,
    ...changes,
  };
}

export interface FakeMaps extends MapsReader {
  readonly asked: string[];
}

export interface MapsContent {
  readonly root?: Root | null;
  readonly rows?: readonly AccountRow[];
  /** Keys whose shard cannot be read. */
  readonly unreadable?: readonly string[];
  readonly breakGlass?: BreakGlass | null;
  /** Since KV confirmed them. */
  readonly ageMs?: number;
  /** What a read gives that is asked for because these are too old; left out: it fails. */
  readonly newer?: Pick<MapsContent, "root" | "rows">;
  /** The isolate was idle and reads: until `renew` was asked for. */
  readonly waking?: boolean;
}

/** A reader of maps that are simply given. Base domains are the compiled-in ones and the root's. */
export function buildMaps(config: Config, content: MapsContent = {}): FakeMaps {
  const { unreadable = [], breakGlass = null, newer } = content;
  let { rows = [buildRow("acme")], ageMs = 0, waking = false } = content;
  const snapshotOf = (root: Root | null): MapsSnapshot => makeSnapshot(config, root, breakGlass);
  let snapshot = snapshotOf(content.root === undefined ? buildRoot() : content.root);
  const asked: string[] = [];
  return {
    asked,
    current: () => snapshot,
    async renew() {
      waking = false;
      if (newer === undefined) return snapshot;
      snapshot = snapshotOf(newer.root ?? buildRoot());
      rows = newer.rows ?? rows;
      ageMs = 0;
      return snapshot;
    },
    row(_snapshot, key): RowLookup {
      asked.push(key);
      if (unreadable.includes(key)) return { kind: "unresolved" };
      const row = rows.find((each) => each.key === key);
      return row === undefined ? { kind: "absent" } : { kind: "row", row, stale: false };
    },
    generation: () => snapshot.generation,
    isWaking: () => waking,
    ageMs: () => ageMs,
  };
}

function makeSnapshot(config: Config, root: Root | null, breakGlass: BreakGlass | null): MapsSnapshot {
  const domains = new Map<string, string>();
  const products = [...Object.entries(config.fallback), ...Object.entries(root?.products ?? {})];
  for (const [product, entry] of products) for (const domain of entry.domains) domains.set(domain, product);
  return {
    source: root === null ? "fallback" : "kv",
    root,
    breakGlass,
    generation: root?.generation ?? 0,
    overrideEpoch: root?.overrideEpoch ?? 0,
    baseDomains: createBaseDomains(domains),
  };
}

export interface LogLine {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What one origin attempt was asked, as an origin would see it. */
export interface SeenRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly init: RequestInit;
}

export interface TestEdge {
  readonly handle: HandleRequest;
  /** Builds the request and handles it. */
  fetch(host: string | null, target?: string, init?: RequestParts): Promise<Response>;
  readonly seen: SeenRequest[];
  readonly outcomes: Outcome[];
  readonly lines: LogLine[];
  readonly maps: FakeMaps;
  readonly waited: Promise<unknown>[];
  readonly mirrored: MirroredRequest[];
  /** How answers of today's fleet compared. */
  readonly compared: FleetAnswer[];
  /** What counted for a version. */
  readonly observed: ObservedRequest[];
  /** Failed requests that were noted for whoever asks by their id. */
  readonly failed: FailedRequest[];
  readonly flushes: number[];
  /** How requests ended whose override did not count. */
  readonly refusedOverrides: Outcome[];
  /** Moves the edge's clock. */
  advance(ms: number): void;
}

export interface EdgeOptions extends MapsContent {
  readonly config?: Partial<Config>;
  readonly maps?: MapsReader;
  readonly origin?: (request: SeenRequest) => Response | Promise<Response>;
  readonly originFetch?: OriginFetch;
  readonly bindings?: Readonly<Record<string, OriginBinding>>;
  readonly admin?: (request: Request) => Response | Promise<Response>;
  readonly telemetry?: Telemetry;
  /** How far its clock has got by itself; it stands when left out. */
  readonly elapsedMs?: () => number;
}

/** An edge with fakes around it. */
export function buildEdge(options: EdgeOptions = {}): TestEdge {
  const config = buildConfig(options.config);
  const maps = buildMaps(config, options);
  const seen: SeenRequest[] = [];
  const outcomes: Outcome[] = [];
  const lines: LogLine[] = [];
  const waited: Promise<unknown>[] = [];
  const mirrored: MirroredRequest[] = [];
  const compared: FleetAnswer[] = [];
  const observed: ObservedRequest[] = [];
  const failed: FailedRequest[] = [];
  const flushes: number[] = [];
  const refusedOverrides: Outcome[] = [];
  let nowMs = NOW_MS;
  let ids = 0;

  // What a request was made of: Node's knows nothing of `cf`, and writes addresses its own way.
  const madeOf = new WeakMap<Request, { readonly url: string; readonly init: RequestInit }>();
  const createRequest: CreateRequest = (input, init) => {
    const request = new Request(input, { ...init, duplex: "half" } as RequestInit);
    madeOf.set(request, { url: typeof input === "string" ? input : input.url, init });
    return request;
  };
  const originFetch: OriginFetch = async (outgoing) => {
    const { method, headers } = outgoing;
    const { url, init } = madeOf.get(outgoing) ?? { url: outgoing.url, init: {} };
    const request = { url, method, headers, init: { ...init, headers } };
    seen.push(request);
    return (await options.origin?.(request)) ?? new Response("from origin");
  };
  const telemetry: Telemetry = options.telemetry ?? {
    count: ({ outcome, refusedOverride }) => {
      outcomes.push(outcome);
      if (refusedOverride) refusedOverrides.push(outcome);
    },
    countOutcome: (outcome) => void outcomes.push(outcome),
    fault: () => undefined,
    observe: (request) => void observed.push(request),
    flushIfDue: (at) => void flushes.push(at),
  };
  const handle = createEdge({
    config,
    maps: options.maps ?? maps,
    clock: { nowMs: () => nowMs + (options.elapsedMs?.() ?? 0) },
    logger: { line: (event, fields) => void lines.push({ event, fields }) },
    telemetry,
    overrides: createOverrideVerifier(config.overrideKeys),
    countMirrored: (request) => void mirrored.push(request),
    countFleet: (answer) => void compared.push(answer),
    noteFailed: (one) => void failed.push(one),
    originFetch: options.originFetch ?? originFetch,
    createRequest,
    bindings: (name) => options.bindings?.[name] ?? null,
    admin: async (request) => options.admin?.(request) ?? new Response("admin"),
    requestIds: () => `id-${++ids}`,
    // Node has no streams of a fixed length; a plain one does where no wire is involved.
    ...(typeof FixedLengthStream === "undefined"
      ? { createPipe: () => new TransformStream<Uint8Array, Uint8Array>() }
      : {}),
  });
  return {
    handle,
    fetch: (host, target = "/", parts = {}) =>
      handle(buildRequest(host, target, { ...parts, waitUntil: (work) => void waited.push(work) })),
    seen,
    outcomes,
    lines,
    maps,
    waited,
    mirrored,
    failed,
    compared,
    observed,
    flushes,
    refusedOverrides,
    advance(ms) {
      nowMs += ms;
    },
  };
}

export interface RequestParts {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: ReadableStream<Uint8Array> | null;
  readonly signal?: AbortSignal;
  readonly waitUntil?: (work: Promise<unknown>) => void;
}

/** The plain value that the edge takes. `raw` is only an object that admin can be reached with. */
export function buildRequest(
  host: string | null,
  target: string,
  { method = "GET", headers, body = null, signal, waitUntil = () => undefined }: RequestParts = {},
): EdgeRequest {
  return {
    method,
    rawUrl: target,
    host,
    headers: new Headers(headers),
    body,
    signal: signal ?? new AbortController().signal,
    raw: new Request("https://raw.invalid/", { method, ...(headers === undefined ? {} : { headers }) }),
    waitUntil,
  };
}
