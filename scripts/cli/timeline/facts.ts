/**
 * What a time line is made of: entries of the audit, and per rollout its state, what its gates saw and whom it hurt; and
 * small readers of an entry's `detail`, which is free-form by contract (src/contracts/api/operations.ts). Pure types and
 * readers; nothing here decides what an entry means (happenings.ts) or adds anything up (summary.ts).
 */
import type { HurtAccountView, RolloutGatesView } from "../../../src/contracts/api/gates.ts";
import type { AuditEntry } from "../../../src/contracts/api/operations.ts";
import type { RolloutView } from "../../../src/contracts/api/rollouts.ts";

/** One rollout that the time line is about, as the API tells it now. */
export interface RolloutFacts {
  readonly view: RolloutView;
  /** Null: it has seen no gate, or they cannot be read. */
  readonly gates: RolloutGatesView | null;
  readonly hurt: readonly HurtAccountView[];
}

/** Everything that was read; `entries` oldest first. */
export interface Facts {
  /** The rollout that was asked for; null: a stretch of time. */
  readonly asked: string | null;
  readonly from: string;
  readonly to: string;
  readonly now: string;
  readonly entries: readonly AuditEntry[];
  readonly rollouts: readonly RolloutFacts[];
}

/** One line of the time line. */
export interface Happening {
  readonly at: string;
  /** Several entries in one line: when the last of them was. */
  readonly until: string | null;
  readonly who: string;
  /** A person or a program with a token of its own, and not the control plane by itself. */
  readonly byPerson: boolean;
  readonly kind: "forward" | "back" | "stop" | "gate" | "probe" | "setting";
  readonly what: string;
  readonly reason: string | null;
  /** Accounts on the rollout's targets after it; null: it moved nobody. */
  readonly moved: number | null;
  readonly target: string;
  /** Numbers of the audit's entries behind it. */
  readonly entries: readonly number[];
}

/** Names under which the control plane acts by itself. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  "rollout",
  "replacement",
  "gate",
  "system",
  "control",
  "clock",
]);

export function isPerson({ actor, role }: AuditEntry): boolean {
  return role !== "system" && !OWN_NAMES.has(actor);
}

type Detail = AuditEntry["detail"];

export function textIn(detail: Detail, name: string): string | null {
  const value = detail[name];
  return typeof value === "string" ? value : null;
}

export function numberIn(detail: Detail, name: string): number | null {
  const value = detail[name];
  return typeof value === "number" ? value : null;
}

/** A member that is an object itself; empty when it is none. */
export function within(detail: Detail, name: string): Detail {
  const value = detail[name];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

export function textsIn(detail: Detail, name: string): readonly string[] {
  const value = detail[name];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}

/** `kiln 2.9.0` of `version/kiln/2.9.0`. */
export function nameOf(target: string): string {
  return target.split("/").slice(1).join(" ");
}
