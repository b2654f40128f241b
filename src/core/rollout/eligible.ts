/**
 * Whether a rollout moves an account, asked once, at its start; the answer becomes its group. Also the flap brake: an
 * account that was moved back within a day, or twice within 30 days, does not go forward again unless an operator says so.
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
/** Moved back as often as this, an account stays until an operator says "again"; the first time may be bad luck. */
export const FLAP_LIMIT = 2;
/** How long it is remembered that an account was moved back. */
export const FLAP_MEMORY_MS = 30 * DAY_MS;

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

/**
 * Why an account may not get these versions, now or when other rollouts go on; null when it may.
 * @param account targets of the other rollouts, and versions that people hold it on, which beat them all.
 */
export function pairAheadProblem(
  facts: Facts,
  homes: Homes,
  { ahead, held }: Pick<AccountFacts, "ahead" | "held">,
): string | null {
  for (const then of homesAhead(homes, ahead ?? [])) {
    const problem = pairProblem(facts, homesAfter(then, held ?? {}));
    if (problem !== null) return problem;
  }
  return null;
}

/** Why an account is left behind, and what else there is to say of it. */
export interface Left {
  readonly reason: LeftBehindReason;
  readonly detail: string | null;
}

/** Null when the rollout moves the account, else why it is left behind. */
export function leftBehindReason(account: AccountFacts, query: EligibleQuery): LeftBehindReason | null {
  return whyLeft(account, query)?.reason ?? null;
}

/** As `leftBehindReason`, with the words that people read. */
export function whyLeft(account: AccountFacts, query: EligibleQuery): Left | null {
  const { targets, nowMs } = query;
  const touched = Object.keys(targets).filter((product) => own(account.homes, product) !== undefined);
  if (touched.length === 0) return { reason: "no-product", detail: null };
  if (account.stuckIn !== undefined)
    return { reason: "stuck", detail: `rollout ${account.stuckIn} has yet to undo what it did to its data` };
  const quarantined = account.quarantined.filter((product) => touched.includes(product));
  if (quarantined.length > 0)
    return { reason: "quarantined", detail: `in quarantine for ${quarantined.join(", ")}` };
  const pinned = account.pinned.filter((product) => touched.includes(product));
  if (pinned.length > 0) return { reason: "pinned", detail: `pinned for ${pinned.join(", ")}` };
  if (touched.every((product) => account.homes[product] === targets[product]))
    return { reason: "already-there", detail: null };
  const untilMs = account.deferredUntilMs;
  if (untilMs !== null && untilMs > nowMs)
    return { reason: "deferred", detail: `until ${new Date(untilMs).toISOString()}` };
  const problem = pairOrUpgradeProblem(account, touched, query);
  if (problem !== null) return { reason: "incompatible", detail: problem };
  return query.again ? null : flapping(account, nowMs);
}

function pairOrUpgradeProblem(
  account: AccountFacts,
  touched: readonly ProductName[],
  { targets, facts }: EligibleQuery,
): string | null {
  for (const product of touched) {
    const move = { from: account.homes[product] ?? "", to: targets[product] ?? "" };
    const problem = upgradeProblem(facts, product, move);
    if (problem !== null) return problem;
  }
  return pairAheadProblem(facts, homesAfter(account.homes, targets), account);
}

function flapping({ rolledBackMs, timesBack }: AccountFacts, nowMs: EpochMs): Left | null {
  if (rolledBackMs === null) return null;
  const times = timesBack ?? 1;
  if (times < FLAP_LIMIT && nowMs - rolledBackMs >= FLAP_BRAKE_MS) return null;
  const often = times === 1 ? "once" : `${times} times`;
  const last = new Date(rolledBackMs).toISOString();
  return { reason: "flapping", detail: `moved back ${often} in 30 days, last at ${last}` };
}
