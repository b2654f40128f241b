/**
 * Sends a request to today's fleet, because its product is not active yet: whatever the account, known, unknown or not to
 * be looked up. In `compare` the answer is held against the decision that was made and not acted on; the client's answer
 * is the fleet's either way. No version is held to account for it, and nothing else of the fleet's answer is read.
 * Called by `route.ts`. Posture: closed for the product when the fleet is down, as for any origin; comparing is open.
 */
import type { FleetAnswer } from "../adapters/fleet-counts.ts";
import type { RootFleet } from "../contracts/fleet.ts";
import type { Root } from "../contracts/maps.ts";
import type { AccountSlug, ProductName } from "../contracts/units.ts";
import type { Decision } from "../core/decision.ts";
import { compareWithFleet, fleetOf, leavesReadsToFleet, outranksFleet } from "../core/fleet.ts";
import type { RoutedExchange } from "./exchange.ts";
import type { ForwardToOrigin } from "./forward.ts";
import { passesHold } from "./hold.ts";

export interface FleetDeps {
  readonly forward: ForwardToOrigin;
  readonly countFleet: (answer: FleetAnswer) => void;
}

/** Whom a request is for, and what was decided; null: it could not be. */
export interface FleetSubject {
  readonly product: ProductName;
  readonly account: AccountSlug | null;
  readonly decision: Decision | null;
}

/** Today's fleet, when this request is its to answer: neither kept back by a hold nor placed by break-glass. */
export function answeringFleet(decision: Decision, exchange: RoutedExchange, root: Root): RootFleet | null {
  const fleet = fleetOf(root, decision.product);
  if (fleet === null || !outranksFleet(decision)) return fleet;
  if (decision.kind !== "hold" || !leavesReadsToFleet(decision)) return null;
  return passesHold(decision.hold, exchange) ? fleet : null;
}

/** Answers from the fleet. */
export async function answerFromFleet(
  fleet: RootFleet,
  { product, account, decision }: FleetSubject,
  { exchange, deps }: { readonly exchange: RoutedExchange; readonly deps: FleetDeps },
): Promise<Response> {
  const { record } = exchange;
  record.why = fleet.mode;
  record.account = account;
  const theirs = { product, account, version: null, origin: fleet.origin, standby: null };
  const response = await deps.forward(exchange, theirs);
  if (fleet.mode !== "compare" || fleet.versionHeader === null || record.outcome !== "forwarded")
    return response;
  try {
    const ours = decision?.kind === "hold" ? decision.forward : decision;
    const compared = compareWithFleet(ours, response.headers.get(fleet.versionHeader));
    deps.countFleet({ product, run: fleet.run, account, compared });
  } catch {
    // The answer is the client's; what could not be compared is nobody's matter.
  }
  return response;
}
