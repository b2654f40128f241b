/**
 * What a product's mode means for one decision: while today's fleet serves it, everything goes there, but for what
 * operators said for an emergency (break-glass) and holds. Also what an answer of the fleet says of the decision. Pure.
 */
import type { RootFleet, FleetOutcome } from "../contracts/fleet.ts";
import { MAX_THEIRS_CHARS } from "../contracts/fleet.ts";
import type { Root } from "../contracts/maps.ts";
import type { ProductName } from "../contracts/units.ts";
import type { Decision, Held } from "./decision.ts";
import { own } from "./record.ts";

/** Today's fleet, when it serves the product; null: the product is active. */
export function fleetOf(root: Root | null, product: ProductName | null): RootFleet | null {
  if (root === null || product === null) return null;
  return own(root.products, product)?.fleet ?? null;
}

/** True when a decision is one that counts whoever serves the product; of a hold, for what it does not let through. */
export function outranksFleet(decision: Decision): boolean {
  return decision.kind === "hold" || (decision.kind === "forward" && decision.reason === "break-glass");
}

/** True when today's fleet answers what the hold lets through: a version does only where break-glass says so. */
export function leavesReadsToFleet({ hold, forward }: Held): boolean {
  return hold.mode === "readOnly" && forward?.reason !== "break-glass";
}

export interface Compared {
  readonly outcome: FleetOutcome;
  readonly ours: string | null;
  readonly theirs: string | null;
}

/**
 * Holds a decision against the version that the fleet named.
 * @param said the header as it came; null when there was none.
 */
export function compareWithFleet(decision: Decision | null, said: string | null): Compared {
  const theirs = said === null || said.trim() === "" ? null : said.trim().slice(0, MAX_THEIRS_CHARS);
  const ours = decision?.kind === "forward" ? decision.version : null;
  if (theirs === null) return { outcome: "unnamed", ours, theirs };
  if (ours === null) return { outcome: "undecided", ours, theirs };
  return { outcome: ours === theirs ? "agree" : "differ", ours, theirs };
}
