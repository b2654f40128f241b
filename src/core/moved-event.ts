/**
 * The event that tells origins which accounts moved from one version to another: CloudEvents 1.0 as JSON, structured mode.
 * The same facts give the same bytes, so that sending an event again is sending the same one. Pure.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
import type { AccountSlug, EpochMs, Generation, ProductName, VersionName } from "../contracts/units.ts";

export const ACCOUNTS_MOVED = "accounts.moved";

/** Accounts of one event: with slugs of 63 characters some 33 KB. */
export const MAX_EVENT_ACCOUNTS = 500;

export interface MovedFacts {
  readonly id: string;
  /** Names the deployment: its admin host. */
  readonly adminHost: string;
  readonly product: ProductName;
  readonly from: VersionName;
  readonly to: VersionName;
  /** The maps that had `from`. */
  readonly previous: Generation;
  /** The published maps that have `to`. */
  readonly generation: Generation;
  /** Edges answer by the new maps from then on at the earliest. */
  readonly fromMs: EpochMs;
  /** Every edge does from then on. */
  readonly settledMs: EpochMs;
  readonly accounts: readonly AccountSlug[];
}

/** The event's text. */
export function movedEvent(facts: MovedFacts): string {
  const { id, adminHost, product, from, to, previous, generation, accounts } = facts;
  const effectiveFrom = new Date(facts.fromMs).toISOString();
  const settledBy = new Date(facts.settledMs).toISOString();
  return JSON.stringify({
    specversion: "1.0",
    id,
    source: `urn:firebreak:${adminHost}`,
    type: ACCOUNTS_MOVED,
    subject: product,
    time: effectiveFrom,
    datacontenttype: "application/json",
    data: { product, from, to, previousGeneration: previous, generation, effectiveFrom, settledBy, accounts },
  });
}
