/**
 * Says how things stand: the control plane's own view with what edges reported, or, when it is down, what this node
 * serves, with warnings for all that is then unknown. It must not fail because a part fails: status is asked when things
 * are broken. Called by routes/insight.ts, metrics and the pages.
 */
import type { Status } from "../contracts/api/status.ts";
import type { MapsSnapshot } from "../adapters/maps-reader/types.ts";
import type { Root } from "../contracts/maps.ts";
import type { MeterIntake, MeterTotals } from "../contracts/observation.ts";
import type { SeenIsolate } from "../contracts/telemetry.ts";
import type { EpochMs } from "../contracts/units.ts";
import { tellBreakGlass } from "../core/break-glass-words.ts";
import { controlDown } from "./alarms.ts";
import type { AdminContext, MeterPort, Services } from "./deps.ts";

/** Hundredths of a percent in one. */
const BP_PER_PERCENT = 100;

/** `control`: whether the control plane answered. */
export interface StatusView {
  readonly status: Status;
  readonly control: boolean;
  readonly snapshot: MapsSnapshot;
  /** What the meters ever counted, each; null: they do not answer. */
  readonly meters: readonly MeterTotals[] | null;
}

/** Gathers the status. Never refuses. */
export async function loadStatus(services: Services, context: AdminContext): Promise<StatusView> {
  const { clock, control, maps } = services;
  const request = { nowMs: clock.nowMs(), waitUntil: context.waitUntil };
  const [seen, meters, snapshot] = await Promise.all([
    loadSeen(services),
    askMeters(services, (ports) => ports.totals()),
    maps.current(request),
  ]);
  const answer = await control.query("status", { seen: seen ?? [] });
  const status = answer.ok
    ? answer.value
    : nodeStatus(snapshot, seen ?? [], {
        nowMs: request.nowMs,
        silentSinceMs: control.silentSince() ?? request.nowMs,
      });
  const counting = countingOf(meters);
  const warnings = [...status.warnings, ...meterWarnings(seen, counting)];
  // During a deploy the object may be of a release that knows none.
  const alarms = Object.hasOwn(status, "alarms") ? status.alarms : [];
  return {
    status: {
      ...status,
      environment: services.config.environment,
      router: services.router,
      counting,
      alarms,
      warnings,
    },
    control: answer.ok,
    snapshot,
    meters,
  };
}

function countingOf(meters: readonly MeterTotals[] | null): Status["counting"] {
  if (meters === null || meters.length === 0) return null;
  const sum = (name: keyof MeterIntake): number => meters.reduce((all, { intake }) => all + intake[name], 0);
  return {
    requests: sum("requests"),
    droppedReports: sum("droppedReports"),
    droppedRequests: sum("droppedRequests"),
    droppedRequestsLastHour: sum("droppedRequestsLastHour"),
  };
}

function meterWarnings(seen: readonly SeenIsolate[] | null, counting: Status["counting"]): readonly string[] {
  if (seen === null) return ["The meters do not answer: what edges have seen is not known."];
  const lost = counting?.droppedRequestsLastHour ?? 0;
  if (lost === 0) return [];
  return [
    `Counts of ${lost} requests of the last hour were lost on their way to the meters; gates judge without them.`,
  ];
}

/** What edges reported lately; null when the meters cannot be asked. */
export function loadSeen(services: Services): Promise<readonly SeenIsolate[] | null> {
  return askMeters(services, (ports) => ports.seen());
}

async function askMeters<T>(
  { meters, logger }: Services,
  ask: (meters: MeterPort) => Promise<T>,
): Promise<T | null> {
  try {
    return await ask(meters);
  } catch (cause) {
    logger.line("admin.meters-unavailable", { cause });
    return null;
  }
}

/** The status as far as one node knows it from its maps. */
function nodeStatus(
  { root, breakGlass, generation, source }: MapsSnapshot,
  seen: readonly SeenIsolate[],
  { nowMs, silentSinceMs }: { readonly nowMs: EpochMs; readonly silentSinceMs: EpochMs },
): Status {
  const warnings = [
    `The control plane does not answer, here since ${toInstant(silentSinceMs)}. This is what one node serves; nothing automatic happens, and serving goes on unchanged.`,
  ];
  if (source !== "kv")
    warnings.push(
      source === "cache"
        ? "This node serves maps from its cache, not from KV."
        : "This node has no maps and serves the compiled-in fallback.",
    );
  return {
    now: toInstant(nowMs),
    halt: { on: (root?.halt ?? false) || (breakGlass?.halt ?? false), reason: null, by: null, at: null },
    breakGlass: {
      active: breakGlass !== null,
      reason: breakGlass?.reason ?? null,
      expires: breakGlass === null ? null : toInstant(breakGlass.expires),
      by: null,
      written: breakGlass === null || breakGlass.written === 0 ? null : toInstant(breakGlass.written),
      does: breakGlass === null ? [] : [...tellBreakGlass(breakGlass)],
    },
    published: {
      generation,
      at: root === null ? null : toInstant(root.publishedAt),
      state: "blocked",
      waiting: 0,
      oldestSeconds: null,
      problem: "The control plane does not answer, so it is not known what waits to be published.",
    },
    seen: summariseSeen(seen),
    lastTick: null,
    accounts: root?.accounts ?? 0,
    domains: root?.domains ?? 0,
    products: root === null ? [] : productsOf(root),
    rollouts: root === null ? [] : root.rollouts.map(rolloutOf),
    replacements: root === null ? [] : replacementsOf(root),
    counting: null,
    waiting: [],
    router: null,
    environment: null,
    alarms: [controlDown(silentSinceMs)],
    warnings,
  };
}

function productsOf({ products }: Root): Status["products"] {
  return Object.entries(products).map(([name, { stable, default: byDefault, standby, fleet }]) => ({
    name,
    stable,
    default: byDefault,
    standby,
    mode: fleet?.mode ?? "active",
    versions: {},
  }));
}

/** As the maps have it; how far it is only the control plane knows. */
function rolloutOf({ id, targets }: Root["rollouts"][number]): Status["rollouts"][number] {
  return { id, targets, phase: null, wave: null, reason: null, moved: null, accounts: null };
}

/** As the maps have them; why they are where they are only the control plane knows. */
function replacementsOf({ products }: Root): Status["replacements"] {
  return Object.entries(products).flatMap(([product, { replacements }]) =>
    replacements.map(({ from, to, below }) => ({
      product,
      from,
      to,
      percent: below / BP_PER_PERCENT,
      phase: null,
      reason: null,
    })),
  );
}

/**
 * Shares of the requests by the generation that answered them, newest generation first.
 * An isolate that served nothing counts as an isolate, and has no share.
 */
export function summariseSeen(seen: readonly SeenIsolate[]): Status["seen"] {
  const total = seen.reduce((sum, { requests }) => sum + requests, 0);
  const share = (isolates: readonly SeenIsolate[]): number =>
    total === 0 ? 0 : isolates.reduce((sum, { requests }) => sum + requests, 0) / total;
  const byGeneration = Map.groupBy(seen, ({ generation }) => generation);
  const generations = [...byGeneration]
    .toSorted(([a], [b]) => b - a)
    .map(([generation, isolates]) => ({ generation, share: share(isolates), isolates: isolates.length }));
  return {
    generations,
    highest: generations[0]?.generation ?? 0,
    breakGlassShare: share(seen.filter(({ breakGlass }) => breakGlass)),
    breakGlassIsolates: seen.filter(({ breakGlass }) => breakGlass).length,
  };
}

function toInstant(ms: EpochMs): string {
  return new Date(ms).toISOString();
}
