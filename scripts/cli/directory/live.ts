/**
 * Reads an instance in the shapes of the directory's files: what `export DIR` writes and `apply` compares with. Reading
 * only; takes any token. Of rollouts only drafts: what was started is history, and no file brings it back or changes it.
 */
import { StoredFreezeSchema, StoredWindowSchema } from "../../../src/contracts/api/calendar.ts";
import { AccountSchema, type Account, type ImportLine } from "../../../src/contracts/api/accounts.ts";
import {
  ProductSchema,
  VersionSchema,
  type Product,
  type Version,
} from "../../../src/contracts/api/products.ts";
import { RolloutInputSchema, RolloutSchema } from "../../../src/contracts/api/rollouts.ts";
import { readPage, readPages } from "../lists.ts";
import type { Session } from "../verb.ts";
import { keyOf, type Resource } from "./layout.ts";

/** A resource as it is, and the revision it was read at. */
export interface Found {
  readonly resource: Resource;
  readonly revision: number;
  /** Of products and versions: how many accounts have it, or have it as their home; else 0. */
  readonly accounts: number;
}

export interface Live {
  readonly found: ReadonlyMap<string, Found>;
  /** Rollouts that were started, by id, with their phase. */
  readonly started: ReadonlyMap<string, string>;
}

/** Reads all but the accounts. */
export async function readLive(session: Session): Promise<Live> {
  const found = new Map<string, Found>();
  const add = (resource: Resource, revision: number, accounts = 0): void =>
    void found.set(keyOf(resource), { resource, revision, accounts });
  const products = await readPage(session, ProductSchema, { path: "/products" });
  for (const product of products.items) {
    add(
      { kind: "product", name: product.name, value: productFile(product) },
      product.revision,
      product.accounts,
    );
    const path = `/products/${encodeURIComponent(product.name)}/versions`;
    for (const version of (await readPage(session, VersionSchema, { path })).items)
      add(
        { kind: "version", name: `${product.name}/${version.name}`, value: versionFile(version) },
        version.revision,
        version.accounts,
      );
  }
  for (const { name, windows, revision } of (
    await readPage(session, StoredWindowSchema, { path: "/windows" })
  ).items)
    add({ kind: "window", name, value: { windows } }, revision);
  for (const { name, from, to, zone, scope, reason, revision } of (
    await readPage(session, StoredFreezeSchema, { path: "/freezes" })
  ).items)
    add({ kind: "freeze", name, value: { from, to, zone, scope, reason } }, revision);
  return { found, started: await readRollouts(session, add) };
}

async function readRollouts(
  session: Session,
  add: (resource: Resource, revision: number) => void,
): Promise<ReadonlyMap<string, string>> {
  const started = new Map<string, string>();
  for (const { id, phase, revision } of (await readPage(session, RolloutSchema, { path: "/rollouts" }))
    .items) {
    if (phase !== "draft") {
      started.set(id, phase);
      continue;
    }
    const path = `/rollouts/${encodeURIComponent(id)}/input`;
    const { value } = await session.api().send(RolloutInputSchema, { method: "GET", path });
    add({ kind: "rollout", name: id, value }, revision);
  }
  return started;
}

function productFile({ domains, timeouts, stable, default: unknown, fleet }: Product) {
  return {
    domains,
    timeouts,
    ...(stable === null ? {} : { stable }),
    ...(unknown === null ? {} : { default: unknown }),
    ...(fleet === null ? {} : { fleet: fleetFile(fleet) }),
  };
}

function fleetFile({ mode, origin, versionHeader }: NonNullable<Product["fleet"]>) {
  return { mode, origin, versionHeader };
}

function versionFile(version: Version) {
  const { origin, reversible, mixed, migration, upgradesFrom, requires, assets, events, notes } = version;
  const { state, bad } = version;
  return {
    origin,
    reversible,
    mixed,
    migration,
    upgradesFrom,
    requires,
    assets,
    events,
    notes,
    state,
    ...(bad === null ? {} : { bad: { reason: bad.reason } }),
  };
}

/** Every account that is not deleted, in the order of slugs, one page in memory at a time. */
export async function* readLiveAccounts(session: Session): AsyncGenerator<Account> {
  for await (const { items } of readPages(session, AccountSchema, { path: "/accounts" })) yield* items;
}

/** The same, then those that are deleted and whose names are not free yet. */
export async function* readKnownAccounts(session: Session): AsyncGenerator<Account> {
  yield* readLiveAccounts(session);
  const deleted = { path: "/accounts", query: { deleted: "true" } };
  for await (const { items } of readPages(session, AccountSchema, deleted)) yield* items;
}

/** An account as a line of `accounts.ndjson`; every field is there, in one order. */
export function accountLine({
  account,
  timeZone,
  cohort,
  labels,
  cell,
  domains,
  homes,
}: Account): ImportLine {
  return {
    account,
    timeZone,
    cohort,
    labels: sorted(labels),
    cell,
    domains: domains.toSorted((a, b) => (a.host < b.host ? -1 : 1)),
    products: Object.keys(homes).toSorted(),
    homes: sorted(homes),
  };
}

function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
