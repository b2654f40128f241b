/** Imports and syncs of accounts as they cross from the admin surface to the control plane: batches in, counts out. */
import type { ImportLine, ImportSummary } from "./api/accounts.ts";
import type { AccountSlug } from "./units.ts";

/** A line as it came: its number (from 1) and either the parsed account or why it was not one. */
export interface NumberedLine {
  readonly line: number;
  readonly account: ImportLine;
}

export interface RejectedLine {
  readonly line: number;
  readonly account: string | null;
  readonly reason: string;
}

export interface BatchCounts {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
}

/** `adopt` adds what is not there yet and changes nothing of what is, save products that are added. */
export type ImportMode = "import" | "sync" | "adopt";

export interface ImportBegin {
  /** The same id again continues the same import: batches already taken are not taken twice; another file is refused. */
  readonly id: string;
  readonly mode: ImportMode;
  readonly dryRun: boolean;
  /** How many removals the operator expects of a sync; null: at most the allowed loss. */
  readonly expectRemoved: number | null;
}

export interface BatchDone {
  readonly counts: BatchCounts;
  readonly rejected: readonly RejectedLine[];
  /** Differences, only in a dry run. */
  readonly diff: readonly {
    readonly account: string;
    readonly change: "added" | "changed" | "removed";
    readonly fields: readonly string[];
  }[];
}

export interface ImportEnded {
  readonly summary: ImportSummary;
  /** Removals (applied, or in a dry run to be applied), a first page of at most 1,000. */
  readonly removed: readonly AccountSlug[];
}
