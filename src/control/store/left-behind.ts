/**
 * Rows of whom rollouts left behind, each with the reason: from the start, and from the end. Reads and writes rows; why
 * somebody is left behind is decided in core/rollout/eligible.ts and rollouts/leaving.ts.
 */
import type { LeftBehindReason } from "../../contracts/rollout.ts";
import type { LeftBehind } from "../../contracts/rollout-input.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { runEach, type Db } from "../db.ts";
import { readText, readTextOrNull } from "../row.ts";

export interface LeftAccount {
  readonly account: AccountSlug;
  readonly reason: LeftBehindReason;
  /** In words, what else there is to say. */
  readonly detail: string | null;
}

/** Accounts that a summary names for each reason. */
export const EXAMPLES = 20;

/** A rollout's own summary with one more that is left behind for a reason. */
export function addLeft(
  summary: readonly LeftBehind[],
  slug: AccountSlug,
  reason: LeftBehindReason,
): readonly LeftBehind[] {
  const known = summary.find((left) => left.reason === reason);
  const next = {
    reason,
    accounts: (known?.accounts ?? 0) + 1,
    examples: [...(known?.examples ?? []), slug].sort().slice(0, EXAMPLES),
  };
  return [...summary.filter((left) => left.reason !== reason), next];
}

/** Adds accounts, as they come; who is listed with a reason keeps it. */
export function saveLeftBehind(db: Db, rollout: string, left: Iterable<LeftAccount>): void {
  runEach(
    db,
    {
      sql: `INSERT OR IGNORE INTO left_behind (rollout, account, reason, detail)
        SELECT ?2, value ->> 'account', value ->> 'reason', value ->> 'detail' FROM json_each(?1)`,
      params: [rollout],
    },
    left,
  );
}

/** Takes an account off the list. @returns the reason it was there with, null when it was not. */
export function forgetLeftBehind(db: Db, rollout: string, account: AccountSlug): string | null {
  const row = db.rows(
    "SELECT reason FROM left_behind WHERE rollout = ? AND account = ?",
    rollout,
    account,
  )[0];
  db.run("DELETE FROM left_behind WHERE rollout = ? AND account = ?", rollout, account);
  return row === undefined ? null : readText(row, "reason");
}

/** Accounts in order of slug, from after the cursor on. */
export function loadLeftBehind(
  db: Db,
  rollout: string,
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): readonly LeftAccount[] {
  return db
    .rows(
      "SELECT account, reason, detail FROM left_behind WHERE rollout = ? AND account > ? ORDER BY account LIMIT ?",
      rollout,
      cursor ?? "",
      limit,
    )
    .map((row) => ({
      account: readText(row, "account"),
      // Written from the closed list alone.
      reason: readText(row, "reason") as LeftBehindReason,
      detail: readTextOrNull(row, "detail"),
    }));
}
