/**
 * Checks the hash chain of the audit from the outside, with nothing but the entries as the API shows them.
 * An entry's hash is SHA-256 over the hash before it and the entry as canonical JSON: the time as milliseconds, the
 * detail as canonical JSON text inside it. The same form as the control plane writes; a change there breaks this check.
 * Pure, one entry at a time, newest first (as the API lists them), so that a long audit needs no memory.
 */
import type { AuditEntry } from "../../src/contracts/api/operations.ts";
import { canonicalJson } from "../../src/core/maps/canonical.ts";
import { sha256Hex } from "../../src/core/sha256.ts";

/** `previous` of the first entry. */
const CHAIN_START = "0".repeat(64);

/** The hash that an entry must have. */
export function auditHash(entry: Omit<AuditEntry, "hash">): string {
  const { seq, actor, role, action, target, reason, previous } = entry;
  const at = Date.parse(entry.at);
  const detail = canonicalJson(entry.detail);
  return sha256Hex(previous + canonicalJson({ seq, at, actor, role, action, target, reason, detail }));
}

export interface ChainResult {
  readonly entries: number;
  /** Hash of the newest entry: keep it outside, and a later check shows whether the end was cut off. */
  readonly head: string | null;
  /** One sentence an entry; empty when the chain holds. At most 20. */
  readonly breaks: readonly string[];
}

const MAX_BREAKS = 20;

export interface ChainCheck {
  /** Takes the next older entry. */
  readonly add: (entry: AuditEntry) => void;
  /** After the oldest entry. */
  end(): ChainResult;
}

/** Starts a check at the newest entry. */
export function createChainCheck(): ChainCheck {
  const breaks: string[] = [];
  let newer: AuditEntry | null = null;
  let entries = 0;
  let head: string | null = null;

  function complain(sentence: string): void {
    if (breaks.length < MAX_BREAKS) breaks.push(sentence);
  }

  return {
    add(entry) {
      entries++;
      head ??= entry.hash;
      if (auditHash(entry) !== entry.hash)
        complain(`entry ${entry.seq} was changed: its hash does not fit its content`);
      if (newer !== null && entry.seq !== newer.seq - 1)
        complain(`between ${entry.seq} and ${newer.seq} entries are missing`);
      else if (newer !== null && newer.previous !== entry.hash)
        complain(`entry ${newer.seq} does not follow entry ${entry.seq}`);
      newer = entry;
    },
    end() {
      if (newer !== null && newer.seq !== 1) complain(`entries 1 to ${newer.seq - 1} are missing`);
      else if (newer !== null && newer.previous !== CHAIN_START)
        complain("the first entry does not begin a chain");
      return { entries, head, breaks };
    },
  };
}
