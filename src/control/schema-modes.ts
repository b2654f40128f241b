/** Products that today's fleet serves; one that is not here is active. */
export const MODES_SCHEMA: readonly string[] = [
  `CREATE TABLE product_modes (
     product TEXT PRIMARY KEY,
     mode TEXT NOT NULL,
     origin TEXT NOT NULL,
     version_header TEXT,
     run TEXT NOT NULL,
     reason TEXT NOT NULL,
     made_by TEXT NOT NULL,
     made_at INTEGER NOT NULL
   ) WITHOUT ROWID`,
];
