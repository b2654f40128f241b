/**
 * Old tabs: which version has the file that a page loaded before a move still asks for. Decided before the account's
 * version and whatever the account, because the page was made by the version that names the file.
 * Pure: (product of the root, method, path) in, the version out. Called by the edge and by `explain`.
 * Fails to null, which is the ordinary decision: nothing here can turn a request away.
 */
import type { RootProduct } from "../contracts/maps.ts";
import type { VersionName } from "../contracts/units.ts";

/** A version that serves a file, and where. */
export interface AssetVersion {
  readonly version: VersionName;
  readonly origin: string;
}

/** A path that an origin may read as another one: an encoded separator or dot (`%2f`, `%5c`, `%2e`). */
const SECOND_READING = /%(?:2[ef]|5c)/i;

/** True when some version of the product declares asset prefixes: most do not, and then no path need be serialised. */
export function declaresAssets({ versions }: RootProduct): boolean {
  for (const name in versions) if (Object.hasOwn(versions, name) && versions[name]?.assets) return true;
  return false;
}

/**
 * Finds the version that has the file.
 *
 * @param path serialised (`URL`'s pathname), so that dot segments are gone.
 * @returns the live or draining version with the longest prefix of the path; null for other methods than GET and HEAD,
 *   for a path that an origin might read differently, and for an origin with `{cell}`, which needs an account.
 */
export function findAssetVersion(
  { versions }: RootProduct,
  { method, path }: { readonly method: string; readonly path: string },
): AssetVersion | null {
  if (method !== "GET" && method !== "HEAD") return null;
  let found: AssetVersion | null = null;
  let longest = 0;
  for (const [version, { origin, state, assets }] of Object.entries(versions)) {
    if (assets === undefined || (state !== "live" && state !== "draining") || origin.includes("{cell}"))
      continue;
    for (const prefix of assets) {
      if (prefix.length <= longest || !path.startsWith(prefix)) continue;
      found = { version, origin };
      longest = prefix.length;
    }
  }
  return found === null || SECOND_READING.test(path) ? null : found;
}
