/**
 * Which accounts a batch has and how they are called: one unit for an account, or one for the accounts of a cell where a
 * product migrates by the cell, since what is done to them together fails together. Products move together, so a unit has
 * a run for each product that migrates and that its accounts have. Pure; called by control when a batch is to be called,
 * with the accounts as they are then. Design §5.3.
 */
import {
  FATES,
  type Batch,
  type BatchReport,
  type Direction,
  type Fate,
  type HookRun,
  type HookUnit,
  type Member,
  type Outcome,
  type StepState,
} from "../../../contracts/move-data.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import type { AccountSlug, ProductName, VersionName } from "../../../contracts/units.ts";
import { bucketOf } from "../../bucket.ts";
import { own } from "../../record.ts";

/** Buckets of one group that a batch holds. */
export interface HeldRange {
  /** Number of the group in the maps. */
  readonly group: number;
  readonly from: number;
  readonly to: number;
}

/** The accounts that are held now: those of these groups with `from <= bucket < to`. Empty when no batch is. */
export function heldRanges({ groups }: Pick<RolloutState, "groups">): readonly HeldRange[] {
  return groups.number.flatMap((group, index) => {
    const from = groups.moved[index] ?? 0;
    const to = groups.held?.[index] ?? 0;
    return to > from ? [{ group, from, to }] : [];
  });
}

/**
 * Whether an account is being moved with its data. Until the batch has ended nobody may pin it, put it into quarantine,
 * regroup it or change its cell: it would be served while its data is between two versions.
 */
export function isHeld(
  state: Pick<RolloutState, "groups" | "salt">,
  account: { readonly slug: AccountSlug; readonly group: number },
): boolean {
  const range = heldRanges(state).find(({ group }) => group === account.group);
  if (range === undefined) return false;
  const bucket = bucketOf(state.salt, account.slug);
  return range.from <= bucket && bucket < range.to;
}

const UNTRIED: StepState = {
  tries: 0,
  sentMs: null,
  nextMs: 0,
  result: "open",
  silences: 0,
  why: null,
};

interface Plan {
  readonly hooks: Batch["hooks"];
  readonly direction: Direction;
  readonly targets: Readonly<Record<ProductName, VersionName>>;
}

function runOf(
  product: ProductName,
  of: { from: VersionName; to: VersionName; account: string | null },
): HookRun {
  return { product, ...of, prepare: UNTRIED, verify: UNTRIED, undo: UNTRIED };
}

/** Products whose hooks an account needs, in order: those it has and does not have the target of. */
function productsOf({ homes }: Member, { hooks, targets }: Plan): readonly ProductName[] {
  return Object.keys(hooks)
    .sort()
    .filter((product) => {
      const home = own(homes, product);
      return home !== undefined && home !== own(targets, product);
    });
}

/** Accounts with the same text share a unit. */
function unitName(member: Member, products: readonly ProductName[], { hooks }: Plan): string {
  const byCell = products.filter((product) => hooks[product]?.kind === "perCell");
  if (member.kept !== null || byCell.length === 0) return `account:${member.slug}`;
  const from = byCell.map((product) => `${product}@${member.homes[product] ?? ""}`).join(",");
  return `cell:${member.cell ?? ""}:${from}`;
}

function runsOf(members: readonly Member[], plan: Plan): readonly HookRun[] {
  const runs = new Map<string, HookRun>();
  for (const member of members) {
    for (const product of productsOf(member, plan)) {
      const account = plan.hooks[product]?.kind === "perCell" ? null : member.slug;
      const versions = { from: member.homes[product] ?? "", to: own(plan.targets, product) ?? "" };
      const key = `${product}\n${account ?? ""}`;
      if (!runs.has(key)) runs.set(key, runOf(product, { ...versions, account }));
    }
  }
  return [...runs.values()];
}

function unitOf(unit: string, members: readonly Member[], plan: Plan): HookUnit {
  const { direction } = plan;
  const kept = members[0]?.kept ?? null;
  const runs = kept === null ? runsOf(members, plan) : [];
  const fate: Fate = kept === null ? "ready" : direction === "forward" ? "left" : "kept";
  return {
    unit,
    accounts: members.map(({ slug }) => slug).sort(),
    cell: members[0]?.cell ?? null,
    direction,
    stage: runs.length === 0 ? "over" : direction === "forward" ? "prepare" : "undo",
    fate: runs.length === 0 ? fate : "open",
    why: kept,
    calledOff: false,
    runs,
  };
}

/**
 * Units of a batch, in the order of their names. Accounts without a product that migrates are `ready` at once; those that
 * must not move are `left` (or `kept`, going back) without a call.
 */
export function planUnits(members: Iterable<Member>, plan: Plan): readonly HookUnit[] {
  const byName = new Map<string, Member[]>();
  for (const member of members) {
    const name = unitName(member, productsOf(member, plan), plan);
    const known = byName.get(name) ?? [];
    byName.set(name, known);
    known.push(member);
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, list]) => unitOf(name, list, plan));
}

/** What the engine is told of a batch. `leftIsOut` is control's: the published maps show whoever was regrouped. */
export function reportOf(batch: number, units: readonly HookUnit[], leftIsOut: boolean): BatchReport {
  const fates: Record<Fate, number> = { open: 0, ready: 0, returned: 0, left: 0, kept: 0, stuck: 0 };
  for (const { fate, accounts } of units) fates[fate] += accounts.length;
  const accounts = FATES.reduce((sum, fate) => sum + fates[fate], 0);
  return { batch, accounts, fates, leftIsOut };
}

/** Accounts that do not go with the batch, each with why. What `leave` is about. */
export function outcomes(units: readonly HookUnit[]): readonly Outcome[] {
  return units.flatMap(({ fate, accounts, why }): readonly Outcome[] =>
    fate === "left" || fate === "kept" || fate === "stuck"
      ? accounts.map((account) => ({ account, fate, why: why ?? "" }))
      : [],
  );
}
