/** Products and versions as the API shows them, made from rows and counters. Reads only. */
import type { Product, Version } from "../../contracts/api/products.ts";
import { own } from "../../core/record.ts";
import { toInstant, toInstantOrNull } from "../clock.ts";
import type { Db } from "../db.ts";
import { holdsFourEyes, loadDefaultRequest } from "../store/four-eyes.ts";
import { countHomes, loadHomeSets } from "../store/home-sets.ts";
import { loadFleet, type FleetRecord } from "../store/product-modes.ts";
import type { ProductRecord } from "../store/products.ts";
import { loadUse } from "../store/version-use.ts";
import type { VersionRecord } from "../store/versions.ts";

/** A product with the number of its accounts. */
export function viewProduct(db: Db, product: ProductRecord): Product {
  const accounts = loadHomeSets(db)
    .filter(({ homes }) => own(homes, product.name) !== undefined)
    .reduce((sum, set) => sum + set.accounts, 0);
  return {
    name: product.name,
    domains: [...product.domains],
    timeouts: product.timeouts.map((timeout) => ({ ...timeout })),
    stable: product.stable,
    default: product.default,
    standby: product.standby,
    hold: product.hold,
    fourEyes: holdsFourEyes(db, product.name),
    pendingDefault: viewRequest(db, product.name),
    fleet: viewFleet(loadFleet(db, product.name)),
    accounts,
    revision: product.revision,
  };
}

function viewRequest(db: Db, name: string): Product["pendingDefault"] {
  const request = loadDefaultRequest(db, name);
  if (request === null) return null;
  const { version, force, reason, askedBy, askedMs, untilMs } = request;
  return { version, force, reason, askedBy, askedAt: toInstant(askedMs), until: toInstant(untilMs) };
}

function viewFleet(fleet: FleetRecord | null): Product["fleet"] {
  if (fleet === null) return null;
  const { product: _, since, ...rest } = fleet;
  return { ...rest, since: toInstant(since) };
}

/** What is open to it, and since when it may be switched off, as the last tick knew. */
function viewUse(
  db: Db,
  { product, name, state }: VersionRecord,
): Pick<Version, "connections" | "switchOff"> {
  const use = loadUse(db, product, name);
  const isOpen = use !== null && use.sockets + use.streams > 0;
  return {
    connections: isOpen
      ? { webSockets: use.sockets, eventStreams: use.streams, measuredAt: toInstant(use.measuredAt) }
      : null,
    switchOff:
      state === "draining"
        ? { since: toInstantOrNull(use?.safeSince ?? null), waitsFor: [...(use?.waits ?? ["the next tick"])] }
        : null,
  };
}

/** A version with the number of accounts whose home it is. */
export function viewVersion(db: Db, version: VersionRecord): Version {
  return {
    product: version.product,
    name: version.name,
    origin: version.origin,
    state: version.state,
    reversible: version.reversible,
    mixed: version.mixed,
    migration: { ...version.migration },
    upgradesFrom: version.upgradesFrom === null ? null : [...version.upgradesFrom],
    requires: Object.fromEntries(
      Object.entries(version.requires).map(([product, versions]) => [product, [...versions]]),
    ),
    assets: [...version.assets],
    events: version.events,
    notes: version.notes,
    bad: version.bad,
    accounts: countHomes(db, version.product).get(version.name)?.accounts ?? 0,
    ...viewUse(db, version),
    registeredAt: toInstant(version.registeredAt),
    revision: version.revision,
  };
}
