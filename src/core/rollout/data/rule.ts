/**
 * What versions declare about one account being served by two of them, and about its data: whether a rollout holds its
 * accounts, and whose hooks it calls. Closed: a pair that is not declared is `never`. A rollout is judged by all versions
 * that its accounts come from, since groups do not keep those apart. Frozen into each batch when it begins, so an edit of
 * a version counts from the next one. Pure. Design §5.3.
 */
import type { Batch, Mixed, MixedRule } from "../../../contracts/move-data.ts";
import type { Facts } from "../../../contracts/rollout-input.ts";
import type { RolloutState } from "../../../contracts/rollout.ts";
import type { VersionName } from "../../../contracts/units.ts";
import { own } from "../../record.ts";
import { reachableVersions } from "../served.ts";
import { versionFacts } from "../versions.ts";

/** The word for one pair; `never` where nothing is said. */
export function mixedWith(rule: MixedRule, from: VersionName): Mixed {
  return typeof rule === "string" ? rule : (own(rule, from) ?? "never");
}

export interface MoveRule {
  /** Accounts are held while they move. */
  readonly holds: boolean;
  /** Some pair must never serve one account at once: edges answer from fresh maps only. */
  readonly never: boolean;
  readonly hooks: Batch["hooks"];
}

type Moved = Pick<RolloutState, "plan" | "origins">;

/** What the declared versions ask of a rollout's moves, either way. */
export function moveRule({ plan, origins }: Moved, facts: Facts): MoveRule {
  const hooks: Record<string, Batch["hooks"][string]> = {};
  let never = false;
  for (const [product, target] of Object.entries(plan.targets)) {
    const data = versionFacts(facts, product, target)?.data;
    if (data === undefined) continue;
    const { mixed, migration } = data;
    const from = (own(origins, product) ?? [])
      .filter((version) => version !== target)
      .flatMap((version) => reachableVersions(facts, product, version));
    if (from.length === 0) continue;
    never ||= from.some((version) => mixedWith(mixed, version) === "never");
    if (migration.kind !== "none") hooks[product] = migration;
  }
  return { holds: never || Object.keys(hooks).length > 0, never, hooks };
}

/** Targets that migrate data and declare no `undo`, as sentences. Going back from them leaves the data as it is. */
export function undoProblems(hooks: Batch["hooks"], targets: Moved["plan"]["targets"]): readonly string[] {
  return Object.entries(hooks)
    .filter(([, { undo }]) => undo === null)
    .map(([product]) => `${product} ${own(targets, product) ?? ""} migrates data and declares no undo`);
}

/** Whether everything that a batch's hooks did can be taken back. */
export function isUndoable(hooks: Batch["hooks"]): boolean {
  return Object.values(hooks).every(({ undo }) => undo !== null);
}
