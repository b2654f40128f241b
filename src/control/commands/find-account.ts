/**
 * Finds the account a command is about and checks what every such command checks: it is there, not deleted, at the
 * revision the writer saw, and within the products the actor may touch. Then the common end of such a command.
 */
import type { Account } from "../../contracts/api/accounts.ts";
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import type { AccountSlug, ProductName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { refuseProducts } from "../access.ts";
import type { Present } from "../accounts/plan.ts";
import { loadPresent } from "../accounts/present.ts";
import { checkRevision, notFound, refuse } from "../refuse.ts";
import { markAccount } from "../store/changes.ts";
import { loadProduct } from "../store/products.ts";
import { viewAccount } from "../view/accounts.ts";
import type { Change, Told, Work } from "./work.ts";

/** The living account, which has the products. `products` are those the deed concerns; null: all that the account has. */
export function findAccount(
  work: Work,
  slug: AccountSlug,
  products: readonly ProductName[] | null,
): Result<Present, Refusal> {
  const found = findKnown(work, slug, products);
  if (!found.ok) return found;
  if (found.value.record.deletedAt !== null)
    return refuse(
      "conflict",
      `${slug} was deleted: it only keeps answering; \`firebreak accounts undelete ${slug} --reason …\` brings it back`,
    );
  const missing = products?.find((product) => own(found.value.homes, product) === undefined);
  if (missing === undefined) return found;
  if (loadProduct(work.db, missing) === null) return notFound(`product ${missing}`);
  return refuse("conflict", `${slug} does not have ${missing}`);
}

/**
 * The account, deleted or not and whether it has the products or not: for taking back what was said of one. A tombstone
 * answers by that too, and so keeps a version in use.
 */
export function findKnown(
  work: Work,
  slug: AccountSlug,
  products: readonly ProductName[] | null,
): Result<Present, Refusal> {
  const present = loadPresent(work.db, [slug]).get(slug);
  if (present === undefined) return notFound(`account ${slug}`);
  return (
    refuseProducts(work.actor, products ?? Object.keys(present.homes)) ??
    checkRevision(work.ifMatch, present.record.revision) ??
    ok(present)
  );
}

/** Raises the revision, marks the maps and gives the account as it is now. */
export function finishAccount(
  work: Work,
  slug: AccountSlug,
  { told, maps }: { readonly told: Told; readonly maps: "urgent" | "shard" | "unchanged" },
): Result<Change<Account>, Refusal> {
  const { db, nowMs } = work;
  db.run("UPDATE accounts SET revision = revision + 1, updated_at = ? WHERE slug = ?", nowMs, slug);
  if (maps !== "unchanged") markAccount(db, work, { account: slug, urgent: maps === "urgent" });
  return ok({ output: showAccount(work, slug), told });
}

/** The account as the API shows it. */
export function showAccount(work: Work, slug: AccountSlug): Account {
  const account = viewAccount(work, slug);
  if (account === null) throw new Error(`account ${slug} was written and is not there`);
  return account;
}
