/**
 * The tables of migration `009_observations`. Never edited after a release: a change is a new migration in migrations.ts.
 * Both are worked out from what edges report, so an export leaves them out; a restored rollout is asked about anew.
 *
 * - `observation_marks`: from which published maps on something counts (a wave's moves, the end of its shift, a default's
 *   move); `generation` is null until the maps that say so are out.
 * - `observations`: the last whole answer of the meters to each question about a rollout.
 */
import { statementsOf } from "./schema.ts";

const OBSERVATIONS = `
CREATE TABLE observation_marks (
  rollout TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, root_seq INTEGER NOT NULL, generation INTEGER,
  PRIMARY KEY (rollout, name)
) WITHOUT ROWID;
CREATE TABLE observations (
  rollout TEXT NOT NULL, name TEXT NOT NULL, product TEXT NOT NULL, since INTEGER NOT NULL, at INTEGER NOT NULL,
  answer TEXT NOT NULL, PRIMARY KEY (rollout, name, product)
) WITHOUT ROWID;`;

/** Statements of migration `009_observations`, in order. */
export const OBSERVATION_TABLES: readonly string[] = statementsOf(OBSERVATIONS);
