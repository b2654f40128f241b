/**
 * Products: their base domains and time-outs. A domain belongs to one product and never holds the admin host, another
 * base domain, somebody's custom domain or an origin; each of these would send requests to the wrong place.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { CommandInputs } from "../../contracts/control.ts";
import type { Migration } from "../../contracts/move-data.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { refuseOrigin } from "../../contracts/origin-rules.ts";
import { MAX_PRODUCTS } from "../../contracts/limits.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import { isUnder, type ControlConfig } from "../config.ts";
import type { Db } from "../db.ts";
import { checkRevision, refuse } from "../refuse.ts";
import { readText } from "../row.ts";
import { markRoot } from "../store/changes.ts";
import { loadProduct, loadProducts, saveProduct, type ProductRecord } from "../store/products.ts";
import { loadVersions } from "../store/versions.ts";
import { viewProduct } from "../view/products.ts";
import type { Change, Work } from "./work.ts";

type Put = CommandInputs["product.put"];

/** Creates a product or replaces its domains and time-outs. */
export function putProduct(work: Work, { product: name, input }: Put): Result<Change<Product>, Refusal> {
  const { db } = work;
  const before = loadProduct(db, name);
  const refused =
    refuseProducts(work.actor, [name]) ??
    checkRevision(work.ifMatch, before?.revision ?? 0) ??
    checkDomains(work, name, input.domains) ??
    (before === null && loadProducts(db).length >= MAX_PRODUCTS
      ? refuse("conflict", `there are ${MAX_PRODUCTS} products already, which is the most the maps take`)
      : null);
  if (refused !== null) return refused;
  const after: ProductRecord = {
    name,
    domains: input.domains,
    timeouts: input.timeouts,
    stable: before?.stable ?? null,
    default: before?.default ?? null,
    standby: before?.standby ?? null,
    hold: before?.hold ?? null,
    revision: (before?.revision ?? 0) + 1,
    createdAt: before?.createdAt ?? work.nowMs,
  };
  saveProduct(db, after);
  markRoot(db, work);
  return ok({
    output: viewProduct(db, after),
    told: { target: `product/${name}`, reason: null, detail: { before: shown(before), after: shown(after) } },
  });
}

function shown(product: ProductRecord | null): unknown {
  return product === null ? null : { domains: product.domains, timeouts: product.timeouts };
}

function checkDomains(work: Work, name: string, domains: readonly string[]): Result<never, Refusal> | null {
  for (const [at, domain] of domains.entries()) {
    if (domains.indexOf(domain) !== at) return refuse("invalid", `${domain} is listed twice`);
    const reason =
      adminConflict(work.config, domain) ??
      baseConflict(work, { name, domains }, domain) ??
      customDomainConflict(work.db, domain);
    if (reason !== null) return refuse("conflict", reason, { domain });
  }
  return originConflict(work, name, domains);
}

function adminConflict({ adminHost }: ControlConfig, domain: string): string | null {
  return isUnder(adminHost, domain)
    ? `${domain} would hold the admin host ${adminHost}: the admin host needs a name of its own`
    : null;
}

/** Below a base domain every label is an account's; were it a base domain too, that account's host would be its apex. */
function baseConflict(
  { db, config }: Work,
  { name, domains }: Pick<ProductRecord, "name" | "domains">,
  domain: string,
): string | null {
  const owned = [
    ...loadProducts(db).flatMap((product) =>
      // Its own are what is being written.
      product.name === name ? [] : product.domains.map((other) => ({ product: product.name, domain: other })),
    ),
    ...config.fallbackDomains,
    ...domains.map((other) => ({ product: name, domain: other })),
  ];
  const taken = owned.find(
    (other) =>
      !(other.product === name && other.domain === domain) &&
      (isUnder(domain, other.domain) || isUnder(other.domain, domain)),
  );
  if (taken === undefined) return null;
  return taken.product === name
    ? `${domain} and ${taken.domain} overlap: a label below a base domain is an account's`
    : `${domain} and ${taken.domain} of ${taken.product} overlap: one domain belongs to one product`;
}

function customDomainConflict(db: Db, domain: string): string | null {
  const row = db.rows(
    "SELECT host, account FROM custom_domains WHERE host = ?1 OR substr(host, -length(?2)) = ?2 LIMIT 1",
    domain,
    `.${domain}`,
  )[0];
  return row === undefined
    ? null
    : `${readText(row, "host")} is a custom domain of ${readText(row, "account")} and would lie under ${domain}: remove it there first`;
}

/** Origins under our own hosts would send requests in a circle; adding a domain must not make one. */
function originConflict(
  { db, config }: Work,
  name: string,
  domains: readonly string[],
): Result<never, Refusal> | null {
  const own = { adminHost: config.adminHost, domains };
  for (const version of loadVersions(db)) {
    if (version.state === "retired" || version.origin.startsWith("binding:")) continue;
    const host = /^https?:\/\/([^:]+)/.exec(version.origin)?.[1] ?? "";
    if (own.domains.some((domain) => isUnder(host, domain))) {
      return refuse(
        "conflict",
        `the origin ${version.origin} of ${version.product} ${version.name} lies under the new domains of ${name}`,
      );
    }
  }
  return null;
}

/**
 * Hooks are called where the router may forward to, and signed: whoever answers them must be able to tell who calls.
 * @returns null when they may be called, else one sentence.
 */
export function refuseHooks(work: Pick<Work, "db" | "config">, migration: Migration): string | null {
  if (migration.kind === "none") return null;
  if (!work.config.signsHooks) return "hooks are signed with ORIGIN_KEY, which is not set: set it and deploy";
  for (const url of [migration.prepare, migration.verify, migration.undo]) {
    if (url === null) continue;
    const origin = /^https?:\/\/[^/]+/.exec(url)?.[0] ?? url;
    const reason = refuseOriginHere(work, origin);
    if (reason !== null) return reason;
  }
  return null;
}

/**
 * The same for events of moves.
 * @param url null: nobody is told.
 */
export function refuseEvents(work: Pick<Work, "db" | "config">, url: string | null): string | null {
  if (url === null) return null;
  if (!work.config.signsHooks)
    return "events are signed with ORIGIN_KEY, which is not set: set it and deploy";
  return refuseOriginHere(work, /^https?:\/\/[^/]+/.exec(url)?.[0] ?? url);
}

/** Every host that is ours, for checking where an origin may be. */
export function refuseOriginHere({ db, config }: Pick<Work, "db" | "config">, origin: string): string | null {
  const domains = [
    ...loadProducts(db).flatMap((product) => product.domains),
    ...config.fallbackDomains.map(({ domain }) => domain),
  ];
  return refuseOrigin(origin, config.originAllow, { adminHost: config.adminHost, domains });
}
