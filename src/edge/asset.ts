/**
 * Sends what lies below a version's asset prefixes to that version, whatever the account is on by now: a page loaded
 * before a move goes on asking for the files it names. Without what says who asks, and for no account: the
 * version may be one that the account has left, and must not be able to act for it.
 * Called by `route.ts`. Whoever declares no prefixes pays one look at the product's versions.
 */
import type { Root } from "../contracts/maps.ts";
import type { ProductName } from "../contracts/units.ts";
import { declaresAssets, findAssetVersion } from "../core/asset-version.ts";
import { own } from "../core/record.ts";
import { serialisedPath, type Exchange } from "./exchange.ts";
import type { ForwardTarget } from "./forward.ts";

/** @returns where the file is, or null when the request is for the account's own version like any other. */
export function findAsset(product: ProductName | null, exchange: Exchange, root: Root): ForwardTarget | null {
  const published = product === null ? undefined : own(root.products, product);
  if (product === null || published === undefined || !declaresAssets(published)) return null;
  const [path = ""] = serialisedPath(exchange).split("?", 1);
  const found = findAssetVersion(published, { method: exchange.request.method, path });
  return found === null ? null : { product, account: null, ...found, standby: null, anonymous: true };
}
