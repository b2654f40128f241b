/**
 * The published maps as one isolate sees them: keeps the last good ones for ever, refreshes them in the background, and
 * answers requests from memory with a plain value. Refuses what is older, damaged, shrunken or over a limit, and goes on
 * with what it has. Fails stale; without anything readable it gives the compiled-in fallback and unresolved rows.
 * Reads KV and the Cache API only. Made once per isolate by the composition root; called by the edge on every request
 * that is not a health check. Accepts that readers differ for the minute or two that KV takes to spread.
 */
import { createHolding } from "./maps-reader/holding.ts";
import { createHotRows } from "./maps-reader/hot-rows.ts";
import { createMapsSource } from "./maps-reader/maps-source.ts";
import { createObjectReader } from "./maps-reader/objects.ts";
import { createRefresher } from "./maps-reader/refresher.ts";
import { createRows } from "./maps-reader/rows.ts";
import { createSchedule } from "./maps-reader/schedule.ts";
import { createShards } from "./maps-reader/shards.ts";
import { createSingleFlight, waitAtMost, type SharedLoad } from "./maps-reader/single-flight.ts";
import { COLD_WAIT_MS, REFRESH_MS } from "./maps-reader/timing.ts";
import type { MapsReader, MapsReaderDeps, MapsSnapshot, ReaderRequest } from "./maps-reader/types.ts";

/** No read is planned farther ahead than this. */
const MOST_AHEAD_MS = 2 * REFRESH_MS;

/** Makes the reader of one isolate. Reads nothing before the first request. */
export function createMapsReader(deps: MapsReaderDeps): MapsReader {
  const { clock } = deps;
  const objects = createObjectReader(deps);
  const shards = createShards(deps, objects);
  const hotRows = createHotRows();
  const holding = createHolding(deps, (index) => {
    shards.adopt(index);
    hotRows.clear();
  });
  const refresher = createRefresher(deps, {
    holding,
    objects,
    shards,
    source: createMapsSource(deps, objects),
  });
  const flight = createSingleFlight<void>(clock);
  const schedule = createSchedule(clock);
  /** Before this time, and before a document expires, there is nothing to do but to return what is served. */
  let dueMs = 0;

  function current(request: ReaderRequest): MapsSnapshot | Promise<MapsSnapshot> {
    const { nowMs } = request;
    // Farther ahead than any read is planned means that the clock was put back.
    const isQuiet = nowMs < dueMs && dueMs - nowMs <= MOST_AHEAD_MS;
    return isQuiet && nowMs < holding.expiresMs() ? holding.served() : attend(request);
  }

  /** Everything that is not answering from memory: expiry, refresh, waiting. */
  function attend(request: ReaderRequest): MapsSnapshot | Promise<MapsSnapshot> {
    const { nowMs } = request;
    if (nowMs >= holding.expiresMs()) holding.serve(nowMs);
    const load = flight.running(nowMs) ?? (schedule.isDue(nowMs) ? startRefresh(request) : null);
    const patienceMs = load === null ? 0 : schedule.patienceMs(nowMs, holding.serving());
    // While requests wait, those that come after them have to look again.
    dueMs = patienceMs > 0 ? nowMs : schedule.nextMs();
    if (load === null || patienceMs <= 0) return holding.given(nowMs);
    const enough = holding.served().root === null ? Promise.race([load.done, refresher.ready()]) : load.done;
    return waitAtMost(clock, enough, patienceMs).then(() => holding.given(clock.nowMs()));
  }

  async function renew(request: ReaderRequest): Promise<MapsSnapshot> {
    const { nowMs } = request;
    const load = flight.running(nowMs) ?? (schedule.mayHurry(nowMs) ? startRefresh(request) : null);
    if (load !== null) await waitAtMost(clock, load.done, COLD_WAIT_MS);
    return holding.given(clock.nowMs());
  }

  function startRefresh(request: ReaderRequest): SharedLoad<void> {
    schedule.begin(request.nowMs, holding.serving());
    let isConfirmed = false;
    return flight.start(
      request,
      async (ticket) => {
        isConfirmed = await refresher.refresh(ticket, request);
        if (isConfirmed) schedule.confirm(clock.nowMs());
        await refresher.frozen();
        if (ticket.live) settle(isConfirmed);
      },
      () => {
        deps.onFault("timeout", isConfirmed ? "the generation to hold" : "root");
        holding.goWithout(clock.nowMs());
        settle(isConfirmed);
      },
    );
  }

  function settle(confirmed: boolean): void {
    schedule.end(clock.nowMs(), { confirmed, fromKv: holding.serving() === "kv" });
    dueMs = schedule.nextMs();
  }

  return {
    current,
    renew,
    row: createRows(holding, shards, hotRows),
    generation: () => holding.served().generation,
    isWaking: (nowMs) => schedule.isWaking(nowMs),
    ageMs: (nowMs) => schedule.ageMs(nowMs),
  };
}
