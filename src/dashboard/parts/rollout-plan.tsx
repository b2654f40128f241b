/** What a draft would do, before anybody is moved: what is wrong with it, and each wave with its accounts and dates. */
import type { RolloutPlanAnswer } from "../../contracts/api/rollout-plan.ts";
import { Table } from "./table.tsx";
import { accountsOf, count, When, Words } from "./words.tsx";

export function PlanProblems({ plan: { problems, warnings } }: { plan: RolloutPlanAnswer }) {
  return (
    <>
      {problems.length === 0 ? null : (
        <section class="note bad">
          <h3>The plan cannot start</h3>
          <ul>
            {problems.map(({ message }) => (
              <li>
                <Words text={message} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {warnings.map(({ message }) => (
        <p class="note warn">
          <Words text={message} />
        </p>
      ))}
    </>
  );
}

export function PlannedWaves({ plan }: { plan: RolloutPlanAnswer }) {
  return (
    <>
      <h2>If it is started now</h2>
      <Table
        label="Planned waves"
        heads={["Wave", "#Accounts", "#Zones", "First moves", "All moved", "Baked", "To know"]}
        rows={plan.waves.map((wave) => [
          wave.name,
          count(wave.accounts),
          count(wave.zones.length),
          <When at={wave.startAt} />,
          <When at={wave.shiftedAt} otherwise="never" />,
          <When at={wave.bakedAt} otherwise="never" />,
          wave.warnings.length === 0 ? "" : <Words text={wave.warnings.join("; ")} />,
        ])}
      />
      <p class="soft">
        Done at <When at={plan.endAt} otherwise="no time that can be known" /> when nothing fails and people
        say yes at once.{" "}
        {plan.leftBehind.map(({ reason, accounts }) => `${accountsOf(accounts)} stay: ${reason}. `)}
        {plan.irreversible.length === 0
          ? "Everybody can go back."
          : `No way back from ${plan.irreversible.join(", ")}.`}
      </p>
    </>
  );
}
