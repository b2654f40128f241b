/**
 * The row of a key as one snapshot's maps know it: hot rows first, then the root's urgent rows, then the shard, with the
 * urgent row of the account laid over that of a custom host. A plain value unless a shard has to be read; never rejects.
 */
import type { Holding } from "./holding.ts";
import type { HotRows } from "./hot-rows.ts";
import { UNRESOLVED, type Shards } from "./shards.ts";
import { withUrgent } from "./snapshots.ts";
import type { HeldMaps, MapsReader, MapsSnapshot, ReaderRequest, RowLookup } from "./types.ts";

/** Makes the row look-up of one isolate. `hotRows` is emptied by its owner when other maps are served. */
export function createRows(holding: Holding, shards: Shards, hotRows: HotRows): MapsReader["row"] {
  function row(snapshot: MapsSnapshot, key: string, request: ReaderRequest): RowLookup | Promise<RowLookup> {
    const hot = snapshot === holding.served() ? hotRows.get(key) : undefined;
    return hot ?? lookUp(snapshot, key, request);
  }

  function lookUp(
    snapshot: MapsSnapshot,
    key: string,
    request: ReaderRequest,
  ): RowLookup | Promise<RowLookup> {
    const backing = holding.backing(snapshot);
    if (backing === undefined) return UNRESOLVED;
    const { maps, index } = backing;
    const keep = (found: RowLookup): RowLookup => {
      const laid = layUrgent(maps, found);
      // A stale row gives way to the right one as soon as that arrives, which nothing here would notice.
      if (laid.kind === "row" && !laid.stale && snapshot === holding.served()) hotRows.set(key, laid);
      return laid;
    };
    const urgent = maps.urgent.get(key);
    if (urgent !== undefined) return keep({ kind: "row", row: urgent, stale: false });
    const found = shards.lookUp(index, key, request);
    return found instanceof Promise ? found.then(keep) : keep(found);
  }

  return row;
}

function layUrgent(maps: HeldMaps, found: RowLookup): RowLookup {
  if (found.kind !== "row") return found;
  const row = withUrgent(maps, found.row);
  return row === found.row ? found : { ...found, row };
}
