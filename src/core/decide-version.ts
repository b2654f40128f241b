/**
 * Which version answers a request: the one decision everything else is built around.
 * A pure function of maps, host and token claims: no clock, no I/O, no randomness, so that it can be explained later,
 * replayed and computed for a million accounts. First match wins: break-glass, hold, override, quarantine, pin, rollout,
 * home; for no known account: break-glass, hold of the product, override, default. Then replacements.
 * Fails closed: a version, product or cell that the maps do not have is unresolved, never the default.
 * Called by the edge on every request, by `explain`, and by plans of the control plane.
 */
import type { AccountRow, Hold, RootRollout } from "../contracts/maps.ts";
import { originForCell } from "../contracts/origin-rules.ts";
import type { AccountSlug, VersionName } from "../contracts/units.ts";
import { breakGlassHold, breakGlassInstead, breakGlassVersion, type Target } from "./apply-break-glass.ts";
import { bucketOf } from "./bucket.ts";
import type { Decision, DecisionInput, Forward, Held, Reason, Unresolved } from "./decision.ts";
import { own } from "./record.ts";

/** What an account sees while its data is between two versions; nobody has words of their own for a minute or two. */
export const MOVING: Hold = { mode: "page", message: null, until: null };

/** The input, with what every rule asks looked up once. `row` is null unless the account has this product. */
interface Case extends Target {
  readonly input: DecisionInput;
  readonly row: AccountRow | null;
  readonly rollout: RootRollout | null;
}

interface Choice {
  readonly version: VersionName;
  readonly reason: Reason;
}

/** A choice after everything that rewrites it. */
interface Outcome extends Choice {
  readonly replaced: VersionName | null;
  /** Default traffic alone may go to the standby when the connection fails. */
  readonly failsOver: boolean;
}

/**
 * Decides one request.
 * @returns `forward` with version, origin and reason; `hold` when the account or product is held (with the decision
 *   below it for safe methods when it is read-only); `unresolved` when the maps name something they do not have.
 */
export function decideVersion(input: DecisionInput): Decision {
  const facts = own(input.root.products, input.product);
  if (facts === undefined) return unresolved(input, input.slug, `the maps have no product ${input.product}`);
  const row = input.row !== null && own(input.row.homes, input.product) !== undefined ? input.row : null;
  const subject: Case = {
    input,
    row,
    facts,
    product: input.product,
    slug: row === null ? input.slug : row.slug,
    known: row !== null,
    rollout: row === null ? null : rolloutOf(input, row),
  };
  const hold = breakGlassHold(input.breakGlass, subject);
  const below = (): Decision => decideFixed(subject) ?? decideHeld(subject);
  return hold === null ? below() : held(subject, { hold, reason: "break-glass" }, below);
}

/**
 * Decides for an account whose row cannot be read: only what holds for it whatever the row says. It may be known, so what
 * break-glass says of unknown accounts is not meant for it, and there is no default.
 */
export function decideUnread(asked: Omit<DecisionInput, "row" | "override">): Decision {
  const { root, breakGlass, product, slug } = asked;
  const input = { ...asked, row: null, override: null };
  const nowhere = unresolved(input, slug, "the row of this account cannot be read");
  const facts = own(root.products, product);
  if (facts === undefined) return nowhere;
  const subject: Case = { input, row: null, facts, product, slug, known: true, rollout: null };
  const ofProduct = (): Decision =>
    facts.hold === null ? nowhere : held(subject, { hold: facts.hold, reason: "hold" }, () => nowhere);
  const below = (): Decision => decideFixed(subject) ?? ofProduct();
  const hold = breakGlassHold(breakGlass, subject);
  return hold === null ? below() : held(subject, { hold, reason: "break-glass" }, below);
}

/** The rollout of this product that counts the account among its groups, or null. */
function rolloutOf({ root, product }: DecisionInput, row: AccountRow): RootRollout | null {
  if (row.group < 0) return null;
  for (const rollout of root.rollouts) {
    if (own(rollout.targets, product) !== undefined) return rollout;
  }
  return null;
}

/** Break-glass `accounts` and `default`: final, so neither replacement nor standby follows. */
function decideFixed(subject: Case): Decision | null {
  const { breakGlass } = subject.input;
  const version = breakGlassVersion(breakGlass, subject);
  return version === null
    ? null
    : forward(subject, { version, reason: "break-glass", replaced: null, failsOver: false });
}

function decideHeld(subject: Case): Decision {
  const placed = subject.row?.hold ?? subject.facts.hold;
  // Whose data is between two versions must not be read either, whatever an operator's hold would let pass.
  const hold = isMoving(subject) ? { ...(placed ?? MOVING), mode: "page" as const } : placed;
  const below = (): Decision => decideTarget(subject);
  return hold === null ? below() : held(subject, { hold, reason: "hold" }, below);
}

/** True while the account's group is held for its move: `moved <= bucket < held`. Accounts kept out are not moving. */
function isMoving({ row, rollout, product }: Case): boolean {
  if (row === null || rollout === null) return false;
  const heldBelow = rollout.held[row.group] ?? 0;
  const movedBelow = rollout.moved[row.group] ?? 0;
  if (heldBelow <= movedBelow || keptVersion(row, product) !== null) return false;
  const bucket = bucketOf(rollout.salt, row.slug);
  return movedBelow <= bucket && bucket < heldBelow;
}

/** Quarantine and pin keep an account where they say, whatever a rollout does. */
function keptVersion(row: AccountRow, product: string): Choice | null {
  const quarantine = row.quarantine === null ? undefined : own(row.quarantine, product);
  if (quarantine !== undefined) return { version: quarantine, reason: "quarantine" };
  const pin = row.pins === null ? undefined : own(row.pins, product);
  return pin === undefined ? null : { version: pin, reason: "pin" };
}

function decideTarget(subject: Case): Decision {
  const choice = choose(subject);
  const replacement = replace(subject, choice.version);
  const version = breakGlassInstead(subject.input.breakGlass, subject, replacement);
  return forward(subject, {
    version,
    reason: version === replacement ? choice.reason : "break-glass",
    replaced: version === choice.version ? null : choice.version,
    failsOver: choice.reason === "default",
  });
}

function choose(subject: Case): Choice {
  const { input, row, rollout, product, slug, facts } = subject;
  const { override } = input;
  if (override !== null && override.product === product && override.account === slug) {
    return { version: override.version, reason: "override" };
  }
  if (row === null) return { version: facts.default, reason: "default" };
  const kept = keptVersion(row, product);
  if (kept !== null) return kept;
  const target = rollout === null ? undefined : own(rollout.targets, product);
  if (
    rollout !== null &&
    target !== undefined &&
    bucketOf(rollout.salt, row.slug) < (rollout.moved[row.group] ?? 0)
  ) {
    return { version: target, reason: "rollout" };
  }
  return { version: row.homes[product] ?? "", reason: "home" };
}

/**
 * Follows replacements from one version to the next, each at most once. They are for accounts: a request of no known
 * account has no bucket, and the default moves by its own step alone.
 */
function replace({ row, facts }: Case, version: VersionName): VersionName {
  if (row === null || facts.replacements.length === 0) return version;
  let current = version;
  for (let step = 0; step < facts.replacements.length; step++) {
    const rule = facts.replacements.find(({ from }) => from === current);
    if (rule === undefined || bucketOf(rule.salt, row.slug) >= rule.below) return current;
    current = rule.to;
  }
  return current;
}

function forward(subject: Case, outcome: Outcome): Forward | Unresolved {
  const { input, row, facts, product } = subject;
  const { version, reason, replaced } = outcome;
  const account = accountOf(subject, reason);
  const cell = row === null ? null : row.cell;
  const found = own(facts.versions, version);
  if (found === undefined)
    return unresolved(input, account, `${product} ${version} (${reason}) is not in the maps`);
  const origin = originForCell(found.origin, cell);
  if (origin === null)
    return unresolved(input, account, `${product} ${version} needs a cell and the account has none`);
  return {
    kind: "forward",
    product,
    account,
    version,
    origin,
    cell,
    reason,
    replaced,
    standby: outcome.failsOver ? standbyOf(subject, version) : null,
    generation: input.root.generation,
  };
}

/** A known account, or one that break-glass names although the maps do not know it. */
function accountOf({ row, input }: Case, reason: Reason): AccountSlug | null {
  if (row !== null) return row.slug;
  const named =
    input.slug !== null &&
    input.breakGlass !== null &&
    own(input.breakGlass.accounts, input.slug) !== undefined;
  return reason === "break-glass" && named ? input.slug : null;
}

/** The predecessor of the default, as `instead` rewrites it; null where that comes to the same version. */
function standbyOf(subject: Case, version: VersionName): Forward["standby"] {
  const { facts, input } = subject;
  if (facts.standby === null) return null;
  const standby = breakGlassInstead(input.breakGlass, subject, facts.standby);
  const origin = originForCell(own(facts.versions, standby)?.origin ?? "", null);
  return standby === version || origin === null || origin === "" ? null : { version: standby, origin };
}

function held(subject: Case, cause: Pick<Held, "hold" | "reason">, below: () => Decision): Held {
  const { input, row, product } = subject;
  const next = cause.hold.mode === "readOnly" ? below() : null;
  return {
    kind: "hold",
    product,
    account: row === null ? null : row.slug,
    hold: cause.hold,
    forward: readableBelow(next),
    reason: cause.reason,
    generation: input.root.generation,
  };
}

/** What safe methods may still reach: not past a second hold that shows a page. */
function readableBelow(decision: Decision | null): Forward | null {
  if (decision === null || decision.kind === "unresolved") return null;
  return decision.kind === "forward" ? decision : decision.forward;
}

function unresolved(input: DecisionInput, account: AccountSlug | null, why: string): Unresolved {
  return { kind: "unresolved", product: input.product, account, why, generation: input.root.generation };
}
