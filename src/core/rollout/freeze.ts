/**
 * Reads the accounts once and keeps of them all that a rollout ever asks again: groups, buckets, where they come from.
 * What it must not do: number groups (control owns the numbers, `numberOf`) or write anything. Memory is two bytes an
 * account while it runs, beside a growing list per group. Called by control at start, and by plan. Design §5, "frozen".
 */
import type { Freeze } from "../../contracts/calendar.ts";
import { MAX_GROUPS } from "../../contracts/limits.ts";
import { err, ok, type Result } from "../../contracts/result.ts";
import type { AccountFacts, Facts, Frozen, LeftBehind } from "../../contracts/rollout-input.ts";
import type { FrozenGroup, GroupKey, LeftBehindReason, RolloutPlan } from "../../contracts/rollout.ts";
import type { EpochMs } from "../../contracts/units.ts";
import { bucketOf } from "../bucket.ts";
import { canonicalJson } from "../maps/canonical.ts";
import { own } from "../record.ts";
import { frozenDigest } from "./digest.ts";
import { whyLeft } from "./eligible.ts";

/** Accounts named for each reason; the numbers are whole. */
const EXAMPLES = 20;

export interface FreezeOptions {
  readonly plan: RolloutPlan;
  readonly salt: string;
  readonly nowMs: EpochMs;
  readonly facts: Facts;
  /** Those in force or ahead: the labels they name keep groups apart. */
  readonly freezes: readonly Freeze[];
  /** Accounts that were moved back within a day may go forward again. */
  readonly again: boolean;
  /** Position of a group in the maps; null when there are too many. Called once for each key. */
  readonly numberOf: (key: GroupKey) => number | null;
}

export type FreezeFailure = {
  readonly reason: "too-many-groups";
  readonly groups: number;
  readonly max: number;
};

/** Names of labels that the scopes of freezes mention, in order. */
export function labelKeysOf(freezes: readonly Freeze[]): readonly string[] {
  return [...new Set(freezes.flatMap(({ scope }) => Object.keys(scope.labels ?? {})))].sort();
}

/** The labels of an account that groups are kept apart by. */
export function labelsUnder(
  labels: AccountFacts["labels"],
  keys: readonly string[],
): Readonly<Record<string, string>> {
  const known: Record<string, string> = {};
  for (const key of keys) {
    const value = own(labels, key);
    if (value !== undefined) known[key] = value;
  }
  return known;
}

/** What keeps accounts with these labels apart in a group's key; empty for none. */
export function labelVariant(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels).length === 0 ? "" : `labels:${canonicalJson(labels)}`;
}

/** Placement of one account: its group's key, and why it is not moved, if it is not. */
export interface Placed {
  readonly key: GroupKey;
  readonly labels: Readonly<Record<string, string>>;
  readonly leftBehind: LeftBehindReason | null;
  /** What else there is to say of that. */
  readonly detail: string | null;
}

/** Where an account belongs at the start of a rollout. Control writes the number of `key` into its row. */
export function placeAccount(
  account: AccountFacts,
  options: FreezeOptions,
  labelKeys: readonly string[],
): Placed {
  const query = { ...options, targets: options.plan.targets };
  const left = whyLeft(account, query);
  const labels = labelsUnder(account.labels, labelKeys);
  const apart = labelVariant(labels);
  const { cohort, zone, window, cell } = account;
  const variant = left === null ? apart : `out:${options.plan.id}`;
  const said = { leftBehind: left?.reason ?? null, detail: left?.detail ?? null };
  return { key: { cohort, zone, window, cell, variant }, labels, ...said };
}

interface Gathering {
  readonly key: GroupKey;
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: number[];
}

interface Gathered {
  readonly groups: Map<string, Gathering>;
  readonly keys: Map<string, GroupKey>;
  readonly origins: Map<string, Set<string>>;
  readonly left: Map<LeftBehindReason, { accounts: number; examples: string[] }>;
}

/** The text of a key, equal for equal keys. The own window is the one part that is no plain text. */
function keyText({ cohort, zone, window, cell, variant }: GroupKey): string {
  const own = window === null ? "" : canonicalJson(window);
  return `${cohort}\n${zone}\n${cell ?? ""}\n${variant}\n${own}`;
}

function leave(gathered: Gathered, reason: LeftBehindReason, slug: string): void {
  const entry = gathered.left.get(reason) ?? { accounts: 0, examples: [] };
  entry.accounts += 1;
  if (entry.examples.length < EXAMPLES) entry.examples.push(slug);
  gathered.left.set(reason, entry);
}

function gather(
  accounts: Iterable<AccountFacts>,
  options: FreezeOptions,
  labelKeys: readonly string[],
): Gathered {
  const gathered: Gathered = { groups: new Map(), keys: new Map(), origins: new Map(), left: new Map() };
  for (const account of accounts) {
    const { key, labels, leftBehind } = placeAccount(account, options, labelKeys);
    const text = keyText(key);
    if (!gathered.keys.has(text)) gathered.keys.set(text, key);
    if (leftBehind !== null) {
      leave(gathered, leftBehind, account.slug);
      continue;
    }
    const group = gathered.groups.get(text) ?? { key, labels, buckets: [] };
    gathered.groups.set(text, group);
    group.buckets.push(bucketOf(options.salt, account.slug));
    for (const product of Object.keys(options.plan.targets)) {
      const home = own(account.homes, product);
      if (home === undefined) continue;
      const homes = gathered.origins.get(product) ?? new Set();
      gathered.origins.set(product, homes.add(home));
    }
  }
  return gathered;
}

/** Numbers every key, also of groups that are not moved, in the order of their texts so that the same world numbers alike. */
function number(
  gathered: Gathered,
  numberOf: FreezeOptions["numberOf"],
): Result<readonly FrozenGroup[], FreezeFailure> {
  const tooMany = { reason: "too-many-groups", groups: gathered.keys.size, max: MAX_GROUPS } as const;
  if (gathered.keys.size > MAX_GROUPS) return err(tooMany);
  const groups: FrozenGroup[] = [];
  for (const [text, key] of [...gathered.keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const group = numberOf(key);
    if (group === null) return err(tooMany);
    const gathering = gathered.groups.get(text);
    if (gathering === undefined) continue;
    groups.push({
      ...key,
      group,
      labels: gathering.labels,
      buckets: Uint16Array.from(gathering.buckets).sort(),
    });
  }
  return ok(groups.sort((a, b) => a.group - b.group));
}

function listLeft(left: Gathered["left"]): readonly LeftBehind[] {
  return [...left]
    .map(([reason, { accounts, examples }]) => ({ reason, accounts, examples: examples.sort() }))
    .sort((a, b) => (a.reason < b.reason ? -1 : 1));
}

/**
 * Freezes what a rollout will know of the accounts.
 * @param accounts every account that is not deleted, once each, in any order.
 * @returns groups of those that it moves, by number; who is left behind; a digest of it all with the plan.
 */
export function freeze(
  accounts: Iterable<AccountFacts>,
  options: FreezeOptions,
): Result<Frozen, FreezeFailure> {
  const labelKeys = labelKeysOf(options.freezes);
  const gathered = gather(accounts, options, labelKeys);
  const groups = number(gathered, options.numberOf);
  if (!groups.ok) return groups;
  const origins = Object.fromEntries(
    [...gathered.origins]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([product, homes]) => [product, [...homes].sort()]),
  );
  const facts = { groups: groups.value, labelKeys, origins, leftBehind: listLeft(gathered.left) };
  return ok({ ...facts, digest: frozenDigest(options.plan, facts) });
}
