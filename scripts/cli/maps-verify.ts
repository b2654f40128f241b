/**
 * `maps verify`: whether an edge could serve from a dump. Opening finds what is broken; here the whole is checked: counts,
 * rows in their shard, and that every row decides to a version that is there. Pure apart from reading the file.
 */
import { rootCopyKey, type AccountRow } from "../../src/contracts/maps.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { indexKey, ROOT_KEY, BREAK_GLASS_KEY, shardKey } from "../../src/contracts/maps.ts";
import { openMaps, rowsOf, type Dump, type Finding, type OpenMaps } from "./maps-dump.ts";

export interface Verification {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Findings beyond those listed. */
  readonly more: number;
  /** Null when the maps could not be opened. */
  readonly summary: MapsSummary | null;
}

export interface MapsSummary {
  readonly generation: number;
  readonly publishedAt: string;
  readonly accounts: number;
  readonly domains: number;
  readonly tombstones: number;
  readonly shards: number;
  readonly bytes: number;
  /** Entries that the root does not name: older objects, harmless. */
  readonly unnamed: number;
  readonly products: Readonly<
    Record<
      string,
      { readonly stable: string; readonly default: string; readonly homes: Readonly<Record<string, number>> }
    >
  >;
}

const MAX_FINDINGS = 50;

/** Checks a dump as a whole. */
export function verifyMaps(dump: Dump): Verification {
  const { maps, findings: opening } = openMaps(dump);
  const all = [...opening];
  let more = 0;
  const add = (finding: Finding): void => {
    if (all.length < MAX_FINDINGS) all.push(finding);
    else more++;
  };
  if (maps === null) return { ok: false, findings: all, more, summary: null };
  checkCounts(maps, add);
  checkCopy(dump, { maps, add });
  const homes = checkRows(maps, add);
  return { ok: all.length === 0, findings: all, more, summary: summarise(dump, { maps, homes }) };
}

type Add = (finding: Finding) => void;

/** What the root says it has against what the shards hold; urgent rows may add or delete that many. */
function checkCounts({ root, shards }: OpenMaps, add: Add): void {
  const slack = root.urgent.length;
  for (const what of ["accounts", "domains"] as const) {
    const held = shards.reduce((sum, shard) => sum + shard[what], 0);
    if (Math.abs(held - root[what]) > slack) {
      add({
        key: ROOT_KEY,
        fault: "shape",
        detail: `the root says ${root[what]} ${what}, the shards hold ${held}`,
      });
    }
  }
}

/** The immutable copy of the same generation, when it is there, must be the same text. */
function checkCopy(dump: Dump, { maps, add }: { maps: OpenMaps; add: Add }): void {
  const key = rootCopyKey(maps.root.generation);
  const copy = dump.get(key);
  if (copy !== undefined && copy !== dump.get(ROOT_KEY)) {
    add({
      key,
      fault: "generation",
      detail: `generation ${maps.root.generation} is there twice with different content`,
    });
  }
}

type Homes = Record<string, Record<string, number>>;

/** Decides every row; counts accounts by home, by product. */
function checkRows(maps: OpenMaps, add: Add): Homes {
  const homes: Homes = {};
  for (const row of rowsOf(maps)) {
    for (const [product, version] of Object.entries(row.homes)) {
      const why = whyUnresolved(maps, { row, product });
      if (why !== null) add({ key: row.key, fault: "unresolved", detail: `${product}: ${why}` });
      if (row.product !== null || row.deleted) continue;
      const counts = (homes[product] ??= {});
      counts[version] = (counts[version] ?? 0) + 1;
    }
  }
  return homes;
}

function whyUnresolved(
  { root }: OpenMaps,
  { row, product }: { row: AccountRow; product: string },
): string | null {
  const decision = decideVersion({ root, breakGlass: null, product, slug: row.slug, row, override: null });
  return decision.kind === "unresolved" ? decision.why : null;
}

function summarise(dump: Dump, { maps, homes }: { maps: OpenMaps; homes: Homes }): MapsSummary {
  const { root, shards, shardHashes } = maps;
  const named = new Set([
    ROOT_KEY,
    BREAK_GLASS_KEY,
    rootCopyKey(root.generation),
    indexKey(root.index.hash),
    ...shardHashes.map(shardKey),
  ]);
  return {
    generation: root.generation,
    publishedAt: new Date(root.publishedAt).toISOString(),
    accounts: root.accounts,
    domains: root.domains,
    tombstones: shards.reduce((sum, shard) => sum + shard.tombstones, 0),
    shards: shards.length,
    bytes: [...dump.values()].reduce((sum, text) => sum + text.length, 0),
    unnamed: [...dump.keys()].filter((key) => !named.has(key)).length,
    products: Object.fromEntries(
      Object.entries(root.products).map(([name, product]) => [
        name,
        { stable: product.stable, default: product.default, homes: homes[name] ?? {} },
      ]),
    ),
  };
}
