/**
 * The table of migration `006_replacements`. Never edited after a release: a change is a new migration in migrations.ts.
 *
 * - One row for each time a version was replaced: `number` counts them per product and version. At most one is active.
 * - `state` is the engine's state as JSON. Effects that wait for the network lie in `rollout_steps`, under the key
 *   `replacement/PRODUCT/FROM/NUMBER`, which no rollout's id can be, so that one run answers whoever asked for it.
 * - `homes`, `homes_cursor`, `pass_seq`: where the passage over accounts is; accounts unchanged since `swept_seq` are done.
 *   `homes_seq`: the last change that the shards must show before the rule may leave the maps.
 */
import { statementsOf } from "./schema.ts";

const REPLACEMENTS = `
CREATE TABLE replacements (
  product TEXT NOT NULL, source TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, active INTEGER NOT NULL,
  revision INTEGER NOT NULL, reason TEXT NOT NULL, homes TEXT NOT NULL, homes_cursor TEXT NOT NULL,
  pass_seq INTEGER NOT NULL, swept_seq INTEGER NOT NULL, homes_seq INTEGER NOT NULL,
  made_by TEXT NOT NULL, made_at INTEGER NOT NULL, ended_at INTEGER,
  PRIMARY KEY (product, source, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX replacements_active ON replacements (product, source) WHERE active = 1;`;

/** Statements of migration `006_replacements`, in order. */
export const REPLACEMENT_SCHEMA: readonly string[] = statementsOf(REPLACEMENTS);
