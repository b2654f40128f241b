/**
 * What a root must satisfy in itself before it is published, and again before it is adopted: limits, and references
 * that a whole product depends on. One file for both sides, so that no reader can choke on what a publisher let pass.
 * A bad single row (a pin to a version that is gone) is not judged here: it costs that account its answer, and must
 * not freeze the maps of everybody. Where origins may point is checked apart, with the deployment's own rules.
 */
import {
  BUCKETS,
  MAX_ASSET_PREFIXES_PER_VERSION,
  MAX_DOMAINS_PER_PRODUCT,
  MAX_GROUPS,
  MAX_MIRROR_RUN,
  MAX_PRODUCTS,
  MAX_REPLACEMENTS_PER_PRODUCT,
  MAX_ROLLOUTS,
  MAX_TIMEOUTS_PER_PRODUCT,
  MAX_URGENT_BYTES,
  MAX_URGENT_ROWS,
  MAX_VERSIONS_PER_PRODUCT,
} from "../../contracts/limits.ts";
import { FLEET_SCHEMA, type Root, type RootProduct, type RootRollout } from "../../contracts/maps.ts";
import { parseOrigin } from "../../contracts/origin-rules.ts";
import { contentHash } from "../sha256.ts";
import { own } from "../record.ts";
import { canonicalJson } from "./canonical.ts";
import { encodeIndex } from "./index-codec.ts";
import { isShardCount } from "./key-hash.ts";
import type { MapsRefusal } from "./refusal.ts";
import { rowToJson } from "./row-json.ts";

/**
 * Checks a decoded (or about to be encoded) root.
 * @returns null, or the first refusal: `no-products`, `over-limit`, `shape` (a reference into nothing, a domain with two
 *   owners, two rollouts of one product, thresholds outside 0–10,000), or `hash` (the inline index is not its hash).
 */
export function checkRoot(root: Root): MapsRefusal | null {
  if (Object.keys(root.products).length === 0)
    return { fault: "no-products", detail: "root has no products" };
  return (
    checkAmounts(root) ?? checkUrgent(root) ?? checkProducts(root) ?? checkRollouts(root) ?? checkIndex(root)
  );
}

function shape(detail: string): MapsRefusal {
  return { fault: "shape", detail };
}

function overLimit(what: string, got: number, most: number): MapsRefusal | null {
  return got <= most ? null : { fault: "over-limit", detail: `${got} ${what}, at most ${most}` };
}

function checkAmounts(root: Root): MapsRefusal | null {
  const groups = Math.max(0, ...root.rollouts.map(({ moved, held }) => Math.max(moved.length, held.length)));
  return (
    overLimit("products", Object.keys(root.products).length, MAX_PRODUCTS) ??
    overLimit("rollouts", root.rollouts.length, MAX_ROLLOUTS) ??
    overLimit("groups", groups, MAX_GROUPS) ??
    firstRefusal(Object.entries(root.products), ([name, product]) => checkProductAmounts(name, product))
  );
}

function checkProductAmounts(name: string, product: RootProduct): MapsRefusal | null {
  return (
    overLimit(`versions of ${name}`, Object.keys(product.versions).length, MAX_VERSIONS_PER_PRODUCT) ??
    overLimit(`domains of ${name}`, product.domains.length, MAX_DOMAINS_PER_PRODUCT) ??
    overLimit(`replacements of ${name}`, product.replacements.length, MAX_REPLACEMENTS_PER_PRODUCT) ??
    overLimit(`time-outs of ${name}`, product.timeouts.length, MAX_TIMEOUTS_PER_PRODUCT)
  );
}

function firstRefusal<T>(items: readonly T[], check: (item: T) => MapsRefusal | null): MapsRefusal | null {
  for (const item of items) {
    const refusal = check(item);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkUrgent({ urgent }: Root): MapsRefusal | null {
  const tooMany = overLimit("urgent rows", urgent.length, MAX_URGENT_ROWS);
  if (tooMany !== null) return tooMany;
  if (new Set(urgent.map((row) => row.key)).size < urgent.length)
    return shape("an urgent row is there twice");
  return overLimit("bytes of urgent rows", canonicalJson(urgent.map(rowToJson)).length, MAX_URGENT_BYTES);
}

function checkProducts(root: Root): MapsRefusal | null {
  const owners = new Map<string, string>();
  return firstRefusal(Object.entries(root.products), ([name, product]) => {
    for (const domain of product.domains) {
      const owner = owners.get(domain);
      if (owner !== undefined) return shape(`${domain} belongs to ${owner} and to ${name}`);
      owners.set(domain, name);
    }
    return (
      checkVersions(name, product) ??
      checkReplacements(name, product) ??
      checkMirror(name, product) ??
      checkFleet(name, product, root)
    );
  });
}

function checkVersions(name: string, product: RootProduct): MapsRefusal | null {
  const named = [product.stable, product.default, ...(product.standby === null ? [] : [product.standby])];
  const gone = named.find((version) => own(product.versions, version) === undefined);
  if (gone !== undefined)
    return shape(`${name} ${gone} is stable, default or standby, but not among its versions`);
  return firstRefusal(Object.entries(product.versions), ([version, { origin, assets = [] }]) => {
    const tooMany = overLimit(
      `asset prefixes of ${name} ${version}`,
      assets.length,
      MAX_ASSET_PREFIXES_PER_VERSION,
    );
    if (tooMany !== null) return tooMany;
    const parsed = parseOrigin(origin);
    return parsed.ok ? null : shape(`${name} ${version}: ${parsed.error}`);
  });
}

/** Replacements are followed from one to the next, so none may lead back to where it came from. */
function checkReplacements(name: string, { replacements, versions }: RootProduct): MapsRefusal | null {
  return firstRefusal(replacements, ({ from, to, below }) => {
    const rule = `${name}: replacement ${from} → ${to}`;
    if (own(versions, to) === undefined) return shape(`${rule} names a version that is not there`);
    if (below > BUCKETS) return shape(`${rule} has a threshold of ${below}, at most ${BUCKETS}`);
    if (replacements.filter((other) => other.from === from).length > 1)
      return shape(`${rule} is not the only one of ${from}`);
    let version = to;
    for (let step = 0; step <= replacements.length; step++) {
      if (version === from) return shape(`${rule} runs in a circle`);
      const following = replacements.find((other) => other.from === version);
      if (following === undefined) return null;
      version = following.to;
    }
    // Ran into a circle of others, which is reported when their turn comes.
    return null;
  });
}

/** Where mirrored requests go must be a version; the share is of 10,000. */
function checkMirror(name: string, { mirror, versions }: RootProduct): MapsRefusal | null {
  if (mirror === undefined) return null;
  if (own(versions, mirror.version) === undefined)
    return shape(`${name} mirrors to ${mirror.version}, which is not there`);
  if (mirror.share > BUCKETS) return shape(`${name} mirrors a share of ${mirror.share}, at most ${BUCKETS}`);
  return overLimit(`characters of the mirroring of ${name}`, mirror.run.length, MAX_MIRROR_RUN);
}

/** A root that sends a product to a fleet must say so by its schema, or older readers would send it elsewhere. */
function checkFleet(name: string, { fleet }: RootProduct, { schema }: Root): MapsRefusal | null {
  if (fleet === undefined) return null;
  if (schema !== FLEET_SCHEMA)
    return shape(`${name} is served by a fleet, which takes schema ${FLEET_SCHEMA}, not ${schema}`);
  const parsed = parseOrigin(fleet.origin);
  if (!parsed.ok) return shape(`the fleet of ${name}: ${parsed.error}`);
  if (fleet.origin.includes("{cell}")) return shape(`the fleet of ${name} is one origin, without {cell}`);
  return overLimit(`characters of the comparison of ${name}`, fleet.run.length, MAX_MIRROR_RUN);
}

function checkRollouts(root: Root): MapsRefusal | null {
  const busy = new Map<string, string>();
  return firstRefusal(root.rollouts, (rollout) => {
    for (const [product, version] of Object.entries(rollout.targets)) {
      const other = busy.get(product);
      if (other !== undefined) return shape(`rollouts ${other} and ${rollout.id} both touch ${product}`);
      busy.set(product, rollout.id);
      if (own(own(root.products, product)?.versions ?? {}, version) === undefined) {
        return shape(`rollout ${rollout.id} targets ${product} ${version}, which is not there`);
      }
    }
    return checkThresholds(rollout);
  });
}

function checkThresholds({ id, moved, held }: RootRollout): MapsRefusal | null {
  if (moved.length !== held.length)
    return shape(`rollout ${id} has ${moved.length} moved and ${held.length} held groups`);
  const odd = [...moved, ...held].find((threshold) => threshold < 0 || threshold > BUCKETS);
  return odd === undefined ? null : shape(`rollout ${id} has a threshold of ${odd}, outside 0-${BUCKETS}`);
}

function checkIndex({ index }: Root): MapsRefusal | null {
  if (!isShardCount(index.shards))
    return shape(`index has ${index.shards} shards, not a power of two within the limit`);
  if (index.inline === null) return null;
  if (index.inline.length !== index.shards)
    return shape(`index says ${index.shards} shards and carries ${index.inline.length}`);
  if (contentHash(encodeIndex(index.inline)) === index.hash) return null;
  return { fault: "hash", detail: `the inline index is not ${index.hash}` };
}
