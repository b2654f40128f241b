/**
 * The one place that says what refers to a named window, for the refusal of its deletion: every kind of thing that can
 * name one is counted here. Reads only.
 */
import type { Db } from "../db.ts";
import type { RolloutPlan } from "../../contracts/rollout.ts";
import { isTerminal } from "../../core/rollout/state.ts";
import { readInt } from "../row.ts";
import { loadRollouts } from "../store/rollouts.ts";

/** Things by kind with how many of them name the window; kinds that have none are left out. */
export function countWindowUses(db: Db, name: string): Readonly<Record<string, number>> {
  const uses = {
    // An account's own window is a name or windows of its own, both as JSON.
    accounts: count(
      db,
      "SELECT coalesce(sum(accounts), 0) AS n FROM groups WHERE window = ?",
      JSON.stringify(name),
    ),
    rollouts: loadRollouts(db).filter(({ state }) => !isTerminal(state) && names(state.plan, name)).length,
  };
  return Object.fromEntries(Object.entries(uses).filter(([, number]) => number > 0));
}

function names({ waves, default: step }: RolloutPlan, name: string): boolean {
  return [...waves, ...(step === null ? [] : [step])].some(({ window }) => window?.name === name);
}

function count(db: Db, sql: string, name: string): number {
  return readInt(db.rows(sql, name)[0] ?? {}, "n");
}
