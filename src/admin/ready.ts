/**
 * The deep check, for people and dashboards: can this node route, and can operators act?
 * It must never be pointed at by a load balancer (a control plane that is down would take every node out, which is the
 * incident this router exists for) and gives words only, because anybody who reaches the admin host may ask.
 * Its answer is kept for a few seconds, so that asking it often asks the control plane seldom. Called by routes/open.ts.
 */
import type { Ready } from "../contracts/api/operations.ts";
import type { Clock } from "../adapters/clock.ts";
import type { EpochMs } from "../contracts/units.ts";
import type { AdminContext, Services } from "./deps.ts";
import { loadSeen } from "./status.ts";

const KEPT_MS = 5_000;
/** Edges spread a new generation within two minutes; one behind is normal, this many is not. */
const MAX_BEHIND = 10;
/** A node refreshes every half minute; one that heard nothing for this long cannot. An idle one asks when it is asked. */
const MAX_AGE_MS = 120_000;
const NOTE =
  "For people and dashboards. Never point a load balancer at this: use OPTIONS / or GET / without a Host.";
const SOURCES = { kv: "published", cache: "cached", fallback: "compiled-in" } as const;

export interface ReadyCheck {
  check(services: Services, context: AdminContext): Promise<Ready>;
}

/** Builds the check of one isolate; it remembers its last answer. */
export function createReadyCheck(clock: Clock): ReadyCheck {
  let last: { readonly at: EpochMs; readonly ready: Ready } | null = null;
  return {
    async check(services, context) {
      const nowMs = clock.nowMs();
      if (last !== null && nowMs >= last.at && nowMs - last.at < KEPT_MS) return last.ready;
      const ready = await checkNow(services, context);
      last = { at: nowMs, ready };
      return ready;
    },
  };
}

async function checkNow(services: Services, context: AdminContext): Promise<Ready> {
  const { maps, control, clock } = services;
  const [snapshot, answer, seen] = await Promise.all([
    maps.current({ nowMs: clock.nowMs(), waitUntil: context.waitUntil }),
    control.query("halt", {}),
    loadSeen(services),
  ]);
  const highest = Math.max(0, ...(seen ?? []).map(({ generation }) => generation));
  const generation =
    seen === null || seen.length === 0
      ? "unknown"
      : highest - snapshot.generation > MAX_BEHIND
        ? "behind"
        : "current";
  const age = maps.ageMs(clock.nowMs()) > MAX_AGE_MS ? "old" : "fresh";
  const source = SOURCES[snapshot.source];
  const breakGlass = snapshot.breakGlass === null ? "none" : "active";
  const fine = age === "fresh" && generation !== "behind" && answer.ok && breakGlass === "none";
  const ready = snapshot.root === null ? "no" : fine ? "yes" : "degraded";
  return {
    ready,
    maps: source,
    age,
    generation,
    control: answer.ok ? "reachable" : "unreachable",
    breakGlass,
    note: NOTE,
  };
}
