/**
 * Whether a rollout moves an account, asked once, at its start; the answer becomes its group. Also the flap brake: an
 * account that was moved back within a day does not go forward again unless an operator says so.
 * An account moves whole or not at all: one pinned product keeps the others back too, because the pair that would
 * come of it was not planned. Pure; called by freeze and by control when an obstacle ends.
 */
import type { AccountFacts, Facts } from "../../contracts/rollout-input.ts";
import type { LeftBehindReason } from "../../contracts/rollout.ts";
import type { EpochMs, ProductName, VersionName } from "../../contracts/units.ts";
import { DAY_MS } from "../calendar/memo.ts";
import { own } from "../record.ts";
import { pairProblem, upgradeProblem } from "./versions.ts";

type Homes = Readonly<Record<ProductName, VersionName>>;

/** How long an account that was moved back stays where it is. */
export const FLAP_BRAKE_MS = DAY_MS;

export interface EligibleQuery {
  readonly targets: Readonly<Record<ProductName, VersionName>>;
  readonly facts: Facts;
  readonly nowMs: EpochMs;
  /** An operator said that accounts may go forward again. */
  readonly again: boolean;
}

/** Versions of an account once a rollout has moved it: targets for the products it has. */
export function homesAfter(
  homes: AccountFacts["homes"],
  targets: EligibleQuery["targets"],
): Readonly<Record<ProductName, VersionName>> {
  const after: Record<ProductName, VersionName> = {};
  for (const [product, version] of Object.entries(homes)) after[product] = own(targets, product) ?? version;
  return after;
}

/**
 * Versions that an account may have while other rollouts go on, from those it has now: each of them may or may not move
 * it. The first is how it stands now.
 * @param targets of the other rollouts that have yet to move it.
 */
export function homesAhead(homes: Homes, targets: readonly Homes[]): readonly Homes[] {
  return targets.reduce<readonly Homes[]>(
    (all, one) => [...all, ...all.map((before) => homesAfter(before, one))],
    [homes],
  );
}

/** Why an account may not get these versions, now or when other rollouts go on; null when it may. */
export function pairAheadProblem(facts: Facts, homes: Homes, targets: readonly Homes[]): string | null {
  for (const ahead of homesAhead(homes, targets)) {
    const problem = pairProblem(facts, ahead);
    if (problem !== null) return problem;
  }
  return null;
}

/** Null when the rollout moves the account, else why it is left behind. */
export function leftBehindReason(account: AccountFacts, query: EligibleQuery): LeftBehindReason | null {
  const { targets, facts, nowMs } = query;
  const touched = Object.keys(targets).filter((product) => own(account.homes, product) !== undefined);
  if (touched.length === 0) return "no-product";
  if (account.quarantined.some((product) => touched.includes(product))) return "quarantined";
  if (account.pinned.some((product) => touched.includes(product))) return "pinned";
  if (touched.every((product) => account.homes[product] === targets[product])) return "already-there";
  if (account.deferredUntilMs !== null && account.deferredUntilMs > nowMs) return "deferred";
  const held = touched.some((product) => {
    const move = { from: account.homes[product] ?? "", to: targets[product] ?? "" };
    return upgradeProblem(facts, product, move) !== null;
  });
  const after = homesAfter(account.homes, targets);
  if (held || pairAheadProblem(facts, after, account.ahead ?? []) !== null) return "incompatible";
  const backMs = account.rolledBackMs;
  return !query.again && backMs !== null && nowMs - backMs < FLAP_BRAKE_MS ? "flapping" : null;
}
