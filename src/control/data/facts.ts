/**
 * What the engine is told of moves that carry data: since when a publish can be read and who is behind it, and how far the
 * hooks of the batch are. Reads rows of the batch alone. Isolates are those that the meters named when they were last
 * asked; that nobody is behind is never said, because a report that was lost is missed by nobody, so a settling lasts as
 * long as without reports, or longer.
 */
import {
  KV_LAG_MS,
  REPORT_LAG_MS,
  type BatchReport,
  type DataFacts,
  type PublishFact,
} from "../../contracts/move-data.ts";
import { settlingFor, type Settling } from "../../contracts/settling.ts";
import type { SeenIsolate } from "../../contracts/telemetry.ts";
import type { EpochMs, Generation } from "../../contracts/units.ts";
import { reportOf } from "../../core/rollout/data/units.ts";
import type { Db } from "../db.ts";
import { isOut } from "../publisher/is-out.ts";
import { loadBatch, loadPublish, loadUnits } from "../store/data-moves.ts";
import { readMeta, writeMeta } from "../store/meta.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

/** What was configured at this start; every advance goes by it. */
export function noteSettling(db: Db, settling: Settling): void {
  writeMeta(db, "settling", JSON.stringify(settling));
}

export function loadSettling(db: Db): Settling {
  const text = readMeta(db, "settling");
  return text === null ? settlingFor(KV_LAG_MS) : (JSON.parse(text) as Settling);
}

interface Seen {
  readonly atMs: EpochMs;
  readonly isolates: readonly Pick<SeenIsolate, "generation" | "reportedAt">[];
}

/** Keeps what the meters named; null: they could not be asked. Both times are those of the machines' clocks. */
export function noteEdges(db: Db, seen: readonly SeenIsolate[] | null, atMs: EpochMs): void {
  const isolates = seen?.map(({ generation, reportedAt }) => ({ generation, reportedAt }));
  writeMeta(db, "edges", isolates === undefined ? null : JSON.stringify({ atMs, isolates } satisfies Seen));
}

/** Null: it cannot be said. */
function behind(db: Db, generation: Generation | null): number | null {
  const text = readMeta(db, "edges");
  if (text === null || generation === null) return null;
  const seen = JSON.parse(text) as Seen;
  const sinceMs = seen.atMs - loadSettling(db).freshMs - REPORT_LAG_MS;
  const late = seen.isolates.filter((one) => one.reportedAt >= sinceMs && one.generation < generation).length;
  return late === 0 ? null : late;
}

/** Everything for one advance; null while nothing of the rollout carries data. */
export function dataFacts(db: Db, { id, state }: RolloutRecord): DataFacts | null {
  if (state.data === undefined) return null;
  const { publishStep, batch } = state.data;
  return {
    publish: publishFact(db, id, publishStep),
    report: batch === null ? null : reportFact(db, id, batch.number),
  };
}

function publishFact(db: Db, id: string, step: number): PublishFact | null {
  const found = loadPublish(db, id, step);
  return found === null ? null : { ...found, behind: behind(db, found.generation) };
}

function reportFact(db: Db, id: string, number: number): BatchReport | null {
  const batch = loadBatch(db, id, number);
  if (batch === null) return null;
  return reportOf(number, loadUnits(db, batch), batch.leftSeq > 0 && isOut(db, batch.leftSeq));
}
