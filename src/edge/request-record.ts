/**
 * What is noted about one request while it runs: one accumulator, filled by whoever learns a fact, read once at the end
 * for counters and logs. It must hold nothing secret: no query, no cookie, no token. Called by the edge alone.
 */
import { FIRST_ERROR_STATUS } from "../contracts/observation.ts";
import type { FailedRequest } from "../contracts/failed-request.ts";
import type { ObservedClass } from "../contracts/observation.ts";
import type { Outcome } from "../contracts/telemetry.ts";

export interface RequestRecord {
  outcome: Outcome;
  /** A word for logs on why: refusal reason, decision reason or failure. */
  why: string;
  requestId: string;
  host: string | null;
  product: string | null;
  account: string | null;
  version: string | null;
  /** What it counts as for its version; null until it is for one. */
  class: ObservedClass | null;
  /** It came with a tester's override that does not count. */
  refusedOverride: boolean;
  /** The version whose place the standby took, because it could not be reached. */
  failedVersion: string | null;
  /** When the first attempt to reach an origin began; 0: none did. */
  sentMs: number;
  /** False until the maps were asked; then the two below say which. */
  askedMaps: boolean;
  generation: number;
  breakGlass: boolean;
  /** Connections to origins that were tried. */
  attempts: number;
  /** The error that only the last-resort handler saw. */
  error: unknown;
}

/** A record that says "internal error" until somebody knows better: what throws on the way is just that. */
export function createRequestRecord(): RequestRecord {
  return {
    outcome: "internal-error",
    why: "",
    requestId: "",
    host: null,
    product: null,
    account: null,
    version: null,
    class: null,
    refusedOverride: false,
    failedVersion: null,
    sentMs: 0,
    askedMaps: false,
    generation: 0,
    breakGlass: false,
    attempts: 0,
    error: null,
  };
}

/** Whether somebody may ask why: what was held or sent in circles was answered as it was meant to be. */
export function isFailure({ outcome }: RequestRecord, status: number): boolean {
  return status >= FIRST_ERROR_STATUS && outcome !== "held" && outcome !== "loop" && outcome !== "admin";
}

/** As it is kept for whoever asks by its id. */
export function failedRequestOf(record: RequestRecord, status: number): FailedRequest {
  const { requestId: id, product, account, version, outcome, why, generation } = record;
  return { id, product, account, version, outcome, why, status, generation };
}
