/** What control knows of whom a rollout hurt: which versions to ask the meters about, and who was put back when. Reads only. */
import type { RolloutImpactFacts } from "../../contracts/rollout-port.ts";
import type { AccountSlug } from "../../contracts/units.ts";
import { reachableVersions } from "../../core/rollout/served.ts";
import type { Db } from "../db.ts";
import { loadFacts } from "../rollouts/facts.ts";
import { loadBacks } from "../store/backs.ts";
import { loadGateQuarantines } from "../store/gates.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

/** @param accounts those that are asked about; the rest stays out of the answer. */
export function impactFacts(
  db: Db,
  { id, state }: RolloutRecord,
  accounts: readonly AccountSlug[],
): RolloutImpactFacts {
  const facts = loadFacts(db);
  const { startedMs, plan } = state;
  const asked = new Set(accounts);
  const back = new Map<AccountSlug, RolloutImpactFacts["back"][number]>();
  for (const [account, { lastMs }] of accounts.length === 0 ? [] : loadBacks(db, startedMs ?? 0, accounts))
    back.set(account, { account, atMs: lastMs, by: "rollback" });
  for (const { account, at } of loadGateQuarantines(db, id))
    if (asked.has(account)) back.set(account, { account, atMs: at, by: "gate" });
  return {
    startedMs,
    targets: Object.entries(plan.targets).map(([product, version]) => ({
      product,
      versions: [...new Set([version, ...reachableVersions(facts, product, version)])],
    })),
    back: [...back.values()],
  };
}
