/**
 * Puts the accounts of a label into groups of their own, for a rollback that names labels the groups were not kept apart
 * by. A group in which everybody carries the label is left as it is. The one step of a running rollout that reads account
 * rows besides its start and end; asked for by a person.
 */
import type { FrozenGroup } from "../../contracts/rollout.ts";
import { canonicalJson } from "../../core/maps/canonical.ts";
import { own } from "../../core/record.ts";
import type { Db } from "../db.ts";
import { parseTexts, readInt, readText } from "../row.ts";
import { openRootRoom } from "../publisher/root-room.ts";
import { scanAccounts } from "../store/accounts.ts";
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
  const carriers = accountsByGroup(db, record, labels);
  for (const [from, { slugs, whole }] of carriers) {
    const group = frozen.find((one) => one.group === from);
    if (group === undefined || whole) continue;
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
  const next = { ...record, splitSeq: moves.length === 0 ? 1 : seq };
  const done = splitIn(next, labelWhole(frozen, carriers, labels), splits);
  saveRollout(db, done.record);
  saveFrozen(db, record.id, done.frozen);
  return done.record;
}

/** Those of a group who carry the labels that were asked for. */
export interface Carriers {
  readonly slugs: readonly string[];
  /** Nobody else is in the group, so that it need not be cut. */
  readonly whole: boolean;
}

/** Accounts of a rollout that carry labels, by the number of their group. */
export function accountsByGroup(
  db: Db,
  { state }: RolloutRecord,
  labels: Readonly<Record<string, string>>,
): ReadonlyMap<number, Carriers> {
  const found = new Map<number, { readonly slugs: string[]; whole: boolean }>();
  for (const row of scanAccounts(db, {
    columns: "slug, group_id, labels",
    where: "group_id IN (SELECT value FROM json_each(?))",
    params: [JSON.stringify(state.groups.number)],
  })) {
    const carried = parseTexts(readText(row, "labels"));
    const group = readInt(row, "group_id");
    const carriers = found.get(group) ?? { slugs: [], whole: true };
    found.set(group, carriers);
    if (Object.entries(labels).every(([key, value]) => own(carried, key) === value))
      carriers.slugs.push(readText(row, "slug"));
    else carriers.whole = false;
  }
  return new Map([...found].filter(([, { slugs }]) => slugs.length > 0));
}

/** The groups, with the labels noted of those in which everybody carries them. */
export function labelWhole(
  frozen: readonly FrozenGroup[],
  carriers: ReadonlyMap<number, Carriers>,
  labels: Readonly<Record<string, string>>,
): readonly FrozenGroup[] {
  return frozen.map((group) =>
    carriers.get(group.group)?.whole === true ? { ...group, labels: { ...group.labels, ...labels } } : group,
  );
}

/** Why the groups of these labels cannot be cut; null: they can. Reads the accounts only where numbers are short. */
export function cutProblem(
  db: Db,
  record: RolloutRecord,
  labels: Readonly<Record<string, string>>,
): string | null {
  const free = openGroupBook(db, openRootRoom(db)).free();
  if (free >= record.state.groups.number.length) return null;
  const cuts = [...accountsByGroup(db, record, labels).values()].filter(({ whole }) => !whole).length;
  if (cuts <= free) return null;
  return `accounts with ${canonicalJson(labels)} are in ${cuts} move groups together with others, and the maps have room for ${free} more groups: roll back by cohort or cell, or everything`;
}
