/**
 * Finds the product a command is about and checks what every such command checks: it is there, the actor may touch it, and
 * it is at the revision the writer saw. Then the common end of such a command.
 */
import type { Product } from "../../contracts/api/products.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { ProductName } from "../../contracts/units.ts";
import { refuseProducts } from "../access.ts";
import { checkRevision, notFound } from "../refuse.ts";
import { markRoot } from "../store/changes.ts";
import { loadProduct, saveProduct, type ProductRecord } from "../store/products.ts";
import { viewProduct } from "../view/products.ts";
import type { Change, Told, Work } from "./work.ts";

export function findProduct(work: Work, name: ProductName): Result<ProductRecord, Refusal> {
  const product = loadProduct(work.db, name);
  if (product === null) return notFound(`product ${name}`);
  return refuseProducts(work.actor, [name]) ?? checkRevision(work.ifMatch, product.revision) ?? ok(product);
}

/** Writes the product with its next revision, marks the maps where they show the change, and gives it as it is now. */
export function finishProduct(
  work: Work,
  product: ProductRecord,
  { told, maps }: { readonly told: Omit<Told, "target">; readonly maps: "root" | "unchanged" },
): Result<Change<Product>, Refusal> {
  const after = { ...product, revision: product.revision + 1 };
  saveProduct(work.db, after);
  if (maps === "root") markRoot(work.db, work);
  return ok({
    output: viewProduct(work.db, after),
    told: { target: `product/${product.name}`, ...told },
  });
}
