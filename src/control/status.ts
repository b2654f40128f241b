/**
 * The state of the whole, for people: what is published and since when, what waits and why, what edges serve, where
 * accounts are, what somebody should look at. Reads the tables, and KV once for break-glass; never fails because KV does.
 *
 * `published.state`: `idle` (nothing waits), `building` (shards are made or written), `settling` (written, waiting for
 * KV to spread, or for the root's turn), `blocked` (readers would refuse the next root; `problem` says what to do).
 * A failing KV leaves the state as it is and says so in `problem`.
 */
import type { Status } from "../contracts/api/status.ts";
import { BREAK_GLASS_KEY, type BreakGlass } from "../contracts/maps.ts";
import type { SeenIsolate } from "../contracts/telemetry.ts";
import { tellBreakGlass } from "../core/break-glass-words.ts";
import { chooseBreakGlass, parseBreakGlass } from "../core/maps/break-glass.ts";
import { movedAccounts } from "../core/rollout/groups.ts";
import { viewAlarms } from "./alarms/look.ts";
import { commandTime, toInstant, toInstantOrNull } from "./clock.ts";
import { refuseOriginHere } from "./commands/products.ts";
import type { Db } from "./db.ts";
import { eventWarnings } from "./handover/event-views.ts";
import { hasDirtyShards } from "./publisher/build.ts";
import { readBatch } from "./publisher/phase.ts";
import type { PublisherPorts } from "./publisher/ports.ts";
import { readInt, readIntOrNull } from "./row.ts";
import { readHalt } from "./store/halt.ts";
import { countHomes } from "./store/home-sets.ts";
import { readCounter, readMeta } from "./store/meta.ts";
import { loadFleet, loadFleets } from "./store/product-modes.ts";
import { loadProducts } from "./store/products.ts";
import { loadActiveReplacements } from "./store/replacements.ts";
import { loadActiveRollouts, loadFrozen, type RolloutRecord } from "./store/rollouts.ts";
import { loadPendingRoot, loadPublished } from "./store/roots.ts";
import { listWaiting } from "./waiting.ts";
import { webhookWarnings } from "./webhooks/dead.ts";
import { loadVersions } from "./store/versions.ts";

/** Requests of isolates that reported this lately make the shares. */
const SHARE_WINDOW_MS = 2 * 60 * 1000;
/** Hundredths of a percent in one. */
const BP_PER_PERCENT = 100;

/** Reads the whole status. */
export async function readStatus(ports: PublisherPorts, seen: readonly SeenIsolate[]): Promise<Status> {
  const { db, clock } = ports;
  const now = clock.nowMs();
  const { breakGlass, by, warning } = await readBreakGlass(ports);
  const lastTick = readCounter(db, "clock");
  return {
    now: toInstant(now),
    halt: readHalt(db),
    breakGlass: {
      active: breakGlass !== null,
      reason: breakGlass?.reason ?? null,
      expires: toInstantOrNull(breakGlass?.expires ?? null),
      by,
      written: toInstantOrNull(breakGlass?.written || null),
      does: breakGlass === null ? [] : [...tellBreakGlass(breakGlass)],
    },
    published: readPublished(db, now),
    seen: summarise(seen.filter(({ reportedAt }) => reportedAt >= now - SHARE_WINDOW_MS)),
    lastTick: lastTick === 0 ? null : toInstant(lastTick),
    accounts: readCounter(db, "accounts"),
    domains: readCounter(db, "domains"),
    products: loadProducts(db).map((product) => ({
      name: product.name,
      stable: product.stable,
      default: product.default,
      standby: product.standby,
      mode: loadFleet(db, product.name)?.mode ?? "active",
      versions: countAccounts(db, product.name),
    })),
    rollouts: loadActiveRollouts(db).map((record) => summariseRollout(db, record)),
    replacements: loadActiveReplacements(db).map(({ state: { plan, below, phase, reason } }) => ({
      product: plan.product,
      from: plan.from,
      to: plan.to,
      percent: below / BP_PER_PERCENT,
      phase,
      reason,
    })),
    // Meters are objects of their own, and another Worker version may be answering: whoever asks fills these in.
    counting: null,
    waiting: listWaiting(db, commandTime(db, clock)),
    router: null,
    environment: null,
    alarms: [...viewAlarms(ports)],
    warnings: [
      ...(warning === null ? [] : [warning]),
      ...holdWarnings(db),
      ...fleetWarnings(db),
      ...domainWarnings(ports),
      ...originWarnings(ports),
      ...eventWarnings(db, commandTime(db, clock)),
      ...webhookWarnings(db, commandTime(db, clock)),
    ],
  };
}

function summariseRollout(db: Db, { id, state }: RolloutRecord): Status["rollouts"][number] {
  const { plan, phase, wave, reason } = state;
  const frozen = loadFrozen(db, id);
  return {
    id,
    targets: plan.targets,
    phase,
    wave: plan.waves[wave]?.name ?? null,
    reason,
    moved: movedAccounts(state, frozen),
    accounts: frozen.reduce((sum, { buckets }) => sum + buckets.length, 0),
  };
}

function countAccounts(db: Db, product: string): Record<string, number> {
  const homes = countHomes(db, product);
  const counts: Record<string, number> = {};
  for (const { name, state } of loadVersions(db, product)) {
    if (state !== "retired") counts[name] = homes.get(name)?.accounts ?? 0;
  }
  return counts;
}

function readPublished(db: Db, now: number): Status["published"] {
  const row = db.rows(
    "SELECT coalesce(sum(changes), 0) AS waiting, min(at) AS oldest FROM outbox WHERE done_generation IS NULL",
  )[0];
  const oldest = readIntOrNull(row ?? {}, "oldest");
  const published = loadPublished(db);
  const blocked = readMeta(db, "blocked");
  return {
    generation: published?.generation ?? 0,
    at: toInstantOrNull(published?.at ?? null),
    state: blocked === null ? stateOf(db, oldest !== null) : "blocked",
    waiting: readInt(row ?? {}, "waiting"),
    oldestSeconds: oldest === null ? null : Math.max(0, Math.round((now - oldest) / 1000)),
    problem: blocked ?? kvProblem(db),
  };
}

function stateOf(db: Db, isWaiting: boolean): Status["published"]["state"] {
  const batch = readBatch(db);
  if (batch !== null) return batch.readyAt === null ? "building" : "settling";
  if (loadPendingRoot(db) !== null) return "settling";
  if (hasDirtyShards(db)) return "building";
  return isWaiting ? "settling" : "idle";
}

function kvProblem(db: Db): string | null {
  const problem = readMeta(db, "kv_problem");
  if (problem === null) return null;
  const since = toInstant(readCounter(db, "kv_failing_since"));
  return `publishing has been failing since ${since}: ${problem}. Changes are kept and tried again at most a minute apart; edges serve the last maps`;
}

function summarise(seen: readonly SeenIsolate[]): Status["seen"] {
  const total = seen.reduce((sum, { requests }) => sum + requests, 0);
  const byGeneration = Map.groupBy(seen, ({ generation }) => generation);
  const requestsOf = (isolates: readonly SeenIsolate[]): number =>
    isolates.reduce((sum, { requests }) => sum + requests, 0);
  const share = (isolates: readonly SeenIsolate[]): number =>
    total === 0 ? 0 : requestsOf(isolates) / total;
  return {
    generations: [...byGeneration]
      .map(([generation, isolates]) => ({ generation, share: share(isolates), isolates: isolates.length }))
      .toSorted((a, b) => b.generation - a.generation),
    highest: seen.reduce((highest, { generation }) => Math.max(highest, generation), 0),
    breakGlassShare: share(seen.filter(({ breakGlass }) => breakGlass)),
    breakGlassIsolates: seen.filter(({ breakGlass }) => breakGlass).length,
  };
}

interface BreakGlassReading {
  readonly breakGlass: BreakGlass | null;
  readonly by: Status["breakGlass"]["by"];
  readonly warning: string | null;
}

async function readBreakGlass({ store, config, clock }: PublisherPorts): Promise<BreakGlassReading> {
  const variable = parseBreakGlass(config.breakGlass);
  const ofVariable = variable.ok ? variable.value : null;
  const choose = (ofKv: BreakGlass | null, warning: string | null): BreakGlassReading => {
    const breakGlass = chooseBreakGlass(ofKv, ofVariable, clock.nowMs());
    const by = breakGlass === ofKv ? "kv" : "variable";
    return { breakGlass, by: breakGlass === null ? null : by, warning };
  };
  try {
    const stored = parseBreakGlass((await store.get(BREAK_GLASS_KEY)) ?? "");
    if (!stored.ok) return choose(null, `the key break-glass cannot be read: ${stored.error.detail}`);
    return choose(stored.value, variable.ok ? null : `BREAK_GLASS cannot be read: ${variable.error.detail}`);
  } catch {
    return choose(null, "KV could not be asked for break-glass just now");
  }
}

/** A product on its maintenance page is an outage that somebody chose: nobody should have to guess it. */
function holdWarnings(db: Db): readonly string[] {
  return loadProducts(db).flatMap(({ name, hold }) => {
    if (hold === null) return [];
    const mode = hold.mode === "page" ? "page" : "read-only";
    return [`${name} is held (${mode}) since ${hold.at} by ${hold.by}: ${hold.reason}`];
  });
}

/** Whoever looks for the effect of a change must know that nobody sees it yet. */
function fleetWarnings(db: Db): readonly string[] {
  return [...loadFleets(db).values()].map(
    ({ product, mode, origin, since, by, reason }) =>
      `${product} is in ${mode} since ${toInstant(since)} by ${by}: today's fleet at ${origin} answers all of it (${reason})`,
  );
}

/** Edges know base domains from their deployment alone, so that health never asks the maps; one that is only here is foreign. */
function domainWarnings({ db, config }: PublisherPorts): readonly string[] {
  const compiled = new Set(config.fallbackDomains.map(({ domain }) => domain));
  return loadProducts(db).flatMap(({ name, domains }) =>
    domains
      .filter((domain) => !compiled.has(domain))
      .map(
        (domain) =>
          `${domain} of ${name} is not in FALLBACK: edges answer it 421 until it is there and deployed`,
      ),
  );
}

/** A version whose origin is no longer allowed is still published; edges refuse to go there, and one of them is enough. */
function originWarnings({ db, config }: PublisherPorts): readonly string[] {
  return loadVersions(db)
    .filter(({ state }) => state !== "retired")
    .flatMap(({ product, name, origin }) => {
      const reason = refuseOriginHere({ db, config }, origin);
      return reason === null ? [] : [`${product} ${name} cannot be reached: ${reason}`];
    });
}
