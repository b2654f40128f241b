/**
 * Since when a draining version may be switched off: nothing refers to it, no edge holds a connection to it, and no
 * request reached it for some minutes. Looked at once a tick; what is not known counts as in use, and whatever comes back
 * begins the time anew. Decides nothing about the version: a person switches it off. Called by tick.ts.
 */
import type { ReadUse, VersionUse } from "../../adapters/use-meters.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { listUses } from "../commands/version-state.ts";
import type { Db } from "../db.ts";
import { dropUse, loadUse, saveUse } from "../store/version-use.ts";
import { loadVersions, type VersionRecord } from "../store/versions.ts";

/** Longer than edges take to learn of maps, and than most people wait before they try again. */
export const QUIET_MS = 10 * 60_000;

/** Asks the meters; null when they cannot be asked. Never rejects, so that it can hold up no tick. */
export async function measureUse(read: ReadUse): Promise<VersionUse | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

/** Notes what is known at a tick; inside its transaction. */
export function noteUse(db: Db, use: VersionUse | null, nowMs: EpochMs): void {
  for (const version of loadVersions(db)) {
    const { product, name, state } = version;
    const before = loadUse(db, product, name);
    const count = countFor(use, version);
    const drains = state === "draining";
    if (!drains && count.sockets + count.streams === 0 && before === null) continue;
    // What is not draining and has nothing open is as everybody expects.
    if (!drains && use !== null && count.sockets + count.streams === 0) {
      dropUse(db, product, name);
      continue;
    }
    if (use === null && !drains) continue;
    const waits = drains ? waitsOf(db, version, { use, ...count, nowMs }) : [];
    saveUse(db, {
      product,
      version: name,
      ...count,
      measuredAt: use === null ? (before?.measuredAt ?? nowMs) : nowMs,
      safeSince: drains && waits.length === 0 ? (before?.safeSince ?? nowMs) : null,
      waits,
    });
  }
}

interface Count {
  readonly sockets: number;
  readonly streams: number;
  readonly seenAt: EpochMs | null;
}

function countFor(use: VersionUse | null, { product, name }: VersionRecord): Count {
  const isIt = (one: { readonly product: string; readonly version: string }): boolean =>
    one.product === product && one.version === name;
  const open = use?.open.filter(isIt) ?? [];
  const last = use?.last.filter(isIt).map(({ atMs }) => atMs) ?? [];
  return {
    sockets: open.reduce((sum, { sockets }) => sum + sockets, 0),
    streams: open.reduce((sum, { streams }) => sum + streams, 0),
    seenAt: last.length === 0 ? null : Math.max(...last),
  };
}

function waitsOf(
  db: Db,
  { product, name }: VersionRecord,
  known: Count & { readonly use: VersionUse | null; readonly nowMs: EpochMs },
): readonly string[] {
  const { use, sockets, streams, seenAt, nowMs } = known;
  const quietAt = seenAt === null ? null : seenAt + QUIET_MS;
  return [
    ...listUses(db, product, name),
    ...(use === null ? ["word of what edges hold open, which no meter gave"] : []),
    ...(sockets > 0 ? [`WebSockets that are open (${sockets})`] : []),
    ...(streams > 0 ? [`event streams that are open (${streams})`] : []),
    ...(quietAt !== null && quietAt > nowMs
      ? [`requests, which came until ${new Date(seenAt ?? 0).toISOString()}`]
      : []),
  ];
}
