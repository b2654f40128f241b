/**
 * Makes the snapshot that requests see from what is held: maps, break-glass and base domains in one frozen view.
 * Also lays urgent rows over those of shards. Pure; called by the reader when something changed,
 * never per request.
 */
import type { Config } from "../../contracts/env.ts";
import type { AccountRow, BreakGlass } from "../../contracts/maps.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { createBaseDomains, type BaseDomains } from "../../core/classify-request.ts";
import { parseHost } from "../../core/parse-host.ts";
import type { HeldMaps, MapsSnapshot } from "./types.ts";

export interface View {
  readonly maps: HeldMaps | null;
  /** The last that were read, also while older ones are held. */
  readonly newest: HeldMaps | null;
  readonly source: "kv" | "cache";
  readonly breakGlass: BreakGlass | null;
}

/** The snapshot of a view; without maps that of the compiled-in fallback. */
export function makeSnapshot(view: View, fallback: Config["fallback"]): MapsSnapshot {
  const { maps, source, breakGlass } = view;
  return {
    source: maps === null ? "fallback" : source,
    root: maps?.root ?? null,
    breakGlass,
    generation: maps?.root.generation ?? 0,
    overrideEpoch: overrideEpochOf(view),
    baseDomains: baseDomainsOf(maps, fallback),
  };
}

/** What was revoked stays revoked, whatever generation is held. */
export function overrideEpochOf({ maps, newest }: Pick<View, "maps" | "newest">): EpochMs {
  return Math.max(maps?.root.overrideEpoch ?? 0, newest?.root.overrideEpoch ?? 0);
}

/** Compiled-in domains and those of the root, which wins where they disagree about the owner. */
function baseDomainsOf(maps: HeldMaps | null, fallback: Config["fallback"]): BaseDomains {
  const owners = new Map<string, string>();
  for (const products of [fallback, maps?.root.products ?? {}]) {
    for (const [product, { domains }] of Object.entries(products)) {
      for (const domain of domains) if (isBaseDomain(domain)) owners.set(domain, product);
    }
  }
  return createBaseDomains(owners);
}

/** What no Host could ever name is left out, so that one such domain does not cost everybody the maps. */
function isBaseDomain(domain: string): boolean {
  const host = parseHost(domain);
  return host.kind === "name" && host.name === domain;
}

/**
 * The row as the root wants it. An urgent row for the key itself replaces everything; one for the account of a custom
 * host replaces all but what belongs to the host.
 */
export function withUrgent(maps: Pick<HeldMaps, "urgent">, row: AccountRow): AccountRow {
  if (row.key === row.slug || maps.urgent.size === 0) return row;
  const urgent = maps.urgent.get(row.slug);
  return urgent === undefined ? row : { ...urgent, key: row.key, slug: row.slug, product: row.product };
}
