/**
 * One rollout: what it does and why, each wave, what is left behind, and what may be done about it. A button that cannot
 * apply is not drawn; whether one that is drawn may be pressed by this reader is the API's to say.
 */
import { RolloutPlanSchema } from "../../contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ProblemNote } from "../layout.tsx";
import { PhaseTag } from "../parts/phase.tsx";
import { RolloutActions } from "../parts/rollout-actions.tsx";
import { Coverage, Defaults, LeftBehind, Waves } from "../parts/rollout-waves.tsx";
import { accountsOf, count, When, Words } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

export const drawRollout: DrawPage = async (visit) => {
  const id = visit.params["id"] ?? "";
  const found = await visit.api.ask(RolloutSchema, { path: path`/rollouts/${id}` });
  if (!found.ok) return found;
  const rollout = found.value;
  const plan =
    rollout.phase === "draft"
      ? await visit.api.ask(RolloutPlanSchema, { path: path`/rollouts/${id}/plan` })
      : null;
  return ok({
    title: `Rollout ${rollout.id}`,
    body: (
      <>
        {visit.problem === null ? null : <ProblemNote detail={visit.problem.detail} />}
        <p>
          <PhaseTag phase={rollout.phase} /> <Words text={rollout.reason} />
        </p>
        <Facts rollout={rollout} />
        <Waves rollout={rollout} />
        <Defaults rollout={rollout} />
        {plan?.ok === true && plan.value.problems.length > 0 ? (
          <section class="note bad">
            <h3>The plan cannot start</h3>
            <ul>
              {plan.value.problems.map(({ message }) => (
                <li>
                  <Words text={message} />
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        <Coverage rollout={rollout} />
        <LeftBehind rollout={rollout} />
        <RolloutActions
          rollout={rollout}
          digest={plan?.ok === true ? plan.value.digest : null}
          visit={visit}
        />
      </>
    ),
  });
};

function Facts({ rollout }: { rollout: RolloutView }) {
  const { paused, rollback } = rollout;
  return (
    <dl class="facts">
      <dt>To</dt>
      <dd>
        {Object.entries(rollout.targets)
          .map(([product, version]) => `${product} ${version}`)
          .join(", ")}
      </dd>
      <dt>Moved</dt>
      <dd>
        {count(rollout.moved)} of {accountsOf(rollout.accounts)}
      </dd>
      <dt>Next</dt>
      <dd>
        <When at={rollout.nextAt} otherwise="when somebody acts, or when it can be known" />
      </dd>
      <dt>At the latest</dt>
      <dd>
        <When at={rollout.deadline} otherwise="no limit" />
      </dd>
      <dt>Started</dt>
      <dd>
        <When at={rollout.startedAt} otherwise="not yet" />
      </dd>
      {paused === null ? null : (
        <>
          <dt>Paused</dt>
          <dd>
            <When at={paused.at} /> by {paused.by}: {paused.reason}
          </dd>
        </>
      )}
      {rollback === null ? null : (
        <>
          <dt>Going back</dt>
          <dd>
            <When at={rollback.at} /> by {rollback.by}: {rollback.reason} ({rollback.stage})
          </dd>
        </>
      )}
    </dl>
  );
}
