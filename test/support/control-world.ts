/**
 * A control plane in a world that tests hold in their hands: a KV that can be killed, failed or hung at any operation, a
 * clock that moves only when told, and the alarm as a plain value. Works over any `Db`.
 */
import type { ReadPulse } from "../../src/adapters/pulse-meters.ts";
import type { WebhookPorts } from "../../src/contracts/webhook-port.ts";
import type { ReadUse } from "../../src/adapters/use-meters.ts";
import type { VersionInput } from "../../src/contracts/api/products.ts";
import type {
  CommandInputs,
  CommandName,
  CommandOutputs,
  WriteContext,
} from "../../src/contracts/control.ts";
import type { SendEvent } from "../../src/contracts/handover-port.ts";
import type { Role } from "../../src/contracts/env.ts";
import { indexKey, shardKey, type AccountRow, type Root } from "../../src/contracts/maps.ts";
import { KV_LAG_MS } from "../../src/contracts/move-data.ts";
import { settlingFor } from "../../src/contracts/settling.ts";
import type { Refusal } from "../../src/contracts/problems.ts";
import type { Result } from "../../src/contracts/result.ts";
import type { ControlConfig } from "../../src/control/config.ts";
import { createControl, type Control } from "../../src/control/control.ts";
import type { PreflightPorts } from "../../src/control/preflight/run.ts";
import type { Db } from "../../src/control/db.ts";
import type { MeasureTraffic } from "../../src/control/observations/gather.ts";
import type { MapsStore, ReadMirrored } from "../../src/control/publisher/ports.ts";
import type { HookPorts } from "../../src/control/rollouts/work-on.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { decodeIndex } from "../../src/core/maps/index-codec.ts";
import { shardOf } from "../../src/core/maps/key-hash.ts";
import { decodeRoot } from "../../src/core/maps/root-codec.ts";
import { checkRoot } from "../../src/core/maps/root-limits.ts";
import { openShard } from "../../src/core/maps/shard-codec.ts";

export const START = Date.parse("2026-11-23T12:00:00Z");

export interface Operation {
  readonly kind: "get" | "put" | "delete";
  readonly key: string;
}

/** KV in memory. From operation `dieAt` on nothing answers any more: the process is gone. */
export interface FakeKv extends MapsStore {
  readonly values: Map<string, string>;
  readonly operations: Operation[];
  /** Number of the operation (from 1) at which the process dies; `applied`: the write lands all the same. */
  die: { readonly at: number; readonly applied: boolean } | null;
  failure: Error | null;
  writes(): readonly string[];
}

export function createFakeKv(values = new Map<string, string>()): FakeKv {
  const operations: Operation[] = [];
  const gate = async (operation: Operation, land: () => void): Promise<void> => {
    await Promise.resolve();
    operations.push(operation);
    if (kv.failure !== null) throw kv.failure;
    if (kv.die !== null && operations.length >= kv.die.at) {
      if (operations.length === kv.die.at && kv.die.applied) land();
      await new Promise(() => undefined);
    }
    land();
  };
  const kv: FakeKv = {
    values,
    operations,
    die: null,
    failure: null,
    get: async (key) => {
      await gate({ kind: "get", key }, () => undefined);
      return values.get(key) ?? null;
    },
    put: (key, text) => gate({ kind: "put", key }, () => values.set(key, text)),
    delete: (key) => gate({ kind: "delete", key }, () => values.delete(key)),
    writes: () => operations.filter(({ kind }) => kind === "put").map(({ key }) => key),
  };
  return kv;
}

export interface FakeClock {
  now: number;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export function createFakeClock(now = START): FakeClock {
  const clock = {
    now,
    nowMs: () => clock.now,
    sleep: () => Promise.resolve(),
  };
  return clock;
}

export const CONFIG: ControlConfig = {
  adminHost: "admin.example.com",
  originAllow: [{ scheme: "https", host: "origins.example.net", below: true, port: 443 }],
  fallbackDomains: [{ product: "kiln", domain: "kiln.example.com" }],
  signsHooks: true,
  flipDelayMs: 60_000,
  settling: settlingFor(KV_LAG_MS),
  breakGlass: "",
};

export interface World {
  readonly db: Db;
  readonly kv: FakeKv;
  readonly clock: FakeClock;
  readonly control: Control;
  readonly wakeUp: { at: number | null };
}

export interface WorldParts {
  readonly db: Db;
  readonly kv?: FakeKv;
  readonly clock?: FakeClock;
  readonly config?: Partial<ControlConfig>;
  readonly preflight?: PreflightPorts;
  readonly mirrored?: ReadMirrored;
  readonly measure?: MeasureTraffic;
  readonly sendHook?: HookPorts["sendHook"];
  readonly seenIsolates?: HookPorts["seenIsolates"];
  readonly sendEvent?: SendEvent;
  readonly use?: ReadUse;
  readonly pulse?: ReadPulse;
  readonly webhooks?: WebhookPorts;
  /** Hears of the alarm that is asked for, in place of `wakeUp`. */
  readonly wake?: (at: number | null) => void;
}

/** No version can be reached. */
const NOWHERE: PreflightPorts = {
  exchange: async () => ({
    end: "not-connected",
    fault: "connect-failed",
    detail: "there is no network in this world",
    received: new Uint8Array(),
    ms: 0,
  }),
  routerHeader: null,
};

/** Starts a control plane; over a database that has been used it is a restart. */
export function createWorld({
  db,
  kv = createFakeKv(),
  clock = createFakeClock(),
  config = {},
  preflight = NOWHERE,
  mirrored = async () => [],
  measure = async () => null,
  sendHook = async () => ({ kind: "silent", why: "there is no network in this world" }),
  seenIsolates = async () => null,
  sendEvent = async () => ({ taken: true }),
  use = async () => null,
  pulse = async () => null,
  webhooks = { send: async () => ({ taken: true }), secret: ({ name, key }) => `whsec_${name}-${key}` },
  wake,
}: WorldParts): World {
  const wakeUp: World["wakeUp"] = { at: null };
  const control = createControl({
    db,
    store: kv,
    clock,
    config: { ...CONFIG, ...config },
    preflight,
    mirrored,
    measure,
    sendHook,
    seenIsolates,
    sendEvent,
    use,
    pulse,
    webhooks,
    wakeAt: (at) => {
      wakeUp.at = at;
      wake?.(at);
    },
  });
  return { db, kv, clock, control, wakeUp };
}

export function contextOf(role: Role = "admin", more: Partial<WriteContext> = {}): WriteContext {
  return {
    actor: { name: `the-${role}`, role, products: null },
    ifMatch: null,
    idempotencyKey: null,
    ...more,
  };
}

/** Executes a command that must succeed. */
export async function must<K extends CommandName>(
  world: World,
  name: K,
  input: CommandInputs[K],
): Promise<CommandOutputs[K]> {
  return valueOf(await world.control.execute(name, input, contextOf()));
}

export function valueOf<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw new Error(`refused: ${result.error.problem}: ${result.error.detail}`);
  return result.value;
}

export function refusalOf<T>(result: Result<T, Refusal>): Refusal {
  if (result.ok) throw new Error("was not refused");
  return result.error;
}

export const VERSION: Omit<VersionInput, "origin"> = {
  reversible: false,
  mixed: "ok",
  migration: { kind: "none" },
  events: null,
  upgradesFrom: null,
  requires: {},
  assets: [],
  notes: "",
};

/** Registers a version and takes it to live. */
export async function addLiveVersion(world: World, product: string, version: string): Promise<void> {
  const origin = `https://${product}-${version.replaceAll(".", "-")}.origins.example.net`;
  const put = await must(world, "version.put", { product, version, input: { ...VERSION, origin } });
  if (put.state === "live") return;
  for (const state of ["candidate", "live"] as const) {
    await must(world, "version.state.set", { product, version, input: { state, reason: "test" } });
  }
}

/** Two products with two live versions each; `1` is stable and default. */
export async function addProducts(world: World): Promise<void> {
  for (const product of ["kiln", "fogbugz"]) {
    await must(world, "product.put", {
      product,
      input: { domains: [`${product}.example.com`], timeouts: [] },
    });
    await addLiveVersion(world, product, "1");
    await addLiveVersion(world, product, "2");
  }
}

export async function addAccount(
  world: World,
  account: string,
  more: Partial<CommandInputs["account.put"]["input"]> = {},
): Promise<void> {
  await must(world, "account.put", {
    account,
    input: { timeZone: "Europe/Paris", cohort: "general", ...more },
  });
}

/** Longer than anything the publisher waits for, shorter than the watchdog over ticks. */
const SETTLE_HORIZON_MS = 100_000;

/** Runs alarms, moving the clock to each, until nothing is due soon. */
export async function settle(world: World, maxAlarms = 300): Promise<void> {
  for (let alarms = 0; alarms < maxAlarms; alarms++) {
    const { at } = world.wakeUp;
    if (at === null || at > world.clock.now + SETTLE_HORIZON_MS) return;
    world.clock.now = Math.max(world.clock.now, at);
    world.wakeUp.at = null;
    await world.control.alarm();
  }
  const problems = world.db.rows("SELECT name, value FROM meta WHERE name IN ('kv_problem', 'blocked')");
  throw new Error(`the publisher never comes to rest: ${JSON.stringify(problems)}`);
}

/** Everything a reader would load from a root, checked as readers check it. Throws when anything is missing or wrong. */
export interface ReadMaps {
  readonly root: Root;
  readonly shards: readonly string[];
  find(key: string): AccountRow | null;
  rows(): readonly AccountRow[];
}

export function readMaps(values: ReadonlyMap<string, string>, rootKey = "root"): ReadMaps {
  const text = values.get(rootKey);
  if (text === undefined) throw new Error(`${rootKey} is missing`);
  const decoded = decodeRoot(text);
  if (!decoded.ok) throw new Error(decoded.error.detail);
  const root = decoded.value;
  const refusal = checkRoot(root);
  if (refusal !== null) throw new Error(refusal.detail);
  const shards = root.index.inline ?? readIndex(values, root.index.hash);
  if (shards.length !== root.index.shards) throw new Error("the index has another number of shards");
  const opened = shards.map((hash) => {
    const shard = openShard(values.get(shardKey(hash)) ?? "", hash);
    if (!shard.ok) throw new Error(`shard ${hash}: ${shard.error.detail}`);
    return shard.value;
  });
  const accounts = opened.reduce((sum, shard) => sum + shard.accounts, 0);
  if (accounts !== root.accounts)
    throw new Error(`the root counts ${root.accounts} accounts, its shards ${accounts}`);
  const domains = opened.reduce((sum, shard) => sum + shard.domains, 0);
  if (domains !== root.domains)
    throw new Error(`the root counts ${root.domains} domains, its shards ${domains}`);
  const urgent = new Map(root.urgent.map((row) => [row.key, row]));
  return {
    root,
    shards,
    find: (key) => urgent.get(key) ?? opened[shardOf(key, shards.length)]?.find(key) ?? null,
    rows: () => opened.flatMap((shard) => [...shard.list()]).map((row) => urgent.get(row.key) ?? row),
  };
}

function readIndex(values: ReadonlyMap<string, string>, hash: string): readonly string[] {
  const index = decodeIndex(values.get(indexKey(hash)) ?? "", hash);
  if (!index.ok) throw new Error(`index ${hash}: ${index.error.detail}`);
  return index.value;
}

/** Version that a key gets of a product, or why none. */
export function decide(maps: ReadMaps, product: string, key: string): string {
  const row = maps.find(key);
  const slug = row?.slug ?? key;
  const decision = decideVersion({ root: maps.root, breakGlass: null, product, slug, row, override: null });
  if (decision.kind === "forward") return `${decision.version} by ${decision.reason}`;
  if (decision.kind === "hold") return `held ${decision.forward?.version ?? ""}`;
  return `unresolved: ${decision.why}`;
}

/** The version alone, without its reason. */
export function versionFor(maps: ReadMaps, product: string, key: string): string {
  return decide(maps, product, key).split(" ")[0] ?? "";
}
