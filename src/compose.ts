/**
 * Composition root: turns `Env` into configuration and adapters once per isolate and connects the rooms.
 * All memory of an isolate (last good maps, counters, limits) hangs on the value that `createFirebreak` returns, so
 * calling it again is a cold node. It decides nothing and does no I/O of its own; a broken configuration still answers
 * health checks. The admin surface is loaded by the first request that asks for it, because it brings zod along.
 */
import { createAnalytics, type AnalyticsDataset, type WriteAnalytics } from "./adapters/analytics.ts";
import { systemClock } from "./adapters/clock.ts";
import { createMapsKv } from "./adapters/kv.ts";
import type { RateLimitBinding } from "./adapters/location-limit.ts";
import { createLogger, type Logger } from "./adapters/logger.ts";
import { createMapsCache } from "./adapters/maps-cache.ts";
import { createMapsReader } from "./adapters/maps-reader.ts";
import type { MapsReader } from "./adapters/maps-reader/types.ts";
import { createMeters, homeMeter, METERS, type Meters, type MeterStub } from "./adapters/meters.ts";
import { bindingOf } from "./adapters/origin.ts";
import { createFailedReader, type FailedMeterStub } from "./adapters/failed-meters.ts";
import { createFailedRequests } from "./adapters/failed-requests.ts";
import { createFleetCounter } from "./adapters/fleet-counts.ts";
import { createFleetReader, type FleetMeterStub } from "./adapters/fleet-meters.ts";
import { createMirrorCounter } from "./adapters/mirror-counts.ts";
import { createObservationSender } from "./adapters/observation-sender.ts";
import { createOpenConnections, type OpenConnections } from "./adapters/open-connections.ts";
import { createOverrideVerifier } from "./adapters/override-token.ts";
import { createRequestIds, type RequestIds } from "./adapters/request-id.ts";
import { createRequestCounts, NO_COUNTS } from "./adapters/request-counts.ts";
import { createTelemetry, type Telemetry } from "./adapters/telemetry.ts";
import type { ControlPort } from "./contracts/control.ts";
import { parseEnv, type Config, type TextEnv } from "./contracts/env.ts";
import { createBrokenEdge } from "./edge/broken.ts";
import { toEdgeRequest } from "./edge/edge-request.ts";
import { createEdge, type EdgeDeps, type HandleRequest } from "./edge/handle.ts";
import { REQUEST_ID_HEADER } from "./edge/header-sets.ts";

/** Object namespaces as far as they are used here, so that this file need not load the objects' code. */
export interface Env extends TextEnv {
  readonly MAPS: KVNamespace;
  readonly CONTROL: { getByName(name: string): unknown };
  /** Optional: without meters edges serve as ever, count no requests, and their reports are counted as dropped. */
  readonly METER?: { getByName(name: string): unknown };
  /** Which upload of the Worker this is, so that a release can tell whom it reached. A local run has none. */
  readonly VERSION?: { readonly id: string; readonly tag: string };
  /** Optional dataset of Workers Analytics Engine: gets a copy of what is counted. */
  readonly ANALYTICS?: AnalyticsDataset;
  /** Optional rate limit of the location for failed authentications, beside that of the isolate. */
  readonly ADMIN_FAILURES?: RateLimitBinding;
}

/** The one control plane. A second name would be a second truth. */
const CONTROL_NAME = "control";
const CRON = "* * * * *";

export interface Firebreak {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response>;
  scheduled(controller: ScheduledController, env: Env, context: ExecutionContext): Promise<void>;
  /** Sends what was counted without waiting for its time. Only a local run asks for that; the platform knows no such call. */
  flush(): Promise<void>;
}

/** What one isolate is made of, once it has been asked something. */
interface Connected {
  readonly handle: HandleRequest;
  readonly flush: () => Promise<void>;
}

/** Creates the handlers of one isolate, cold. */
export function createFirebreak(): Firebreak {
  let connected: Connected | null = null;
  return {
    fetch(request, env, context) {
      connected ??= connect(env, request.cf?.colo);
      return connected.handle(toEdgeRequest(request, (work) => context.waitUntil(work)));
    },
    async scheduled(controller, env) {
      if (controller.cron !== CRON)
        throw new Error(`No schedule "${controller.cron}": wrangler.toml names "${CRON}" only`);
      await controlOf(env).tick(controller.scheduledTime);
    },
    flush: async () => connected?.flush(),
  };
}

/** @param colo where the isolate runs, as the platform says with its first request. */
function connect(env: Env, colo: unknown): Connected {
  const logger = createLogger();
  const requestIds = createRequestIds();
  try {
    const parsed = parseEnv(env);
    if (!parsed.ok) return unconnected(createBrokenEdge(parsed.error, { logger, requestIds }));
    return connectEdge(env, { config: parsed.value, logger, requestIds, colo });
  } catch (error) {
    // A variable that is no text, a binding that is not there: no reason to fail a health check.
    return unconnected(createBrokenEdge([String(error)], { logger, requestIds }));
  }
}

function unconnected(handle: HandleRequest): Connected {
  return { handle, flush: () => Promise.resolve() };
}

interface EdgeParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly requestIds: RequestIds;
  readonly colo: unknown;
}

function connectEdge(env: Env, { config, logger, requestIds, colo }: EdgeParts): Connected {
  const meters = createMeters({
    meter: (name) => (env.METER === undefined ? null : meterOf(env.METER, name)),
    nowMs: () => systemClock.nowMs(),
  });
  const mirrored = createMirrorCounter();
  const fleet = createFleetCounter();
  const failed = createFailedRequests();
  const isolate = crypto.randomUUID();
  const open: OpenConnections = createOpenConnections({
    sleep: (ms) => systemClock.sleep(ms),
    report: (waitUntil) => telemetry.flushIfDue(systemClock.nowMs(), waitUntil),
  });
  const telemetry = createTelemetry({
    isolate,
    listOpen: () => open.list(),
    clock: systemClock,
    takeMirrored: () => mirrored.take(),
    takeFleet: () => fleet.take(),
    takeFailed: () => failed.take(),
    send: (report) => meters.send(report),
    counts:
      env.METER === undefined && env.ANALYTICS === undefined
        ? NO_COUNTS
        : createRequestCounts({ meters: METERS, home: homeMeter(isolate) }),
    analytics: analyticsOf(env, colo, logger),
    observations: createObservationSender({
      isolate,
      sleep: (ms) => systemClock.sleep(ms),
      send: (meter, report) => meters.observe(meter, report),
    }),
  });
  const maps = connectMaps(env, { config, logger, telemetry });
  const handle = createEdge({
    config,
    maps,
    logger,
    telemetry,
    requestIds,
    clock: systemClock,
    overrides: createOverrideVerifier(config.overrideKeys),
    watchOpen: (response, opened) => open.watch(response, opened),
    countMirrored: (request) => mirrored.add(request),
    countFleet: (answer) => fleet.add(answer),
    noteFailed: (one) => failed.add(one),
    originFetch: (request) => fetch(request),
    bindings: (name) => bindingOf(env, name),
    admin: connectAdmin(env, { config, maps, meters: { ...meters, ...readersOf(env) }, logger }),
  });
  return { handle, flush: () => telemetry.flush() };
}

function analyticsOf({ ANALYTICS, VERSION }: Env, colo: unknown, logger: Logger): WriteAnalytics | undefined {
  if (ANALYTICS === undefined) return undefined;
  return createAnalytics({
    dataset: ANALYTICS,
    location: typeof colo === "string" ? colo : "",
    router: VERSION?.id ?? "",
    onFault: (error) => logger.line("analytics-fault", { error }),
  });
}

function connectMaps(
  env: Env,
  { config, logger, telemetry }: { config: Config; logger: Logger; telemetry: Telemetry },
): MapsReader {
  return createMapsReader({
    kv: createMapsKv(env.MAPS),
    cache: createMapsCache(caches, config.adminHost),
    fallback: config.fallback,
    breakGlassVariable: config.breakGlass,
    clock: systemClock,
    onFault: (fault, detail) => {
      telemetry.fault(fault);
      logger.line("maps-fault", { fault, detail });
    },
  });
}

type AdminMeters = Meters & ReturnType<typeof readersOf>;

function readersOf({ METER }: Env) {
  const stubOf = (name: string): unknown => METER?.getByName(name) ?? null;
  return {
    fleet: createFleetReader((name) => stubOf(name) as FleetMeterStub | null),
    failed: createFailedReader((name) => stubOf(name) as FailedMeterStub | null),
  };
}

interface AdminParts {
  readonly config: Config;
  readonly maps: MapsReader;
  readonly meters: AdminMeters;
  readonly logger: Logger;
}

function connectAdmin(env: Env, { config, maps, meters, logger }: AdminParts): EdgeDeps["admin"] {
  let admin: EdgeDeps["admin"] | null = null;
  return async (request, context) => {
    if (admin === null) {
      const [
        { createAdmin },
        { createDashboard },
        { createRefusalNotes },
        { connectAccess },
        { createLocationLimit },
      ] = await Promise.all([
        import("./admin/app.ts"),
        import("./dashboard/app.tsx"),
        import("./admin/refusal-notes.ts"),
        import("./adapters/access.ts"),
        import("./adapters/location-limit.ts"),
      ]);
      const control = controlOf(env);
      const notes = createRefusalNotes({
        send: (attempts) => control.noteRefused(attempts),
        trustedProxy: config.trustedProxy,
        clock: systemClock,
        logger,
      });
      const requestId = (asked: Request): string => asked.headers.get(REQUEST_ID_HEADER) ?? "";
      const api = createAdmin({
        config,
        maps,
        meters,
        logger,
        notes,
        control,
        kv: createMapsKv(env.MAPS),
        isTooMany: createLocationLimit(env.ADMIN_FAILURES),
        access: connectAccess(config.access, { clock: systemClock, logger }),
        router: env.VERSION === undefined ? null : { version: env.VERSION.id, tag: env.VERSION.tag },
        clock: systemClock,
        requestId,
      });
      const dashboard = createDashboard({
        admin: api,
        notes,
        access: config.access,
        log: (event, fields) => logger.line(event, fields),
        requestId,
        nowMs: () => systemClock.nowMs(),
      });
      admin = (asked, access) => (isApi(new URL(asked.url).pathname) ? api : dashboard)(asked, access);
    }
    return admin(request, context);
  };
}

/** What programs ask; everything else of the admin host is pages for people. */
function isApi(pathname: string): boolean {
  return pathname === "/readyz" || pathname === "/api" || pathname.startsWith("/api/");
}

/**
 * The control plane as a port. Each call takes a stub of its own, because a stub belongs to the request that made it and
 * the admin surface lives as long as the isolate. A stub has every method by name, so the types of RPC cannot say more;
 * the object's class says `implements ControlPort`.
 */
function controlOf(env: Env): ControlPort {
  const stub = (): ControlPort => env.CONTROL.getByName(CONTROL_NAME) as ControlPort;
  return {
    execute: (name, input, context) => stub().execute(name, input, context),
    query: (name, input) => stub().query(name, input),
    authenticate: (sha256) => stub().authenticate(sha256),
    findGranted: (identity) => stub().findGranted(identity),
    runPreflight: (asked, context) => stub().runPreflight(asked, context),
    importBegin: (begin, actor) => stub().importBegin(begin, actor),
    importBatch: (id, lines) => stub().importBatch(id, lines),
    importEnd: (id, rejected) => stub().importEnd(id, rejected),
    exportPage: (cursor) => stub().exportPage(cursor),
    restoreBegin: (actor, reason) => stub().restoreBegin(actor, reason),
    restoreLines: (lines) => stub().restoreLines(lines),
    restoreEnd: (highestSeen) => stub().restoreEnd(highestSeen),
    noteRefused: (attempts) => stub().noteRefused(attempts),
    tick: (scheduledTime) => stub().tick(scheduledTime),
  };
}

function meterOf(namespace: NonNullable<Env["METER"]>, name: string): MeterStub {
  return namespace.getByName(name) as MeterStub;
}
