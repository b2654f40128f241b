/**
 * A file has one version: where two claimed a path, an old tab would get the other one's file, or none. Asked whenever a
 * version comes among those that are not retired, or says something else of its files. Reads only.
 */
import { assetPrefixesMeet } from "../../contracts/asset-prefix.ts";
import type { Refusal } from "../../contracts/problems.ts";
import type { Result } from "../../contracts/result.ts";
import type { Db } from "../db.ts";
import { refuse } from "../refuse.ts";
import { loadVersions, type VersionRecord } from "../store/versions.ts";

/** @returns null when no other version that is not retired claims what these prefixes claim. */
export function refuseClaimedAssets(
  db: Db,
  { product, name, assets }: Pick<VersionRecord, "product" | "name" | "assets">,
): Result<never, Refusal> | null {
  for (const other of loadVersions(db, product)) {
    if (other.name === name || other.state === "retired") continue;
    for (const prefix of assets) {
      const claimed = other.assets.find((theirs) => assetPrefixesMeet(theirs, prefix));
      if (claimed === undefined) continue;
      return refuse(
        "conflict",
        `${prefix} meets ${claimed} of ${product} ${other.name}: give each version a prefix of its own, as in /assets/${name}/`,
      );
    }
  }
  return null;
}
