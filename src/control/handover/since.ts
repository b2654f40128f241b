/**
 * Since which generation an account is on the version it is on: the newest generations that could have changed its answer
 * are decided again, newest first, until one differs. Only those count whose rules, urgent rows or thresholds of its
 * group differ from the one before, and those that show another row of it. Reads only.
 */
import type { Generation, ProductName, VersionName } from "../../contracts/units.ts";
import { remember } from "../../core/remember.ts";
import type { Db } from "../db.ts";
import {
  loadGroupThresholds,
  loadRootsBetween,
  loadSteppedRollouts,
  type RootRecord,
} from "../history/roots.ts";
import { rowOn, type AccountChange, type Comparison } from "./compare.ts";
import { GONE } from "./range.ts";
import { openSide, versionOn, type Side } from "./side.ts";

export type FindGeneration = (
  change: AccountChange,
  answer: { readonly product: ProductName; readonly version: VersionName | null },
) => Generation;

/** Made once for a page: it remembers the maps it has read. */
export function createSince(db: Db, comparison: Comparison): FindGeneration {
  const after = comparison.before.record.generation;
  const upTo = comparison.after.record.generation;
  const roots = loadRootsBetween(db, after, upTo);
  const bases = changedBases(comparison.before.record, roots);
  const stepped = loadSteppedRollouts(db, after, upTo);
  const ofGroup = remember((group: number): readonly Generation[] =>
    stepped.flatMap((rollout) => thresholdSteps(db, { rollout, group, after, upTo })),
  );
  const sideOf = remember((generation: Generation): Side | null => {
    const record = roots.find((root) => root.generation === generation);
    return record === undefined ? null : openSide(db, record);
  });
  const candidatesOf = ({ trail }: AccountChange): readonly Generation[] => {
    const values = [trail.before, ...trail.changes.map(({ value }) => value)];
    const groups = new Set(
      values.filter((value) => value !== GONE).map((value) => comparison.rowOf(value).group),
    );
    const shown = trail.changes.flatMap(
      ({ seq }) => roots.find(({ shardSeq }) => shardSeq >= seq)?.generation ?? [],
    );
    const all = new Set([...bases, ...shown, ...[...groups].flatMap((group) => ofGroup(group))]);
    return [...all].sort((a, b) => b - a);
  };
  return (change, { product, version }) => {
    let since = upTo;
    for (const generation of candidatesOf(change)) {
      const side = sideOf(generation);
      if (side === null) continue;
      const value = valueAt(change, side.record.shardSeq);
      const row = rowOn(side, change.account, { value, rowOf: comparison.rowOf });
      if (versionOn(side, row, product) !== version) break;
      since = generation;
    }
    return since;
  };
}

/** Roots that say something else than the one before in what is not a threshold. */
function changedBases(first: RootRecord, roots: readonly RootRecord[]): readonly Generation[] {
  return roots.flatMap((root, at) => {
    const before = roots[at - 1] ?? first;
    return root.base === before.base && root.urgent === before.urgent ? [] : [root.generation];
  });
}

interface Steps {
  readonly rollout: string;
  readonly group: number;
  readonly after: Generation;
  readonly upTo: Generation;
}

/** Where the threshold of one group rose or fell. */
function thresholdSteps(db: Db, { rollout, group, after, upTo }: Steps): readonly Generation[] {
  if (group < 0) return [];
  const steps = loadGroupThresholds(db, { rollout, group });
  return steps
    .filter(({ counted }, at) => counted !== (steps[at - 1]?.counted ?? 0))
    .map(({ generation }) => generation)
    .filter((generation) => generation > after && generation <= upTo);
}

function valueAt({ trail }: AccountChange, seq: number): number {
  return trail.changes.findLast((change) => change.seq <= seq)?.value ?? trail.before;
}
