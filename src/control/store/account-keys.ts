/**
 * Which accounts lie in a range of key hashes: what a shard is made from. Hashes are random, so entering each new account
 * at its place would touch a page of the index for every one of a million imported lines. New ones are therefore put
 * at the end of a list first, and sorted in together before shards are built.
 */
import type { AccountSlug } from "../../contracts/units.ts";
import { keyHash } from "../../core/maps/key-hash.ts";
import { runEach, type Db } from "../db.ts";

/** Notes accounts that are new. */
export function noteNewKeys(db: Db, slugs: readonly AccountSlug[]): void {
  runEach(
    db,
    {
      sql: "INSERT INTO new_account_keys (key_hash, slug) SELECT value ->> 0, value ->> 1 FROM json_each(?1)",
    },
    slugs.map((slug) => [keyHash(slug), slug]),
  );
}

/** Sorts the new ones in. Call before reading ranges; about 4 s for a million, nothing when there are none. */
export function sortNewKeysIn(db: Db): void {
  if (db.rows("SELECT 1 FROM new_account_keys LIMIT 1").length === 0) return;
  db.run(
    "INSERT OR IGNORE INTO account_keys (key_hash, slug) SELECT key_hash, slug FROM new_account_keys ORDER BY key_hash, slug",
  );
  db.run("DELETE FROM new_account_keys");
}

/** Forgets accounts that are gone for good. */
export function forgetKeys(db: Db, slugs: readonly AccountSlug[]): void {
  sortNewKeysIn(db);
  runEach(
    db,
    {
      sql: `DELETE FROM account_keys WHERE (key_hash, slug) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))`,
    },
    slugs.map((slug) => [keyHash(slug), slug]),
  );
}

/** Makes the list anew from the accounts: after a restore. */
export function rebuildKeys(db: Db): void {
  db.run("DELETE FROM new_account_keys");
  db.run("DELETE FROM account_keys");
  db.run(
    "INSERT INTO account_keys (key_hash, slug) SELECT key_hash, slug FROM accounts ORDER BY key_hash, slug",
  );
}
