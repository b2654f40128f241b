/**
 * The maps of a past generation as far as they are about one key, put together from what the history keeps: the same
 * root and the same row that edges were given, so that the same decision can be made again. Positions of groups are
 * narrowed to the one that the row is in. Reads only.
 */
import { withUrgent } from "../../adapters/maps-reader/snapshots.ts";
import type { PastMaps } from "../../contracts/history-port.ts";
import { NO_GROUP, type AccountRow, type RootRollout } from "../../contracts/maps.ts";
import type { Generation } from "../../contracts/units.ts";
import { remember } from "../../core/remember.ts";
import type { Db } from "../db.ts";
import {
  loadBase,
  loadGroupThresholds,
  loadUrgent,
  type GroupThreshold,
  type RootBase,
  type RootRecord,
} from "./roots.ts";
import { loadKeyRecords } from "./shards.ts";

/** What the history knows of one key; remembers what it has read. */
export interface Past {
  /** Null: that root, or the key at that time, was not recorded. */
  at(root: RootRecord): PastMaps | null;
  /** Equal for roots that say the same of the key: then the decision is the same. */
  signature(root: RootRecord): string;
}

/**
 * @param key slug or custom host; null: nobody's.
 * @param holds `aside`: accounts that are held have the version that they count as being on.
 */
export function openPast(db: Db, key: string | null, holds: "told" | "aside" = "told"): Past {
  const records = key === null ? [] : loadKeyRecords(db, key);
  const base = remember((id: number): RootBase => loadBase(db, id));
  const urgent = remember((id: number) => new Map(loadUrgent(db, id).map((row) => [row.key, row])));
  const none: ReadonlyMap<string, AccountRow> = new Map();
  const thresholds = remember((of: string): readonly GroupThreshold[] => {
    const [group = "", rollout = ""] = splitOnce(of);
    return loadGroupThresholds(db, { rollout, group: Number(group) });
  });
  const findRow = (root: RootRecord): Found | undefined => {
    if (key === null) return { row: null, number: "" };
    const rows = root.urgent === null ? none : urgent(root.urgent);
    const own = rows.get(key);
    if (own !== undefined) return { row: own, number: `u${root.urgent}` };
    const at = records.findLastIndex(({ seq }) => seq <= root.shardSeq);
    const row = records[at]?.row;
    if (row === undefined) return undefined;
    return row === null
      ? { row, number: `${at}` }
      : { row: withUrgent({ urgent: rows }, row), number: `${at} ${rows.has(row.slug) ? root.urgent : ""}` };
  };
  const thresholdOf = (rollout: string, group: number, at: Generation): Threshold => {
    const found =
      group === NO_GROUP
        ? undefined
        : thresholds(`${group} ${rollout}`).findLast(({ generation }) => generation <= at);
    if (found === undefined) return { moved: 0, held: 0 };
    return holds === "aside" ? { moved: found.counted, held: 0 } : found;
  };
  const narrow = (rollout: RootBase["rollouts"][number], group: number, at: Generation): RootRollout => {
    const { moved, held } = thresholdOf(rollout.id, group, at);
    return { ...rollout, moved: [moved], held: [held] };
  };
  return {
    at: (root) => {
      const found = root.base === null ? undefined : findRow(root);
      if (found === undefined || root.base === null) return null;
      const { row } = found;
      const { rollouts, ...rest } = base(root.base);
      const group = row?.group ?? NO_GROUP;
      return {
        root: {
          ...rest,
          generation: root.generation,
          publishedAt: root.fromMs,
          accounts: 0,
          domains: 0,
          removed: { accounts: 0, domains: 0 },
          rollouts: rollouts.map((rollout) => narrow(rollout, group, root.generation)),
          urgent: [],
          index: { hash: "", shards: 1, inline: null },
        },
        row: row === null || group === NO_GROUP ? row : { ...row, group: 0 },
      };
    },
    signature: (root) => {
      const found = root.base === null ? undefined : findRow(root);
      if (found === undefined || root.base === null) return "unknown";
      const steps = base(root.base).rollouts.map(({ id }) => {
        const { moved, held } = thresholdOf(id, found.row?.group ?? NO_GROUP, root.generation);
        return `${moved} ${held}`;
      });
      return [root.base, found.number, ...steps].join("|");
    },
  };
}

type Threshold = Pick<GroupThreshold, "moved" | "held">;

/** A row, and which of the records it is. */
interface Found {
  readonly row: AccountRow | null;
  readonly number: string;
}

function splitOnce(text: string): readonly string[] {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at + 1)];
}
