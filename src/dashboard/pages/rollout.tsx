/**
 * One rollout: what it does and why, each wave, what is left behind, and what may be done about it. A button that cannot
 * apply is not drawn; whether one that is drawn may be pressed by this reader is the API's to say.
 */
import { RolloutGatesSchema, type RolloutGatesView } from "../../contracts/api/gates.ts";
import { RolloutGridSchema, type RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import { RolloutPlanSchema, type RolloutPlanAnswer } from "../../contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { path, type Api } from "../api.ts";
import { ProblemNote } from "../layout.tsx";
import { GatePlots } from "../parts/gate-plots.tsx";
import { HoursPlot } from "../parts/hours-plot.tsx";
import { hasEnded, PhaseTag } from "../parts/phase.tsx";
import { RolloutActions } from "../parts/rollout-actions.tsx";
import { Grid } from "../parts/rollout-grid.tsx";
import { Next } from "../parts/rollout-next.tsx";
import { PlannedWaves, PlanProblems } from "../parts/rollout-plan.tsx";
import { movedPoints, plannedPoints, RolloutPlot } from "../parts/rollout-plot.tsx";
import { Coverage, Defaults, LeftBehind, PutBack, Waves } from "../parts/rollout-waves.tsx";
import { accountsOf, count, When, Words } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

export const drawRollout: DrawPage = async (visit) => {
  const id = visit.params["id"] ?? "";
  const found = await visit.api.ask(RolloutSchema, { path: path`/rollouts/${id}` });
  if (!found.ok) return found;
  const rollout = found.value;
  const isDraft = rollout.phase === "draft";
  const [plan, gates, grid] = await Promise.all([
    hasEnded(rollout.phase) ? null : askPlan(visit.api, rollout),
    askGates(visit.api, rollout),
    askGrid(visit.api, rollout),
  ]);
  return ok({
    title: `Rollout ${rollout.id}`,
    // The plan of a draft reads every account: once when it is asked for, not every few seconds.
    live: !isDraft,
    body: (
      <>
        {visit.problem === null ? null : <ProblemNote detail={visit.problem.detail} />}
        <p class="lead">
          <PhaseTag phase={rollout.phase} /> <Words text={rollout.reason} />{" "}
          {hasEnded(rollout.phase) ? null : <a href="#actions">Actions</a>}
        </p>
        <div class="cards">
          {hasEnded(rollout.phase) ? null : <Next rollout={rollout} grid={grid} />}
          <Facts rollout={rollout} />
        </div>
        {plan === null ? null : <PlanProblems plan={plan} />}
        {isDraft && plan !== null ? (
          <PlannedWaves plan={plan} />
        ) : (
          <>
            <RolloutPlot
              moved={movedPoints(rollout)}
              planned={plan === null ? [] : plannedPoints(plan)}
              accounts={rollout.accounts}
            />
            <Waves rollout={rollout} />
            {gates === null ? null : <GatePlots gates={gates} />}
            {gates === null ? null : <PutBack accounts={gates.putBack} />}
          </>
        )}
        {grid === null ? null : <Grid grid={grid} wave={rollout.wave} />}
        {grid === null || grid.hours.length === 0 ? null : (
          <>
            <h2>Moves by the hour</h2>
            <HoursPlot hours={grid.hours} />
          </>
        )}
        <Defaults rollout={rollout} />
        <Coverage rollout={rollout} />
        <LeftBehind rollout={rollout} />
        <RolloutActions rollout={rollout} plan={isDraft ? plan : null} visit={visit} />
      </>
    ),
  });
};

/** The plan as from the start, or from now; null when it cannot be had, which is no reason not to show the rest. */
async function askPlan(api: Api, { id, startedAt }: RolloutView): Promise<RolloutPlanAnswer | null> {
  const at = startedAt === null ? "" : `?at=${encodeURIComponent(startedAt)}`;
  const found = await api.ask(RolloutPlanSchema, { path: path`/rollouts/${id}/plan` + at });
  return found.ok ? found.value : null;
}

/** What gates have seen; null where none has looked, or where it cannot be had, which is no reason not to show the rest. */
async function askGates(api: Api, { id, waves }: RolloutView): Promise<RolloutGatesView | null> {
  if (!waves.some(({ gates }) => gates !== undefined && gates.length > 0)) return null;
  const found = await api.ask(RolloutGatesSchema, { path: path`/rollouts/${id}/gates` });
  return found.ok ? found.value : null;
}

/** Null where it cannot be had, which is no reason not to show the rest. */
async function askGrid(api: Api, { id }: RolloutView): Promise<RolloutGrid | null> {
  const found = await api.ask(RolloutGridSchema, { path: path`/rollouts/${id}/grid` });
  return found.ok ? found.value : null;
}

function Facts({ rollout }: { rollout: RolloutView }) {
  const { paused, rollback, data } = rollout;
  const held = data?.held ?? null;
  return (
    <section class="card" aria-label="So far">
      <h3>So far</h3>
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
        <dt>Started</dt>
        <dd>
          <When at={rollout.startedAt} otherwise="not yet" />
        </dd>
        {held === null ? null : (
          <>
            <dt>Held</dt>
            <dd>
              {accountsOf(held.accounts)} of batch {held.number}, {held.stage}, since{" "}
              <When at={held.heldAt} />, until <When at={held.endsBy} /> at the latest
              {held.calledOff === null ? "" : `; called off: ${held.calledOff}`}
            </dd>
          </>
        )}
        {data === undefined ? null : (
          <>
            <dt>Data moves</dt>
            <dd>
              {count(data.batches)} {data.batches === 1 ? "batch" : "batches"}, {accountsOf(data.failed)}{" "}
              failed, longest hold {count(Math.round(data.longestHoldSeconds))} s
            </dd>
          </>
        )}
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
            <dt>{rollback.stage === "done" ? "Rolled back" : "Going back"}</dt>
            <dd>
              <When at={rollback.at} /> by {rollback.automatic ? "itself" : rollback.by}: {rollback.reason}
              {rollback.stage === "done" ? "" : ` (${rollback.stage})`}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
