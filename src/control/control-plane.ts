/**
 * The Durable Object that owns the truth: a thin RPC class around `control.ts`. Its constructor brings the database to
 * the newest schema before anything else is delivered, and refuses to start on one it does not understand; its alarm
 * carries the publisher on and is armed again in `finally`, because an alarm that fails six times is dropped for ever.
 * Needs of the environment: the KV binding MAPS, METER where requests are mirrored, and the text variables of contracts/env.ts. A configuration with
 * problems makes every call fail, which the admin surface shows as "control plane cannot be reached".
 */
import { DurableObject } from "cloudflare:workers";
import { connect } from "cloudflare:sockets";
import { systemClock } from "../adapters/clock.ts";
import { createEventSender } from "../adapters/event-sender.ts";
import { createHookSender } from "../adapters/hook-sender.ts";
import { createMapsKv, MIN_CACHE_TTL_SECONDS } from "../adapters/kv.ts";
import { createMeters, type MeterStub } from "../adapters/meters.ts";
import { createMirrorReader, type MirrorMeterStub } from "../adapters/mirror-meters.ts";
import { createPulseReader, type PulseMeterStub, type ReadPulse } from "../adapters/pulse-meters.ts";
import { createUseReader, type ReadUse, type UseMeterStub } from "../adapters/use-meters.ts";
import { createRawExchange } from "../adapters/raw-exchange.ts";
import { createWebhookSender } from "../adapters/webhook-sender.ts";
import type {
  Actor,
  Authenticated,
  CommandInputs,
  CommandName,
  CommandOutputs,
  ControlPort,
  ExportPage,
  QueryInputs,
  QueryName,
  QueryOutputs,
  TickReport,
  WriteContext,
} from "../contracts/control.ts";
import type { BatchDone, ImportBegin, ImportEnded, NumberedLine } from "../contracts/import-port.ts";
import { parseEnv, type NamedKey, type TextEnv } from "../contracts/env.ts";
import type { PreflightAsked, PreflightDone } from "../contracts/preflight-port.ts";
import type { Refusal } from "../contracts/problems.ts";
import type { RefusedAttempts } from "../contracts/refused.ts";
import type { Result } from "../contracts/result.ts";
import type { EpochMs, Generation } from "../contracts/units.ts";
import { createFirebreakHeader } from "../core/firebreak-header.ts";
import { toControlConfig } from "./config.ts";
import { createControl, type Control, type ControlPorts } from "./control.ts";
import type { MeasureTraffic } from "./observations/gather.ts";
import { createDb } from "./db.ts";
import type { PreflightPorts } from "./preflight/run.ts";
import type { MapsStore, ReadMirrored } from "./publisher/ports.ts";

/** Bindings and variables that the object uses. */
export interface ControlEnv extends TextEnv {
  readonly MAPS: KVNamespace;
  /** Optional: without meters no request is counted and nothing that is mirrored known, and nothing passes by it. */
  readonly METER?: { getByName(name: string): unknown };
}

/** A KV operation that takes longer has failed: nothing may wait for ever on the lock that the publisher holds. */
const STORE_DEADLINE_MS = 20_000;
/** A tick waits this long for the meters. */
const METERS_DEADLINE_MS = 5000;

/** Request id of every probe, so that origins can tell them from traffic. */
const PROBE_REQUEST_ID = "preflight";

export class ControlPlane extends DurableObject<ControlEnv> implements ControlPort {
  readonly #control: Promise<Control>;

  constructor(ctx: DurableObjectState, env: ControlEnv) {
    super(ctx, env);
    this.#control = ctx.blockConcurrencyWhile(async () => startControl(ctx, env));
  }

  async execute<K extends CommandName>(
    name: K,
    input: CommandInputs[K],
    context: WriteContext,
  ): Promise<Result<CommandOutputs[K], Refusal>> {
    return (await this.#control).execute(name, input, context);
  }

  async query<K extends QueryName>(
    name: K,
    input: QueryInputs[K],
  ): Promise<Result<QueryOutputs[K], Refusal>> {
    return (await this.#control).query(name, input);
  }

  async authenticate(sha256: string): Promise<Authenticated | null> {
    return (await this.#control).authenticate(sha256);
  }

  async findGranted(identity: string): Promise<Actor | null> {
    return (await this.#control).findGranted(identity);
  }

  async runPreflight(asked: PreflightAsked, context: WriteContext): Promise<Result<PreflightDone, Refusal>> {
    return (await this.#control).runPreflight(asked, context);
  }

  async importBegin(begin: ImportBegin, actor: Actor): Promise<Result<null, Refusal>> {
    return (await this.#control).importBegin(begin, actor);
  }

  async importBatch(id: string, lines: readonly NumberedLine[]): Promise<Result<BatchDone, Refusal>> {
    return (await this.#control).importBatch(id, lines);
  }

  async importEnd(id: string, rejected: number): Promise<Result<ImportEnded, Refusal>> {
    return (await this.#control).importEnd(id, rejected);
  }

  async exportPage(cursor: string | null): Promise<ExportPage> {
    return (await this.#control).exportPage(cursor);
  }

  async restoreBegin(actor: Actor, reason: string): Promise<Result<null, Refusal>> {
    return (await this.#control).restoreBegin(actor, reason);
  }

  async restoreLines(lines: readonly string[]): Promise<Result<null, Refusal>> {
    return (await this.#control).restoreLines(lines);
  }

  async restoreEnd(highestSeen: Generation): Promise<Result<{ readonly generation: Generation }, Refusal>> {
    return (await this.#control).restoreEnd(highestSeen);
  }

  async noteRefused(attempts: readonly RefusedAttempts[]): Promise<void> {
    return (await this.#control).noteRefused(attempts);
  }

  async tick(scheduledTime: EpochMs): Promise<TickReport> {
    return (await this.#control).tick(scheduledTime);
  }

  override async alarm(): Promise<void> {
    await (await this.#control).alarm();
  }
}

function startControl(ctx: DurableObjectState, env: ControlEnv): Control {
  const config = parseEnv(env);
  if (!config.ok) throw new Error(`the configuration has problems: ${config.error.join("; ")}`);
  return createControl({
    db: createDb(ctx.storage),
    store: createStore(env.MAPS),
    clock: systemClock,
    config: toControlConfig(config.value),
    preflight: createPreflight(config.value.originKey),
    mirrored: createReadMirrored(env.METER),
    measure: createMeasure(env.METER),
    sendHook: createHookSender({
      fetch: (url, init) => fetch(url, init),
      originKey: config.value.originKey,
      nowMs: () => systemClock.nowMs(),
    }),
    seenIsolates: createSeen(env.METER),
    use: createReadUse(env.METER),
    pulse: createReadPulse(env.METER),
    sendEvent: createEventSender({
      fetch: (url, init) => fetch(url, init),
      nowMs: () => systemClock.nowMs(),
      key: config.value.originKey,
    }),
    webhooks: createWebhookSender({
      fetch: (url, init) => fetch(url, init),
      nowMs: () => systemClock.nowMs(),
      key: config.value.originKey,
    }),
    wakeAt: (at) => {
      // Not awaited: the write is part of the object's storage and is held back by its output gate like any other.
      const armed =
        at === null ? ctx.storage.deleteAlarm() : ctx.storage.setAlarm(Math.max(at, systemClock.nowMs()));
      ctx.waitUntil(armed);
    },
  });
}

/** Probes go out as raw sockets, and claim what the router would, signed with the same key. */
function createPreflight(originKey: NamedKey | null): PreflightPorts {
  const write = createFirebreakHeader(originKey);
  return {
    exchange: createRawExchange({ connect, nowMs: () => systemClock.nowMs() }),
    routerHeader: (claim, nowMs) => write({ ...claim, requestId: PROBE_REQUEST_ID }, nowMs),
  };
}

/** The stub has every method by name; the meter's class says which there are. */
function createReadMirrored(namespace: ControlEnv["METER"]): ReadMirrored {
  const read = createMirrorReader((name) =>
    namespace === undefined ? null : (namespace.getByName(name) as MirrorMeterStub),
  );
  return (runs) => withDeadline("ask the meters", METERS_DEADLINE_MS, read(runs));
}

function createMeasure(namespace: ControlEnv["METER"]): MeasureTraffic {
  const meters = createMeters({
    meter: (name) => (namespace === undefined ? null : (namespace.getByName(name) as MeterStub)),
    nowMs: () => systemClock.nowMs(),
  });
  return (tick) => meters.tick(tick);
}

function createReadUse(namespace: ControlEnv["METER"]): ReadUse {
  const read = createUseReader(
    (name) => (namespace === undefined ? null : (namespace.getByName(name) as UseMeterStub)),
    () => systemClock.nowMs(),
  );
  return () => withDeadline("ask the meters", METERS_DEADLINE_MS, read());
}

function createReadPulse(namespace: ControlEnv["METER"]): ReadPulse {
  const read = createPulseReader((name) =>
    namespace === undefined ? null : (namespace.getByName(name) as PulseMeterStub),
  );
  return () => withDeadline("ask the meters", METERS_DEADLINE_MS, read());
}

/** Null: this deployment has no meters. */
function createSeen(namespace: ControlEnv["METER"]): ControlPorts["seenIsolates"] {
  if (namespace === undefined) return async () => null;
  const meters = createMeters({
    meter: (name) => namespace.getByName(name) as MeterStub,
    nowMs: () => systemClock.nowMs(),
  });
  return () => withDeadline("ask the meters", METERS_DEADLINE_MS, meters.seen());
}

function createStore(namespace: KVNamespace): MapsStore {
  const kv = createMapsKv(namespace);
  return {
    get: (key) => withDeadline(`get ${key}`, STORE_DEADLINE_MS, kv.get(key, MIN_CACHE_TTL_SECONDS)),
    put: (key, text) => withDeadline(`put ${key}`, STORE_DEADLINE_MS, kv.put(key, text)),
    delete: (key) => withDeadline(`delete ${key}`, STORE_DEADLINE_MS, kv.delete(key)),
  };
}

/** The timer is cleared as soon as the operation ends: a running one keeps the object in memory, and on the bill. */
async function withDeadline<T>(what: string, afterMs: number, operation: Promise<T>): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    deadline.reject(new Error(`${what} took more than ${afterMs / 1000} s`));
  }, afterMs);
  try {
    return await Promise.race([operation, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
