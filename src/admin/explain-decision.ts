/**
 * Turns a decision into the facts that `explain` tells: where the request goes, and what would be decided where today's
 * fleet answers in the place of a version. Pure; decides nothing. Called by `explain.ts`.
 */
import type { RootFleet } from "../contracts/fleet.ts";
import type { Hold } from "../contracts/maps.ts";
import type { Decision } from "../core/decision.ts";
import { leavesReadsToFleet, outranksFleet } from "../core/fleet.ts";
import type { Facts } from "./explain-sentence.ts";

/** Today's fleet needs no row; of an active product only break-glass and holds are known to count. */
export function unreadFacts(facts: Facts, fleet: RootFleet | null, decision: Decision): Facts {
  if (decision.kind !== "unresolved") return toldFacts(facts, fleet, decision);
  if (fleet !== null) return fleetFacts(facts, fleet, null);
  return { ...facts, reason: "unresolved", detail: "the shard of this account cannot be read" };
}

/** With today's fleet in the place of the version wherever it is the fleet that answers. */
export function toldFacts(facts: Facts, fleet: RootFleet | null, decision: Decision): Facts {
  if (fleet !== null && !outranksFleet(decision)) return fleetFacts(facts, fleet, decision);
  const told = { ...facts, ...decisionFacts(decision), detail: detailOf(decision) };
  const readsFromFleet = fleet !== null && decision.kind === "hold" && leavesReadsToFleet(decision);
  return readsFromFleet ? { ...told, version: null, origin: fleet.origin } : told;
}

/** The product is not active: today's fleet answers, whatever was decided; that is told all the same. */
function fleetFacts(facts: Facts, { mode, origin }: RootFleet, decision: Decision | null): Facts {
  const { version = null, reason = "unresolved" } = decision === null ? {} : decisionFacts(decision);
  const detail =
    version === null
      ? "the maps have no version for it now"
      : `active it would go to ${facts.product} ${version}, by ${reason}`;
  return { ...facts, account: decision?.account ?? null, version: null, origin, reason: mode, detail };
}

function decisionFacts(
  decision: Decision,
): Pick<Facts, "account" | "version" | "origin" | "reason" | "replaced" | "generation"> {
  const { account, generation } = decision;
  switch (decision.kind) {
    case "forward":
      return {
        account,
        generation,
        version: decision.version,
        origin: decision.origin,
        reason: decision.reason,
        ...(decision.replaced === null ? {} : { replaced: decision.replaced }),
      };
    case "hold":
      return {
        account,
        generation,
        version: decision.forward?.version ?? null,
        origin: decision.forward?.origin ?? null,
        reason: decision.reason,
      };
    case "unresolved":
      return { account, generation, version: null, origin: null, reason: "unresolved" };
  }
}

function detailOf(decision: Decision): string | null {
  switch (decision.kind) {
    case "forward":
      return replacedText(decision);
    case "hold":
      return holdText(decision.hold);
    case "unresolved":
      return decision.why;
  }
}

/** What a held request meets. */
export function holdText({ mode }: Hold): string {
  return mode === "readOnly" ? "read-only" : "maintenance page";
}

/** Break-glass says so itself; otherwise it is a replacement, which nothing else in the answer would tell. */
function replacedText({ replaced, reason }: Extract<Decision, { kind: "forward" }>): string | null {
  if (replaced === null) return null;
  return `in place of ${replaced}${reason === "break-glass" ? "" : ", which is being replaced"}`;
}
