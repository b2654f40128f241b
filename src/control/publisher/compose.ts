/**
 * Makes the next root from the tables, and refuses one that readers would refuse: same limits, same succession rule, the
 * same code. Pure over the database; writes nothing.
 */
import { MAX_ROOT_BYTES } from "../../contracts/limits.ts";
import {
  FLEET_SCHEMA,
  MAPS_SCHEMA,
  type IndexPointer,
  type Root,
  type RootProduct,
  type RootVersion,
} from "../../contracts/maps.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { encodeRoot } from "../../core/maps/root-codec.ts";
import { checkRoot } from "../../core/maps/root-limits.ts";
import { rowToJson } from "../../core/maps/row-json.ts";
import { checkSuccession } from "../../core/maps/succession.ts";
import { rootReplacement } from "../../core/rollout/replacement-plan.ts";
import { rootRollout } from "../../core/rollout/root-rollout.ts";
import type { Db } from "../db.ts";
import { readHalt } from "../store/halt.ts";
import { readCounter } from "../store/meta.ts";
import { loadNamedVersions } from "../store/objects.ts";
import { loadFleets, toRootFleet } from "../store/product-modes.ts";
import { loadProducts, toMapsHold, type ProductRecord } from "../store/products.ts";
import { loadActiveReplacements } from "../store/replacements.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";
import { loadVersions, type VersionRecord } from "../store/versions.ts";
import { withMirrors } from "./mirrors.ts";
import type { Batch } from "./phase.ts";
import { planUrgent, type UrgentPlan } from "./urgent.ts";

/** What a root takes from the shards it names. */
export type Population = Pick<Root, "accounts" | "domains" | "removed" | "index">;

export interface Composition {
  readonly root: Root;
  readonly urgent: UrgentPlan;
}

export interface ComposeInput {
  readonly generation: Generation;
  readonly nowMs: EpochMs;
  readonly population: Population;
  /** Changes up to this one are in the shards. */
  readonly shardSeq: number;
  /** The root that edges hold, null at first. */
  readonly held: Root | null;
}

/** Composes a root from the present state. */
export function composeRoot(db: Db, input: ComposeInput): Composition {
  const urgent = planUrgent(db, input.shardSeq, input.held);
  const rollouts = composeRollouts(db, input.shardSeq);
  return { root: { ...composeBare(db, input), rollouts, urgent: urgent.rows }, urgent };
}

/** A root without rollouts and urgent rows: what is there whoever moves. */
export function composeBare(db: Db, input: Pick<ComposeInput, "generation" | "nowMs" | "population">): Root {
  const products = withMirrors(db, composeProducts(db));
  const isFleetServed = Object.values(products).some(({ fleet }) => fleet !== undefined);
  return {
    schema: isFleetServed ? FLEET_SCHEMA : MAPS_SCHEMA,
    generation: input.generation,
    publishedAt: input.nowMs,
    ...input.population,
    halt: readHalt(db).on,
    overrideEpoch: readCounter(db, "override_epoch"),
    products,
    rollouts: [],
    urgent: [],
  };
}

/** Running rollouts whose groups the shards of this root know; before that their thresholds would mean other accounts. */
function composeRollouts(db: Db, shardSeq: number): Root["rollouts"] {
  return loadActiveRollouts(db)
    .filter(({ groupsSeq }) => groupsSeq <= shardSeq)
    .flatMap(({ state }) => rootRollout(state, 1 + Math.max(-1, ...state.groups.number)) ?? []);
}

/** Products that can answer: those with stable and default. */
function composeProducts(db: Db): Readonly<Record<string, RootProduct>> {
  const named = loadNamedVersions(db);
  const rules = Map.groupBy(loadActiveReplacements(db), ({ state }) => state.plan.product);
  const versions = Map.groupBy(loadVersions(db), ({ product }) => product);
  const fleets = loadFleets(db);
  const products: Record<string, RootProduct> = {};
  for (const product of loadProducts(db)) {
    const composed = composeProduct(product, versions.get(product.name) ?? [], named);
    if (composed === null) continue;
    const replacements = (rules.get(product.name) ?? []).flatMap(({ state }) => rootReplacement(state) ?? []);
    const fleet = fleets.get(product.name);
    const served = fleet === undefined ? {} : { fleet: toRootFleet(fleet) };
    products[product.name] = { ...composed, replacements, ...served };
  }
  return products;
}

function composeProduct(
  product: ProductRecord,
  versions: readonly VersionRecord[],
  named: ReadonlySet<string>,
): RootProduct | null {
  if (product.stable === null || product.default === null) return null;
  const published: Record<string, RootVersion> = {};
  for (const { name, origin, state, assets } of versions) {
    // A retired version stays while some shard still sends accounts to it: better served than unresolved.
    if (state === "retired" && !named.has(`${product.name}/${name}`)) continue;
    published[name] = { origin, state, ...(assets.length === 0 ? {} : { assets }) };
  }
  return {
    domains: product.domains,
    stable: product.stable,
    default: product.default,
    // Better none than one that edges cannot find, with which nothing at all could be published.
    standby: product.standby !== null && Object.hasOwn(published, product.standby) ? product.standby : null,
    versions: published,
    replacements: [],
    timeouts: product.timeouts,
    hold: product.hold === null ? null : toMapsHold(product.hold),
  };
}

export function populationOfBatch(batch: Batch): Population {
  const index: IndexPointer = { hash: batch.indexHash, shards: batch.shards, inline: batch.inline };
  return { accounts: batch.accounts, domains: batch.domains, removed: batch.removed, index };
}

/** After a restore the loss is meant: counts as removed on purpose whatever the new maps lack, so that readers take them. */
export function forgiveLoss(population: Population, held: Root): Population {
  const meant = (what: "accounts" | "domains"): number =>
    Math.max(population.removed[what], held.removed[what] + Math.max(0, held[what] - population[what]));
  return { ...population, removed: { accounts: meant("accounts"), domains: meant("domains") } };
}

/** @returns the text, or one sentence that says why readers would refuse it. */
export function encodeChecked(root: Root, held: Root | null): Result<string, string> {
  const refusal = checkRoot(root) ?? checkSuccession(held, root);
  if (refusal !== null) return err(`the next root would be refused (${refusal.fault}): ${refusal.detail}`);
  const text = encodeRoot(root);
  return text.length <= MAX_ROOT_BYTES
    ? ok(text)
    : err(`the next root would have ${text.length} bytes, at most ${MAX_ROOT_BYTES}: ${smallerBy(root)}`);
}

/** What would make a root smaller, by what takes most of it. */
function smallerBy({ rollouts, products, urgent }: Root): string {
  const thresholds = canonicalJson(rollouts).length;
  const others = canonicalJson(products).length + canonicalJson(urgent.map(rowToJson)).length;
  if (thresholds <= others) return "lift holds, or retire versions that nobody is on";
  const names = rollouts.map(({ id }) => id).join(", ");
  return `${thresholds} of them are thresholds of rollouts, so end one of these: ${names}`;
}
