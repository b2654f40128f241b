/**
 * Finds the rollout a command is about and checks what every such command checks: it is there, at the revision the writer
 * saw, and about products the actor may touch.
 */
import type { Refusal } from "../../contracts/problems.ts";
import { ok, type Result } from "../../contracts/result.ts";
import { refuseProducts } from "../access.ts";
import type { Work } from "../commands/work.ts";
import { checkRevision, notFound } from "../refuse.ts";
import { loadRollout, type RolloutRecord } from "../store/rollouts.ts";

export function findRollout(work: Work, id: string): Result<RolloutRecord, Refusal> {
  const record = loadRollout(work.db, id);
  if (record === null) return notFound(`rollout ${id}`);
  return (
    refuseProducts(work.actor, Object.keys(record.state.plan.targets)) ??
    checkRevision(work.ifMatch, record.revision) ??
    ok(record)
  );
}
