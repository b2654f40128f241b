/**
 * The port to SQLite, and the only place that knows it is a Durable Object's. Everything below takes a `Db`, so that
 * the same code runs on the object's storage and, in tests, on any SQLite.
 * Numbers are bound as REAL: a parameter that divides needs CAST(? AS INTEGER), columns convert by themselves.
 * Statements take at most 100 parameters (the platform's limit): batches travel as one JSON text through `json_each`.
 * Synchronous throughout: between two awaits nothing can interleave, which is what the commands rely on.
 * https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 */

export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface Db {
  /** Runs one statement and gives its rows as objects by column name. */
  rows(sql: string, ...params: readonly SqlValue[]): readonly SqlRow[];
  /** The same as arrays in column order: for the long scans of publisher and import. */
  raw(sql: string, ...params: readonly SqlValue[]): readonly (readonly unknown[])[];
  run(sql: string, ...params: readonly SqlValue[]): void;
  /** All or nothing. A throw inside rolls back and goes on to the caller. Not nested. */
  transaction<T>(body: () => T): T;
}

/** SQLite takes strings up to 2 MB; a chunk stays far below it, with room for three bytes a character. */
const MAX_CHUNK_CHARS = 500_000;

/** Wraps the storage of a Durable Object. */
export function createDb(storage: DurableObjectStorage): Db {
  return {
    rows: (sql, ...params) => toObjects(storage.sql.exec(sql, ...params.map(toBinding))),
    raw: (sql, ...params) => [...storage.sql.exec(sql, ...params.map(toBinding)).raw()],
    run: (sql, ...params) => {
      storage.sql.exec(sql, ...params.map(toBinding));
    },
    transaction: (body) => storage.transactionSync(body),
  };
}

/** The runtime's own `toArray` makes the names of every row anew, and takes three times as long. */
function toObjects(cursor: SqlStorageCursor<Record<string, SqlStorageValue>>): SqlRow[] {
  const names = cursor.columnNames;
  const rows: SqlRow[] = [];
  for (const values of cursor.raw()) {
    const row: Record<string, unknown> = {};
    for (let column = 0; column < names.length; column += 1) row[names[column] ?? ""] = values[column];
    rows.push(row);
  }
  return rows;
}

/** Bytes are bound as a buffer of their own. */
function toBinding(value: SqlValue): string | number | null | ArrayBuffer {
  return value instanceof Uint8Array ? new Uint8Array(value).buffer : value;
}

/**
 * Runs one statement for many items: the items become JSON arrays that the statement reads with `json_each(?1)`.
 * @param params further parameters, `?2` and up.
 */
export function runEach(
  db: Db,
  statement: { sql: string; params?: readonly SqlValue[] },
  items: Iterable<unknown>,
): void {
  for (const chunk of jsonChunks(items)) db.run(statement.sql, chunk, ...(statement.params ?? []));
}

/** As `runEach`, collecting the rows. */
export function rowsEach(
  db: Db,
  statement: { sql: string; params?: readonly SqlValue[] },
  items: readonly unknown[],
): SqlRow[] {
  const all: SqlRow[] = [];
  for (const chunk of jsonChunks(items)) {
    for (const row of db.rows(statement.sql, chunk, ...(statement.params ?? []))) all.push(row);
  }
  return all;
}

/** Cuts a list into JSON arrays that fit a parameter. An item alone may be longer than a chunk. */
function* jsonChunks(items: Iterable<unknown>): Iterable<string> {
  let parts: string[] = [];
  let chars = 0;
  for (const item of items) {
    const text = JSON.stringify(item);
    if (parts.length > 0 && chars + text.length > MAX_CHUNK_CHARS) {
      yield `[${parts.join(",")}]`;
      parts = [];
      chars = 0;
    }
    parts.push(text);
    chars += text.length + 1;
  }
  if (parts.length > 0) yield `[${parts.join(",")}]`;
}
