/** Reads accounts as planning needs them: row, homes, custom domains. Reads only. */
import type { CustomDomain } from "../../contracts/api/accounts.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import type { Db } from "../db.ts";
import { loadAccounts, loadDomains } from "../store/accounts.ts";
import { openHomeBook } from "../store/home-sets.ts";
import type { Present } from "./plan.ts";

/** Those of the accounts that are there, tombstones too. */
export function loadPresent(db: Db, slugs: readonly AccountSlug[]): ReadonlyMap<AccountSlug, Present> {
  const records = loadAccounts(db, slugs);
  const domains = loadDomains(db, [...records.keys()]);
  const homes = openHomeBook(db);
  const present = new Map<AccountSlug, Present>();
  for (const [slug, record] of records) {
    const own: CustomDomain[] = (domains.get(slug) ?? []).map(({ host, product }) => ({ host, product }));
    present.set(slug, { record, homes: homes.homesOf(record.homesId), domains: own });
  }
  return present;
}
