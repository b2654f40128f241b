/**
 * Carries out what a gate wants of a single account: back to the versions it had before the rollout, of all targets
 * together, in quarantine, with the numbers as the reason. Whether that may be was decided before; here is checked what
 * may have changed since: the account is there, was moved, and can be served where it came from. In the audit under the
 * name `gate`. Called by the engine's drive, once for each step.
 */
import type { RolloutEffect } from "../../contracts/rollout-input.ts";
import type { ProductName, VersionName } from "../../contracts/units.ts";
import { own } from "../../core/record.ts";
import { pairProblem, returnProblem } from "../../core/rollout/versions.ts";
import type { Present } from "../accounts/plan.ts";
import { loadPresent } from "../accounts/present.ts";
import { readStanding, versionOf } from "../commands/placement-rules.ts";
import type { Db } from "../db.ts";
import type { Drive } from "../rollouts/drive.ts";
import { hasMoved, loadFacts, toRunning } from "../rollouts/facts.ts";
import { appendAudit } from "../store/audit.ts";
import { markAccount } from "../store/changes.ts";
import { saveGateQuarantine } from "../store/gates.ts";
import { saveQuarantine } from "../store/placements.ts";
import type { RolloutRecord } from "../store/rollouts.ts";

type Effect = Extract<RolloutEffect, { kind: "quarantine" }>;

interface Return {
  readonly product: ProductName;
  readonly version: VersionName;
  readonly was: VersionName;
}

/** Targets that the account is on because of this rollout, with where it came from. */
function returnsOf(db: Db, { state }: RolloutRecord, present: Present): readonly Return[] {
  const { slug, groupId } = present.record;
  if (!hasMoved(toRunning(state), slug, groupId)) return [];
  return Object.entries(state.plan.targets).flatMap(([product, was]) => {
    const version = own(present.homes, product);
    const { quarantine, pin } = readStanding(db, present, product);
    if (version === undefined || version === was || quarantine !== null || pin !== null) return [];
    return [{ product, version, was }];
  });
}

/** Why it cannot go back; null when it can. */
function problemOf(db: Db, present: Present, returns: readonly Return[]): string | null {
  const facts = loadFacts(db);
  for (const { product, version } of returns) {
    const problem = returnProblem(facts, product, version);
    if (problem !== null) return problem;
  }
  const versions = Object.keys(present.homes).map((product): [ProductName, VersionName] => {
    const back = returns.find((one) => one.product === product);
    return [product, back?.version ?? versionOf(readStanding(db, present, product))];
  });
  return pairProblem(facts, Object.fromEntries(versions));
}

/** @returns what became of it, for the outbox. */
export function putBackAlone(drive: Drive, record: RolloutRecord, { account, reason, step }: Effect): string {
  const { db, nowMs } = drive;
  const present = loadPresent(db, [account]).get(account);
  if (present === undefined || present.record.deletedAt !== null) return "there is no such account";
  const returns = returnsOf(db, record, present);
  if (returns.length === 0) return "it is not on a target because of this rollout";
  const problem = problemOf(db, present, returns);
  const told = { at: nowMs, actor: "gate", role: "system", target: `account/${account}`, reason };
  if (problem !== null) {
    const detail = { rollout: record.id, step, problem };
    appendAudit(db, { ...told, action: "account.quarantine.refused", detail });
    return `refused: ${problem}`;
  }
  const why = `${reason}; put back alone by the gate of rollout ${record.id}`;
  for (const { product, version, was } of returns) {
    saveQuarantine(db, { account, product, version, reason: why, by: "gate", at: nowMs });
    saveGateQuarantine(db, record.id, { account, product, version, was, at: nowMs, step, reason });
    const detail = { rollout: record.id, step, product, version, was };
    appendAudit(db, { ...told, action: "account.quarantine.set", detail });
  }
  db.run("UPDATE accounts SET revision = revision + 1, updated_at = ? WHERE slug = ?", nowMs, account);
  markAccount(db, drive, { account, urgent: true });
  return `back on ${returns.map(({ product, version }) => `${product} ${version}`).join(" and ")}`;
}
