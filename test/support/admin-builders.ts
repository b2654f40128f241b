/**
 * Builds an admin API with fakes around it, and requests to it. Nothing here decides: the maps are what the test gives.
 */
import { createHash } from "node:crypto";
import type { VerifyAccess } from "../../src/adapters/access-token.ts";
import type { Clock } from "../../src/adapters/clock.ts";
import type { Logger } from "../../src/adapters/logger.ts";
import type { MapsReader, MapsSnapshot, RowLookup } from "../../src/adapters/maps-reader/types.ts";
import { createAdmin, type Admin } from "../../src/admin/app.ts";
import { createRefusalNotes, type RefusalNotes } from "../../src/admin/refusal-notes.ts";
import type { AdminDeps, MeterPort } from "../../src/admin/deps.ts";
import type { Actor, ControlPort } from "../../src/contracts/control.ts";
import type { Config, Role } from "../../src/contracts/env.ts";
import type { FleetComparison } from "../../src/contracts/fleet.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import type { AccountRow, Replacement, Root } from "../../src/contracts/maps.ts";
import type { MeterTotals } from "../../src/contracts/observation.ts";
import type { SeenIsolate } from "../../src/contracts/telemetry.ts";
import { createBaseDomains } from "../../src/core/classify-request.ts";
import { createFakeControl, type FakeControl } from "./fake-control.ts";

const NO_COMPARISON: FleetComparison = {
  agree: 0,
  differ: 0,
  unnamed: 0,
  undecided: 0,
  forgotten: 0,
  accounts: [],
};

export const ADMIN_HOST = "admin.example.com";
export const NOW_MS = Date.parse("2026-11-28T22:05:00Z");
/** Bootstrap token of the role admin. */
export const BOOT_TOKEN = "boot-secret-0001";

export const CONFIG: Config = {
  environment: null,
  adminHost: ADMIN_HOST,
  fallback: { kiln: { domains: ["kiln.example.com"], origin: null } },
  originAllow: [{ scheme: "https", host: "origins.example.net", below: true, port: null }],
  trustedProxy: { kind: "cloudflare" },
  flipDelayMs: 0,
  settling: settlingFor(KV_LAG_MS),
  breakGlass: "",
  adminTokens: [
    { name: "boot", role: "admin", secret: BOOT_TOKEN },
    { name: "boot-viewer", role: "viewer", secret: "boot-viewer-0001" },
  ],
  overrideKeys: [{ kid: "k1", secret: "an-override-secret-0001" }],
  originKey: null,
  access: null,
};

/** A root of one product with two versions. */
export function buildRoot(changes: Partial<Root> = {}): Root {
  return {
    schema: 1,
    generation: 42,
    publishedAt: NOW_MS - 60_000,
    accounts: 3,
    domains: 1,
    removed: { accounts: 0, domains: 0 },
    halt: false,
    overrideEpoch: 0,
    products: {
      kiln: {
        domains: ["kiln.example.com"],
        stable: "2.8.0",
        default: "2.8.0",
        standby: null,
        versions: {
          "2.8.0": { origin: "https://kiln-2-8-0.origins.example.net", state: "live" },
          "2.9.0": { origin: "https://kiln-2-9-0.origins.example.net", state: "live" },
        },
        replacements: [],
        timeouts: [],
        hold: null,
      },
    },
    rollouts: [],
    urgent: [],
    index: { hash: "0".repeat(32), shards: 1, inline: ["1".repeat(32)] },
    ...changes,
  };
}

/** The same root with rules for versions of kiln that are being replaced. */
export function buildReplacingRoot(replacements: readonly Replacement[]): Root {
  const root = buildRoot();
  const kiln = root.products["kiln"];
  return kiln === undefined
    ? root
    : { ...root, products: { ...root.products, kiln: { ...kiln, replacements } } };
}

/** An account that has kiln. */
export function buildRow(changes: Partial<AccountRow> = {}): AccountRow {
  return {
    key: "acme",
    slug: "acme",
    product: null,
    homes: { kiln: "2.9.0" },
    group: -1,
    cell: null,
    deleted: false,
    pins: null,
    quarantine: null,
    hold: null,
    ...changes,
  };
}

/** Maps of the root and rows that a test gives. */
export function buildSnapshot(changes: Partial<MapsSnapshot> = {}): MapsSnapshot {
  const root = buildRoot();
  return {
    source: "kv",
    root,
    breakGlass: null,
    generation: root.generation,
    overrideEpoch: root.overrideEpoch,
    baseDomains: createBaseDomains([["kiln.example.com", "kiln"]]),
    ...changes,
  };
}

export interface AdminParts {
  readonly config?: Partial<Config>;
  readonly snapshot?: MapsSnapshot;
  readonly rows?: Readonly<Record<string, RowLookup>>;
  readonly seen?: () => Promise<readonly SeenIsolate[]>;
  readonly totals?: () => Promise<readonly MeterTotals[]>;
  readonly lately?: MeterPort["lately"];
  readonly accountLately?: MeterPort["accountLately"];
  readonly fleet?: (run: string) => Promise<FleetComparison>;
  readonly failed?: MeterPort["failed"];
  readonly isTooMany?: AdminDeps["isTooMany"];
  readonly kv?: ReadonlyMap<string, string>;
  readonly ageMs?: number;
  /** In place of one made of the parts above. */
  readonly maps?: MapsReader;
  /** In place of the fake. */
  readonly real?: ControlPort;
  /** Says whom Cloudflare Access vouches for. */
  readonly access?: VerifyAccess;
}

export interface TestAdmin {
  readonly admin: Admin;
  /** What the API notes refused attempts with; they are handed over at once. */
  readonly notes: RefusalNotes;
  readonly control: FakeControl;
  /** Lines of the log, as they would be written. */
  readonly log: string[];
  readonly clock: { nowMs: number };
  /** Makes a token that the control plane knows. */
  issue(actor: Partial<Actor> & { readonly role: Role }): string;
  /** Calls the API with the bootstrap token, or another one, or none. */
  call(path: string, init?: CallInit): Promise<Response>;
}

export interface CallInit {
  readonly method?: string;
  readonly token?: string | null;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: BodyInit | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Builds an admin API whose every neighbour is a fake. */
export function buildAdmin(parts: AdminParts = {}): TestAdmin {
  const control = createFakeControl();
  const log: string[] = [];
  const clock = { nowMs: NOW_MS };
  const snapshot = parts.snapshot ?? buildSnapshot();
  const kv = parts.kv ?? new Map<string, string>();
  let requests = 0;
  let tokens = 0;
  const config = { ...CONFIG, ...parts.config };
  const port = parts.real ?? control.port;
  // Time-outs never end and retries come at once: short waits pass, long ones do not.
  const timer: Clock = {
    nowMs: () => clock.nowMs,
    random: () => 0,
    sleep: (ms) => (ms < 5000 ? Promise.resolve() : new Promise(() => undefined)),
  };
  const logger: Logger = { line: (event, fields) => log.push(JSON.stringify({ event, ...fields })) };
  const notes = createRefusalNotes({
    send: (attempts) => port.noteRefused(attempts),
    trustedProxy: config.trustedProxy,
    clock: timer,
    logger,
  });
  const admin = createAdmin({
    config,
    control: port,
    notes,
    meters: {
      seen: parts.seen ?? (async () => []),
      hurt: async () => [],
      lately: parts.lately ?? (async () => []),
      accountLately: parts.accountLately ?? (async () => []),
      totals: parts.totals ?? (async () => []),
      fleet: parts.fleet ?? (async () => NO_COMPARISON),
      failed: parts.failed ?? (async () => []),
    },
    maps: parts.maps ?? {
      current: () => snapshot,
      renew: async () => snapshot,
      row: (_snapshot, key) => parts.rows?.[key] ?? { kind: "absent" },
      generation: () => snapshot.generation,
      isWaking: () => false,
      ageMs: () => parts.ageMs ?? 1000,
    },
    router: null,
    isTooMany: parts.isTooMany ?? (async () => false),
    kv: {
      get: async (key) => kv.get(key) ?? null,
      getMany: async (keys) => new Map(keys.map((key) => [key, kv.get(key) ?? null])),
    },
    access: parts.access ?? null,
    clock: timer,
    logger,
    requestId: () => `req-${++requests}`,
  });

  return {
    admin,
    notes,
    control,
    log,
    clock,
    issue(actor) {
      const token = `token-${++tokens}`;
      control.state.actors.set(sha256(token), { name: token, products: null, ...actor });
      return token;
    },
    call(path, init = {}) {
      return admin(buildRequest(path, init), { waitUntil: () => undefined });
    },
  };
}

/** A request to the admin host. */
export function buildRequest(
  path: string,
  { method = "GET", token = BOOT_TOKEN, json, body, headers = {} }: CallInit = {},
): Request {
  const all = new Headers(headers);
  if (token !== null) all.set("authorization", `Bearer ${token}`);
  if (json !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
  const content = json === undefined ? (body ?? null) : JSON.stringify(json);
  const streaming = content instanceof ReadableStream ? { duplex: "half" } : {};
  return new Request(`https://${ADMIN_HOST}${path}`, { method, headers: all, body: content, ...streaming });
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The documents of an NDJSON answer. */
export async function readDocuments(response: Response): Promise<unknown[]> {
  const text = new TextDecoder().decode(await response.arrayBuffer());
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}
