/** Refused attempts on the admin surface that the audit has not been told of yet, and when it was last told of each. */
export const REFUSED_SCHEMA: readonly string[] = [
  `CREATE TABLE refused (
     kind TEXT NOT NULL,
     source TEXT NOT NULL,
     who TEXT NOT NULL,
     role TEXT NOT NULL,
     operation TEXT NOT NULL,
     count INTEGER NOT NULL,
     since INTEGER NOT NULL,
     last INTEGER NOT NULL,
     told_at INTEGER,
     PRIMARY KEY (kind, source, who)
   ) WITHOUT ROWID`,
];
