/**
 * Puts the accounts of a label into groups of their own, for a rollback that names labels the groups were not kept apart
 * by. The one step of a running rollout that reads account rows besides its start and end; asked for by a person.
 */
import { canonicalJson } from "../../core/maps/canonical.ts";
import { own } from "../../core/record.ts";
import type { Db } from "../db.ts";
import { parseTexts, readInt, readText } from "../row.ts";
import type { Moment } from "../store/changes.ts";
import { openGroupBook } from "../store/groups.ts";
import { loadFrozen, saveFrozen, saveRollout, type RolloutRecord } from "../store/rollouts.ts";
import { finishTallies } from "./tally.ts";
import { identityOf, moveGroups, splitIn, splitOthers, type Split } from "./regroup.ts";

/** @returns the rollout, already stored, with the change that the shards must show before it goes on. */
export function splitByLabels(
  { db, seq, nowMs }: Moment & { readonly db: Db },
  record: RolloutRecord,
  labels: Readonly<Record<string, string>>,
): RolloutRecord {
  finishTallies(db);
  const frozen = loadFrozen(db, record.id);
  const book = openGroupBook(db);
  const variant = `split:${seq}:${canonicalJson(labels)}`;
  const splits: Split[] = [];
  for (const [from, slugs] of accountsByGroup(db, record, labels)) {
    const group = frozen.find((one) => one.group === from);
    if (group === undefined) continue;
    const to = book.idOf(identityOf({ ...group, variant: `${variant}:${from}` }));
    if (to === null)
      throw new Error(`rollout ${record.id}: no number is left for a group of ${canonicalJson(labels)}`);
    splits.push({ from, to, variant, slugs, labels });
  }
  const moves = splits.flatMap(({ from, to, slugs }) => slugs.map((slug) => ({ slug, from, to })));
  moveGroups(db, { seq, nowMs }, { moves, book });
  book.flush();
  splitOthers(
    db,
    record.id,
    splits.map(({ from, to, variant: apart, slugs }) => ({ from, to, variant: apart, slugs })),
  );
  const done = splitIn({ ...record, splitSeq: moves.length === 0 ? 1 : seq }, frozen, splits);
  saveRollout(db, done.record);
  saveFrozen(db, record.id, done.frozen);
  return done.record;
}

/** Accounts of a rollout that carry labels, by the number of their group. */
export function accountsByGroup(
  db: Db,
  { state }: RolloutRecord,
  labels: Readonly<Record<string, string>>,
): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  const rows = db.rows(
    "SELECT slug, group_id, labels FROM accounts WHERE group_id IN (SELECT value FROM json_each(?)) ORDER BY slug",
    JSON.stringify(state.groups.number),
  );
  for (const row of rows) {
    const carried = parseTexts(readText(row, "labels"));
    if (!Object.entries(labels).every(([key, value]) => own(carried, key) === value)) continue;
    const group = readInt(row, "group_id");
    const slugs = found.get(group) ?? [];
    found.set(group, slugs);
    slugs.push(readText(row, "slug"));
  }
  return found;
}
