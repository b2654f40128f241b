/**
 * What an account is on now, product by product, and why: the decision of the maps as they are to be published, break-glass
 * and holds aside. And what running rollouts are expected to do with it next. Reads only; asked for one account at a time,
 * because a look ahead costs a forecast.
 */
import type { Account } from "../../contracts/api/accounts.ts";
import type { AccountSlug, ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { followReplacements, rootReplacement } from "../../core/rollout/replacement-plan.ts";
import type { Present } from "../accounts/plan.ts";
import { loadPresent } from "../accounts/present.ts";
import type { ControlClock } from "../clock.ts";
import { readStanding, versionOf } from "../commands/placement-rules.ts";
import type { Db } from "../db.ts";
import { viewAhead } from "../history/ahead.ts";
import { hasMoved, loadRunning, type Running } from "../rollouts/facts.ts";
import { loadActiveReplacements } from "../store/replacements.ts";

type Now = NonNullable<Account["now"]>;
type One = Now[string];

/** Of each product that the account has; empty for one that was deleted. */
export function viewNow(db: Db, clock: ControlClock, slug: AccountSlug): Now {
  const present = loadPresent(db, [slug]).get(slug);
  if (present === undefined || present.record.deletedAt !== null) return {};
  const running = loadRunning(db);
  const ahead = createAhead(db, clock, slug);
  return Object.fromEntries(
    Object.keys(present.homes).map((product) => [
      product,
      { ...standing(db, { present, running }, product), ...ahead(product, running) },
    ]),
  );
}

function standing(
  db: Db,
  { present, running }: { readonly present: Present; readonly running: readonly Running[] },
  product: ProductName,
): Omit<One, "next" | "stays"> {
  const { slug, groupId } = present.record;
  const found = readStanding(db, present, product);
  const mover = running.find((one) => isAbout(one, product) && hasMoved(one, slug, groupId));
  const held = found.quarantine ?? found.pin;
  const reason =
    found.quarantine !== null
      ? "quarantine"
      : found.pin !== null
        ? "pin"
        : mover === undefined
          ? "home"
          : "rollout";
  const chosen = versionOf(found);
  const version = replaced(db, { product, slug }, chosen);
  return {
    version,
    reason,
    rollout: held === null ? (mover?.state.plan.id ?? null) : null,
    replaced: version === chosen ? null : chosen,
  };
}

function isAbout({ state }: Running, product: ProductName): boolean {
  return own(state.plan.targets, product) !== undefined;
}

function replaced(
  db: Db,
  { product, slug }: { readonly product: ProductName; readonly slug: AccountSlug },
  chosen: VersionName,
): VersionName {
  const rules = loadActiveReplacements(db)
    .filter(({ state }) => state.plan.product === product)
    .flatMap(({ state }) => rootReplacement(state) ?? []);
  return followReplacements(rules, slug, chosen);
}

/** What comes next; each rollout is looked at once, whatever its products. */
function createAhead(
  db: Db,
  clock: ControlClock,
  account: AccountSlug,
): (product: ProductName, running: readonly Running[]) => Pick<One, "next" | "stays"> {
  const known = new Map<string, Pick<One, "next" | "stays">>();
  return (product, running) => {
    const mover = running.find((one) => isAbout(one, product));
    if (mover === undefined) return { next: null, stays: null };
    const { id, targets } = mover.state.plan;
    const found = known.get(id) ?? lookAhead(db, clock, { account, product, rollout: id });
    known.set(id, found);
    const to = own(targets, product) ?? "";
    return found.next === null ? found : { ...found, next: { ...found.next, to } };
  };
}

function lookAhead(
  db: Db,
  clock: ControlClock,
  asked: { readonly account: AccountSlug; readonly product: ProductName; readonly rollout: string },
): Pick<One, "next" | "stays"> {
  const seen = viewAhead(db, clock, asked);
  if (!seen.ok) return { next: null, stays: null };
  const { move, stays } = seen.value;
  if (move === null) return { next: null, stays };
  const { to, wave, at } = move;
  return { next: { rollout: asked.rollout, to, wave, ...at }, stays: null };
}
