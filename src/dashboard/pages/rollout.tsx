/**
 * One rollout: what it does and why, each wave, what is left behind, and what may be done about it. A button that cannot
 * apply is not drawn; whether one that is drawn may be pressed by this reader is the API's to say.
 */
import { RolloutPlanSchema } from "../../contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView, type WaveView } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { percent, ProblemNote } from "../layout.tsx";
import { PhaseTag } from "../parts/phase.tsx";
import { RolloutActions } from "../parts/rollout-actions.tsx";
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
          <PhaseTag phase={rollout.phase} /> {rollout.reason}
        </p>
        <dl class="facts">
          <dt>To</dt>
          <dd>
            {Object.entries(rollout.targets)
              .map(([product, version]) => `${product} ${version}`)
              .join(", ")}
          </dd>
          <dt>Moved</dt>
          <dd>
            {rollout.moved} of {rollout.accounts} accounts
          </dd>
          <dt>Next</dt>
          <dd>{rollout.nextAt ?? "when somebody acts, or when it can be known"}</dd>
          <dt>At the latest</dt>
          <dd>{rollout.deadline ?? "no limit"}</dd>
          <dt>Started</dt>
          <dd>{rollout.startedAt ?? "not yet"}</dd>
          {rollout.paused === null ? null : (
            <>
              <dt>Paused</dt>
              <dd>
                {rollout.paused.at} by {rollout.paused.by}: {rollout.paused.reason}
              </dd>
            </>
          )}
          {rollout.rollback === null ? null : (
            <>
              <dt>Going back</dt>
              <dd>
                {rollout.rollback.at} by {rollout.rollback.by}: {rollout.rollback.reason} (
                {rollout.rollback.stage})
              </dd>
            </>
          )}
        </dl>
        <Waves rollout={rollout} />
        <Defaults rollout={rollout} />
        {plan?.ok === true && plan.value.problems.length > 0 ? (
          <section class="note bad">
            <h3>The plan cannot start</h3>
            <ul>
              {plan.value.problems.map(({ message }) => (
                <li>{message}</li>
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

function Waves({ rollout: { waves, wave } }: { rollout: RolloutView }) {
  return (
    <>
      <h2>Waves</h2>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th>Wave</th>
              <th class="number">Accounts</th>
              <th class="number">Moved</th>
              <th>Progress</th>
              <th>Gate</th>
              <th>Moves</th>
              <th>Baked</th>
            </tr>
          </thead>
          <tbody>
            {waves.map((each, index) => (
              <WaveRow wave={each} current={index === wave} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function WaveRow({ wave, current }: { wave: WaveView; current: boolean }) {
  return (
    <tr aria-current={current ? "step" : undefined}>
      <td>
        {wave.name} {current ? <span class="tag good">at hand</span> : null}
      </td>
      <td class="number">{wave.accounts}</td>
      <td class="number">{wave.moved}</td>
      <td>
        <progress value={wave.progress} max={1} aria-label={`Progress of ${wave.name}`}></progress>
        <span class="soft">{percent(wave.progress)}</span>
      </td>
      <td>{wave.verdict ?? "not asked yet"}</td>
      <td>
        {wave.firstMoveAt ?? "not yet"}
        {wave.shiftedAt === null ? "" : ` to ${wave.shiftedAt}`}
      </td>
      <td>{wave.bakedAt ?? "not yet"}</td>
    </tr>
  );
}

function Defaults({ rollout: { defaults } }: { rollout: RolloutView }) {
  if (defaults.length === 0) return null;
  return (
    <>
      <h2>Default (unknown accounts)</h2>
      <ul>
        {defaults.map(({ product, state, at }) => (
          <li>
            {product}: {state}
            {at === null ? "" : ` at ${at}`}
          </li>
        ))}
      </ul>
    </>
  );
}

const CLASSES = ["known", "unknown", "none", "ip"] as const;

function Coverage({ rollout: { coverage } }: { rollout: RolloutView }) {
  if (coverage.length === 0) return null;
  return (
    <>
      <h2>Kinds of request the targets have answered</h2>
      <div class="wide">
        <table>
          <caption>
            Real ones, and synthetic ones behind the plus; a kind with neither holds the rollout
          </caption>
          <thead>
            <tr>
              <th>Target</th>
              {CLASSES.map((name) => (
                <th class="number">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {coverage.map((each) => (
              <tr>
                <td>
                  {each.product} {each.version}
                </td>
                {CLASSES.map((name) => (
                  <td class="number">
                    {each[name].real} + {each[name].synthetic}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function LeftBehind({ rollout: { leftBehind } }: { rollout: RolloutView }) {
  if (leftBehind.length === 0) return null;
  return (
    <>
      <h2>Left behind</h2>
      <ul>
        {leftBehind.map(({ reason, accounts, examples }) => (
          <li>
            {accounts} {reason}
            {examples.length === 0 ? null : (
              <span class="soft">
                , such as{" "}
                {examples.map((slug, at) => (
                  <>
                    {at === 0 ? "" : ", "}
                    <a href={`/accounts/${encodeURIComponent(slug)}`}>{slug}</a>
                  </>
                ))}
              </span>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
