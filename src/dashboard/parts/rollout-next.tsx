/**
 * What a rollout does next: why it waits, until when, who must act, for how many there is a way back. Words only; what is
 * true is said by the API.
 */
import type { RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { accountsOf, When } from "./words.tsx";

/** Who must act, by the cause; a cause that is not here goes on by itself. */
const ACTORS: Readonly<Record<string, string>> = {
  new: "an operator starts it",
  approval: "an operator approves it",
  operator: "an operator resumes it, stops it or rolls it back",
  gate: "an operator looks at the gate, then resumes, waives it or rolls back",
  version: "an operator, because a target is not what it was",
  migration: "an operator, because too many accounts could not be migrated",
  halted: "an operator ends the halt",
  calendar: "an operator mends the window or freeze that cannot be read",
  coverage: "nobody, unless no such request comes: then an operator sends one or runs preflight",
};

const WAITS_FOR_PEOPLE: ReadonlySet<RolloutView["phase"]> = new Set([
  "paused",
  "awaiting-approval",
  "preflight-failed",
]);

/** Who must act for it to go on. */
export function whoActs({ cause, phase }: Pick<RolloutView, "cause" | "phase">): string {
  const actor = ACTORS[cause];
  if (phase === "draft") return "an operator starts it";
  if (phase === "baking" && cause === "gate")
    return "nobody while requests come; if too few do, an operator waives the gate";
  if (phase === "baking" || phase === "shifting" || phase === "settling")
    return "nobody, it goes on by itself";
  if (WAITS_FOR_PEOPLE.has(phase)) return actor ?? "an operator resumes it, stops it or rolls it back";
  return actor ?? "nobody, it goes on by itself";
}

export function Next({ rollout, grid }: { rollout: RolloutView; grid: RolloutGrid | null }) {
  const { nextAt, deadline } = rollout;
  return (
    <section class="card" aria-label="What happens next">
      <h3>What happens next</h3>
      <dl class="facts">
        <dt>Goes on</dt>
        <dd>
          <When at={nextAt} otherwise="when somebody acts, or when it can be known" />
        </dd>
        <dt>Must act</dt>
        <dd>{whoActs(rollout)}</dd>
        <dt>Told late</dt>
        <dd>
          <When at={deadline} otherwise="no limit" />
        </dd>
        {grid === null ? null : (
          <>
            <dt>Done</dt>
            <dd>
              <When at={grid.endAt} otherwise="cannot be known" />
              {grid.endAt === null ? "" : ", if nothing fails and people say yes at once"}
            </dd>
            <dt>Way back</dt>
            <dd>{wayBack(grid)}</dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** For how many of the moved accounts a rollback is possible without more ado. */
export function wayBack({ wayBack: { accounts, oneWay } }: Pick<RolloutGrid, "wayBack">): string {
  if (oneWay.length > 0)
    return `for none of ${accountsOf(accounts)} without a confirmation: ${oneWay.join(", ")} not declared reversible`;
  return accounts === 0 ? "nobody has moved" : `for all ${accountsOf(accounts)} that have moved`;
}
