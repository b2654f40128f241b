/**
 * The accounts of a clone: read from one side, renamed, and held against those that are on the other. Nothing of an
 * account goes over but its time zone, cohort, cell, products and homes; its name is a keyed hash. Memory: one line each.
 */
import type { Account, ImportLine } from "../../../src/contracts/api/accounts.ts";
import { sortedJson } from "../render.ts";
import { createCounts, type Counts } from "./counts.ts";
import { mapLabels } from "./mapping.ts";
import type { Names } from "./names.ts";

/** The label that says that an account is from a clone, and of which key. */
export const CLONE_LABEL = "cloned";

export interface AccountRules {
  readonly names: Names;
  readonly labels: "drop" | "hash";
  /** Where custom domains come to lie; null: they are left out. */
  readonly domainsUnder: string | null;
}

/** An account as it comes to the other side. */
export function renameAccount(account: Account, { names, labels, domainsUnder }: AccountRules): ImportLine {
  const { timeZone, cohort, cell, homes, domains } = account;
  return {
    account: names.slug(account.account),
    timeZone,
    cohort,
    cell,
    labels: {
      ...(labels === "hash" ? mapLabels(account.labels, names) : {}),
      [CLONE_LABEL]: names.fingerprint,
    },
    domains:
      domainsUnder === null
        ? []
        : domains.map(({ host, product }) => ({ host: `${names.host(host)}.${domainsUnder}`, product })),
    products: Object.keys(homes).toSorted(),
    homes,
  };
}

export interface Renamed {
  /** By new slug, as NDJSON without line ends. */
  readonly lines: ReadonlyMap<string, string>;
  readonly counts: Counts;
  /** Pairs of real names that came to the same one. */
  readonly collisions: number;
  readonly domainsLeftOut: number;
}

/** Reads and renames all accounts of one side. */
export async function renameAccounts(
  accounts: AsyncIterable<Account>,
  rules: AccountRules,
): Promise<Renamed> {
  const lines = new Map<string, string>();
  const counts = createCounts();
  let [collisions, domainsLeftOut] = [0, 0];
  for await (const account of accounts) {
    const line = renameAccount(account, rules);
    if (lines.has(line.account)) collisions += 1;
    if (rules.domainsUnder === null) domainsLeftOut += account.domains.length;
    lines.set(line.account, JSON.stringify(line));
    counts.add(account);
  }
  return { lines, counts, collisions, domainsLeftOut };
}

export interface Standing {
  /** Living accounts of the other side that no clone made. */
  readonly foreign: readonly string[];
  readonly foreignInAll: number;
  /** In both, on another home on the other side. */
  readonly elsewhere: readonly string[];
  readonly elsewhereInAll: number;
  /** Deleted there, and here again. */
  readonly deleted: readonly string[];
  /** Living there, and not in the clone any more. */
  readonly removed: number;
  /** In both, with a product there that the clone does not give them any more. */
  readonly losing: number;
  readonly kept: number;
}

/** Holds the accounts of the other side, deleted ones too, against what is to be there. */
export async function standingOf(accounts: AsyncIterable<Account>, { lines }: Renamed): Promise<Standing> {
  const foreign: string[] = [];
  const elsewhere: string[] = [];
  const deleted: string[] = [];
  let [foreignInAll, elsewhereInAll, removed, losing, kept] = [0, 0, 0, 0, 0];
  const note = (list: string[], name: string): void => void (list.length < MAX_NAMED && list.push(name));
  for await (const account of accounts) {
    const text = lines.get(account.account);
    const living = account.deleted === null;
    if (living && account.labels[CLONE_LABEL] === undefined) {
      foreignInAll += 1;
      note(foreign, account.account);
    }
    if (text === undefined) {
      removed += living ? 1 : 0;
      continue;
    }
    if (isElsewhere(account, text)) {
      elsewhereInAll += 1;
      note(elsewhere, account.account);
    } else if (living) kept += 1;
    if (!living) deleted.push(account.account);
    if (isLosing(account, text)) losing += 1;
  }
  return { foreign, foreignInAll, elsewhere, elsewhereInAll, deleted, removed, losing, kept };
}

const MAX_NAMED = 5;

function isLosing({ homes }: Account, text: string): boolean {
  const wanted = (JSON.parse(text) as ImportLine).homes ?? {};
  return Object.keys(homes).some((product) => wanted[product] === undefined);
}

/** A product that both have, on another version. */
function isElsewhere({ homes }: Account, text: string): boolean {
  const wanted = (JSON.parse(text) as ImportLine).homes ?? {};
  return Object.entries(homes).some(
    ([product, version]) =>
      wanted[product] !== undefined && sortedJson(wanted[product]) !== sortedJson(version),
  );
}
