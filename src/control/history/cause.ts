/**
 * Why an account's answer changed, from the two decisions, and who asked for it, from the audit. What the audit does not
 * say stays null; nothing is guessed. Reads only; called for the moves of an account.
 */
import type { MoveCause, PastMaps } from "../../contracts/history-port.ts";
import type { AccountSlug, EpochMs, ProductName } from "../../contracts/units.ts";
import type { Forward, Reason } from "../../core/decision.ts";
import { fleetOf } from "../../core/fleet.ts";
import { own } from "../../core/record.ts";
import type { Db } from "../db.ts";
import { parseObject, readText, readTextOrNull } from "../row.ts";

/** One side of a move; `decision` null: the account was not known for the product, or today's fleet answered. */
export interface Side {
  readonly maps: PastMaps;
  readonly decision: Forward | null;
}

export interface Cause {
  readonly why: MoveCause;
  readonly rollout: string | null;
}

const ENDED: { readonly [K in Reason]?: MoveCause } = { quarantine: "unquarantine", pin: "unpin" };

/** Why one decision became the other. */
export function causeOf(product: ProductName, before: Side, after: Side): Cause {
  const [was, is] = [before.decision, after.decision];
  const plain = (why: MoveCause): Cause => ({ why, rollout: null });
  if (was === null)
    return plain(whyUnanswered(product, before.maps, { unknown: "created", fleet: "active" }));
  if (is === null) return plain(whyUnanswered(product, after.maps, { unknown: "removed", fleet: "fleet" }));
  if (was.reason === "break-glass" || is.reason === "break-glass") return plain("break-glass");
  if (is.reason === "quarantine" || is.reason === "pin") return plain(is.reason);
  const ended = ENDED[was.reason];
  if (ended !== undefined && is.reason !== "rollout") return plain(ended);
  if (is.reason === "rollout" && was.replaced === is.replaced)
    return { why: "rollout", rollout: rolloutOf(product, after.maps) };
  if (was.reason === "rollout" && is.reason === "home")
    return { why: "rolled-back", rollout: rolloutOf(product, before.maps) };
  return plain(was.replaced === is.replaced ? "home" : "replacement");
}

/** What kept the account from an answer of ours on that side, told as the change it is. */
function whyUnanswered(
  product: ProductName,
  { row, root }: PastMaps,
  told: { readonly unknown: MoveCause; readonly fleet: MoveCause },
): MoveCause {
  if (row === null) return told.unknown;
  return fleetOf(root, product) === null ? "product" : told.fleet;
}

function rolloutOf(product: ProductName, { root }: PastMaps): string | null {
  return root.rollouts.find(({ targets }) => own(targets, product) !== undefined)?.id ?? null;
}

/** Who asked for it and why, where the audit says so. */
export interface Told {
  readonly by: string | null;
  readonly reason: string | null;
}

interface Asked extends Cause {
  readonly account: AccountSlug;
  readonly product: ProductName;
  readonly atMs: EpochMs;
}

/** Actions that bring about each kind of move. */
const ACTIONS: Readonly<Record<MoveCause, readonly string[]>> = {
  recorded: [],
  created: ["account.put"],
  removed: ["account.freed"],
  product: ["account.put"],
  rollout: ["rollout.start"],
  "rolled-back": ["rollout.rollback"],
  pin: ["account.pin.set"],
  unpin: ["account.pin.lift", "account.pin.expired"],
  quarantine: ["account.quarantine.set"],
  unquarantine: ["account.quarantine.lift"],
  replacement: [],
  "break-glass": [],
  home: ["restore"],
  fleet: ["product.mode.set"],
  active: ["product.mode.set"],
};

/** The newest entry of the audit that fits, at or before the move. */
export function tellCause(db: Db, { account, product, atMs, why, rollout }: Asked): Told {
  const target = targetOf({ account, product, why, rollout });
  for (const row of db.rows(
    `SELECT actor, reason, detail FROM audit WHERE target = ?1 AND at <= ?2
     AND action IN (SELECT value FROM json_each(?3)) ORDER BY seq DESC LIMIT 100`,
    target,
    atMs,
    JSON.stringify(ACTIONS[why]),
  )) {
    const about = parseObject(readText(row, "detail"))["product"];
    if (about === undefined || about === product)
      return { by: readText(row, "actor"), reason: readTextOrNull(row, "reason") };
  }
  // A rollout that went back by itself has nobody's word for it.
  return { by: why === "rolled-back" ? "rollout" : null, reason: null };
}

/** What the audit calls the thing that was acted on. */
function targetOf({ account, product, why, rollout }: Omit<Asked, "atMs">): string {
  if (rollout !== null) return `rollout/${rollout}`;
  if (why === "home") return "everything";
  return why === "fleet" || why === "active" ? `product/${product}` : `account/${account}`;
}
