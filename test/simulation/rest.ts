/**
 * What must hold when everything has come to rest: whatever was committed is in the published maps, nothing waits, and
 * the audit is whole. Asks the tables what they would publish, and compares it with what is in KV.
 */
import type { Db } from "../../src/control/db.ts";
import { composeRoot } from "../../src/control/publisher/compose.ts";
import { createRowSource } from "../../src/control/publisher/rows.ts";
import { findAuditBreak } from "../../src/control/store/audit.ts";
import { loadPublished } from "../../src/control/store/roots.ts";
import { decideVersion } from "../../src/core/decide-version.ts";
import { canonicalJson } from "../../src/core/maps/canonical.ts";
import { encodeRoot } from "../../src/core/maps/root-codec.ts";
import { rowToJson } from "../../src/core/maps/row-json.ts";
import { PRODUCTS } from "./beginnings.ts";
import type { Published } from "./published.ts";
import { Violation } from "./tale.ts";

/** Throws with what was committed and is not out. */
export function checkAtRest(db: Db, { maps }: Published, nowMs: number): void {
  const waiting = db.rows("SELECT scope, account, at FROM outbox WHERE done_generation IS NULL");
  const [first] = waiting;
  if (first !== undefined)
    throw new Violation(
      "outbox",
      `${waiting.length} changes wait for ever, the first is ${JSON.stringify(first)}`,
    );
  const { root } = maps;
  const source = createRowSource(db);
  for (const row of db.rows("SELECT slug FROM accounts ORDER BY slug")) {
    const slug = String(row["slug"]);
    for (const wanted of source.ofAccount(slug)) {
      const found = maps.find(wanted.key);
      const [is, should] = [found, wanted].map((one) =>
        one === null ? "not there" : canonicalJson(rowToJson(one)),
      );
      if (is !== should)
        throw new Violation("outbox", `the maps have ${slug} as ${is}, and it was left as ${should}`);
    }
  }
  const { generation, accounts, domains, removed, index } = root;
  const population = { accounts, domains, removed, index };
  const shardSeq = loadPublished(db)?.shardSeq ?? 0;
  const composed = composeRoot(db, { generation, nowMs, population, shardSeq, held: root }).root;
  // Thresholds that pass nobody may wait for the next root: what they decide for accounts is compared.
  const { publishedAt, rowsFrom, rollouts } = root;
  const rest = { ...composed, publishedAt, rollouts, ...(rowsFrom === undefined ? {} : { rowsFrom }) };
  if (encodeRoot(rest) !== encodeRoot(root))
    throw new Violation("outbox", `the root does not have what was committed: ${differing(composed, root)}`);
  for (const row of maps.rows()) {
    for (const product of PRODUCTS) {
      const question = { breakGlass: null, product, slug: row.slug, row, override: null };
      const [is, should] = [root, composed].map((one) => decideVersion({ ...question, root: one }));
      if (canonicalJson(is) !== canonicalJson(should))
        throw new Violation(
          "outbox",
          `${product}/${row.slug} does not get what was committed: ${differing(composed, root)}`,
        );
    }
  }
  const broken = findAuditBreak(db);
  if (broken !== null) throw new Violation("audit", broken);
}

function differing(one: object, other: object): string {
  const others = new Map(Object.entries(other));
  return Object.entries(one)
    .filter(
      ([name, value]) =>
        !["publishedAt", "rowsFrom"].includes(name) &&
        canonicalJson(value) !== canonicalJson(others.get(name)),
    )
    .map(
      ([name, value]) => `${name} would be ${canonicalJson(value)} and is ${canonicalJson(others.get(name))}`,
    )
    .join("; ");
}
