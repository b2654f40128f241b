/**
 * Puts into the products of the next root what is mirrored of their requests, as running rollouts say. Nothing while
 * everything is halted, and nothing to a version that the root does not have: readers would refuse it. Reads only.
 */
import type { Root } from "../../contracts/maps.ts";
import { own } from "../../core/record.ts";
import { rootMirror } from "../../core/rollout/phases/mirror.ts";
import type { Db } from "../db.ts";
import { readHalt } from "../store/halt.ts";
import { loadActiveRollouts } from "../store/rollouts.ts";

export function withMirrors(db: Db, products: Root["products"]): Root["products"] {
  if (readHalt(db).on) return products;
  const mirrored = { ...products };
  for (const { state } of loadActiveRollouts(db)) {
    for (const { product } of state.defaults) {
      const mirror = rootMirror(state, product);
      const known = own(products, product);
      if (mirror === null || known === undefined || own(known.versions, mirror.version) === undefined)
        continue;
      mirrored[product] = { ...known, mirror };
    }
  }
  return mirrored;
}
