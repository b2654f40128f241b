/**
 * What a restore does not open again. Going back to an older export undoes mistakes, and must not undo protection: a token
 * that was revoked since stays revoked, what was granted or taken away by name since stays as it is now, and what is on
 * stays on until somebody lifts it: a halt, four eyes for a default, the mark of a version that turned out bad. Called
 * within the transaction of the swap, before and after. Posture: closed.
 */
import type { Db } from "../db.ts";
import { readHalt, writeHalt } from "../store/halt.ts";

/** Notes what is closed now. `since`: the last entry of the export's audit where this plane goes on from it, else null. */
export function noteClosed(db: Db, since: number | null): () => void {
  const halt = readHalt(db);
  db.run("CREATE TABLE closed_tokens AS SELECT * FROM tokens WHERE revoked_at IS NOT NULL");
  // Of another plane's export nothing here is newer, so it is taken as it is.
  db.run(
    `CREATE TABLE closed_names AS SELECT DISTINCT substr(target, length('access/') + 1) AS identity FROM audit
     WHERE seq > ?1 AND action IN ('access.grant', 'access.revoke')`,
    since ?? Number.MAX_SAFE_INTEGER,
  );
  db.run(
    "CREATE TABLE closed_grants AS SELECT * FROM access_grants WHERE identity IN (SELECT identity FROM closed_names)",
  );
  db.run(
    "CREATE TABLE closed_bad AS SELECT product, name, bad FROM versions WHERE bad IS NOT NULL AND ?1",
    since === null ? 0 : 1,
  );
  db.run("CREATE TABLE closed_eyes AS SELECT * FROM four_eyes");
  return () => {
    keepBad(db);
    db.run(
      "INSERT OR IGNORE INTO four_eyes SELECT * FROM closed_eyes WHERE product IN (SELECT name FROM products)",
    );
    db.run(
      `UPDATE tokens SET revoked_at = (SELECT revoked_at FROM closed_tokens c WHERE c.sha256 = tokens.sha256)
       WHERE sha256 IN (SELECT sha256 FROM closed_tokens)`,
    );
    // Names are not given out twice, so those that the export does not know stay taken.
    db.run("INSERT OR IGNORE INTO tokens SELECT * FROM closed_tokens");
    db.run("DELETE FROM access_grants WHERE identity IN (SELECT identity FROM closed_names)");
    db.run("INSERT INTO access_grants SELECT * FROM closed_grants");
    for (const table of ["closed_tokens", "closed_names", "closed_grants", "closed_bad", "closed_eyes"])
      db.run(`DROP TABLE ${table}`);
    if (halt.on) writeHalt(db, halt);
  };
}

/** A bad version is no target, and so no standby in waiting either. */
function keepBad(db: Db): void {
  db.run(
    `UPDATE versions SET revision = revision + 1,
       bad = (SELECT bad FROM closed_bad c WHERE c.product = versions.product AND c.name = versions.name)
     WHERE bad IS NULL AND (product, name) IN (SELECT product, name FROM closed_bad)`,
  );
  db.run(
    `UPDATE products SET standby = NULL, revision = revision + 1
     WHERE (name, standby) IN (SELECT product, name FROM closed_bad)`,
  );
}
