/**
 * What planning an account needs to know of everything else, read once for a command or a batch: products with stable
 * and states, base domains, who has which custom domain, which zones exist. `create…` reads; what it returns is plain.
 */
import type { VersionState } from "../../contracts/maps.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import type { ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { loadProducts } from "../store/products.ts";
import { loadVersions } from "../store/versions.ts";

export interface ProductFacts {
  readonly stable: VersionName | null;
  readonly states: ReadonlyMap<VersionName, VersionState>;
  /** Marked bad: nobody starts there by name. */
  readonly bad: ReadonlySet<VersionName>;
}

export interface Terrain {
  readonly adminHost: string;
  readonly baseDomains: readonly string[];
  product(name: ProductName): ProductFacts | null;
  /** Products of a new account that names none: all that have a stable version, or that it gives a home for. */
  startingProducts(given: readonly ProductName[]): readonly ProductName[];
  /** Living account that has the host as a custom domain now, null when it is free. */
  ownerOf(host: string): string | null;
  isZone(text: string): boolean;
}

export interface TerrainSource {
  readonly db: Db;
  readonly config: ControlConfig;
  readonly ownerOf: Terrain["ownerOf"];
}

export function readTerrain({ db, config, ownerOf }: TerrainSource): Terrain {
  const products = new Map<ProductName, ProductFacts>();
  const baseDomains = config.fallbackDomains.map(({ domain }) => domain);
  for (const { name, stable, domains } of loadProducts(db)) {
    const versions = loadVersions(db, name);
    products.set(name, {
      stable,
      states: new Map(versions.map((version) => [version.name, version.state])),
      bad: new Set(versions.filter(({ bad }) => bad !== null).map((version) => version.name)),
    });
    baseDomains.push(...domains);
  }
  return {
    adminHost: config.adminHost,
    baseDomains: [...new Set(baseDomains)],
    product: (name) => products.get(name) ?? null,
    startingProducts: (given) =>
      [...products]
        .filter(([name, { stable }]) => stable !== null || given.includes(name))
        .map(([name]) => name),
    ownerOf,
    isZone: createZoneCheck(),
  };
}

/** Asking Intl takes about 90 µs, so each zone is asked once for a batch. */
function createZoneCheck(): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const answer = isTimeZone(text);
    known.set(text, answer);
    return answer;
  };
}

function isTimeZone(text: string): boolean {
  // Offsets such as +02:00 have no daylight-saving rules, so they are no zones to us.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
