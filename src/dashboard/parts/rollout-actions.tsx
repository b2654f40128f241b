/**
 * What may be done about a rollout, each as a form that says in accounts what it will do before it does it. A rollback is
 * asked for twice: the first form shows its preview, the second one carries it out.
 */
import {
  RollbackPreviewSchema,
  type RollbackPreview,
  type RolloutPlanAnswer,
} from "../../contracts/api/rollout-plan.ts";
import { RolloutSchema, type RolloutView } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ReasonField } from "../layout.tsx";
import type { Act, Fields, Visit } from "../visit.ts";
import { hasEnded } from "./phase.tsx";
import { accountsOf, count } from "./words.tsx";

interface Props {
  readonly rollout: RolloutView;
  /** As it is now, for a draft. */
  readonly plan: RolloutPlanAnswer | null;
  readonly visit: Visit;
}

export function RolloutActions({ rollout, plan, visit: { frame } }: Props) {
  const { id, phase, wave, waves, moved } = rollout;
  if (hasEnded(phase)) return <p class="note">This rollout has ended. Nothing of it can change any more.</p>;
  const to = (verb: string): string => path`/rollouts/${id}/${verb}`;
  const waiting = phase === "awaiting-approval" ? waitsFor(rollout) : null;
  return (
    <>
      <h2 id="actions">Actions</h2>
      <div class="cards">
        {phase === "draft" ? (
          <section class="card">
            <h3>Start</h3>
            <p>
              Runs preflight first; nothing moves before it has passed.
              {plan === null
                ? ""
                : ` Then ${accountsOf(plan.moves)} move in ${count(plan.waves.length)} waves, each in its own window.`}
            </p>
            <ActionForm action={to("start")} frame={frame} submit="Start">
              {plan === null ? null : <input type="hidden" name="digest" value={plan.digest} />}
            </ActionForm>
          </section>
        ) : null}
        {waiting === null ? null : (
          <section class="card">
            <h3>Approve {waiting.title}</h3>
            <p>{waiting.effect}</p>
            <ActionForm action={to("approve")} frame={frame} submit={`Approve ${waiting.title}`}>
              <input type="hidden" name={waiting.field} value={waiting.value} />
            </ActionForm>
          </section>
        )}
        {phase === "paused" || phase === "preflight-failed" ? (
          <section class="card">
            <h3>Resume</h3>
            <p>Goes on where it was; preflight is run again first.</p>
            <ActionForm action={to("resume")} frame={frame} submit="Resume" />
          </section>
        ) : null}
        {phase !== "draft" && phase !== "paused" ? (
          <section class="card">
            <h3>Pause</h3>
            <p>Nobody else moves until somebody resumes it. {accountsOf(moved)} stay where they are.</p>
            <ActionForm action={to("pause")} frame={frame} submit="Pause">
              <ReasonField />
            </ActionForm>
          </section>
        ) : null}
        {phase === "draft" ? null : (
          <>
            <section class="card">
              <h3>Roll back</h3>
              <RollbackQuestion rollout={rollout} />
            </section>
            <section class="card">
              <h3>Stop for good</h3>
              <p>
                Ends the rollout at wave {wave === null ? "none" : (waves[wave]?.name ?? wave)}.{" "}
                {accountsOf(moved)} stay on the new version, the rest on the old one.
              </p>
              <ActionForm
                action={to("stop")}
                frame={frame}
                submit={`Stop, ${count(moved)} stay moved`}
                danger
              >
                <ReasonField />
              </ActionForm>
            </section>
          </>
        )}
      </div>
    </>
  );
}

interface Waiting {
  readonly title: string;
  readonly effect: string;
  readonly field: "wave" | "default";
  readonly value: string;
}

/** What an approval would let go on: the wave at hand, or the default of one product. */
function waitsFor({ wave, waves, defaults }: RolloutView): Waiting | null {
  const next = wave === null ? undefined : waves[wave];
  if (wave !== null && next !== undefined && next.approved === null && next.moved < next.accounts) {
    return {
      title: `wave ${next.name}`,
      effect: `Moves ${accountsOf(next.accounts - next.moved)}, each in its own window.`,
      field: "wave",
      value: String(wave),
    };
  }
  const pending = defaults.find(({ state }) => state === "pending");
  if (pending === undefined) return null;
  return {
    title: `the default of ${pending.product}`,
    effect: "Moves all requests that name no known account. No account moves by it.",
    field: "default",
    value: pending.product,
  };
}

/** Asks how far; the answer shows what that would do before anything does it. */
function RollbackQuestion({ rollout: { id, moved, waves } }: { rollout: RolloutView }) {
  return (
    <form class="stack" method="get" action={path`/rollouts/${id}/back`}>
      <p>Shows first what it would do; nothing changes by asking.</p>
      <label>
        How far
        <select name="to">
          <option value="all">All {count(moved)} moved accounts</option>
          {waves.slice(0, -1).map(({ name }, index) => (
            <option value={String(index)}>Back to the end of wave {name}</option>
          ))}
        </select>
      </label>
      <div>
        <button type="submit" class="danger">
          Preview the rollback
        </button>
      </div>
    </form>
  );
}

/** What a rollback would do, and the form that does it. */
export function RollbackPreviewCard({
  preview,
  to,
  visit: { frame },
}: {
  preview: RollbackPreview;
  to: string;
  visit: Visit;
}) {
  return (
    <section class="card">
      <p>
        <strong>{accountsOf(preview.accounts)} go back</strong>, {count(preview.stay)} moved ones stay.
      </p>
      <ul>
        {preview.waves.map(({ name, accounts }) => (
          <li>
            wave {name}: {count(accounts)}
          </li>
        ))}
        {preview.defaults.map(({ product, to: version, problem }) => (
          <li>
            default of {product}: {version === null ? `stays, ${problem}` : `back to ${version}`}
          </li>
        ))}
        {preview.marksBad.map((version) => (
          <li>{version} is marked bad: no target again until somebody clears it</li>
        ))}
      </ul>
      {preview.refused === null ? (
        <ActionForm
          action={path`/rollouts/${preview.id}/rollback`}
          frame={frame}
          submit={`Roll ${accountsOf(preview.accounts)} back`}
          danger
        >
          <input type="hidden" name="to" value={to} />
          {preview.confirm.map((what) => (
            <p class="note warn">{what}</p>
          ))}
          {preview.confirm.length === 0 ? null : (
            <label>
              I have read this
              <input type="checkbox" name="confirmed" value="yes" required />
            </label>
          )}
          <ReasonField />
        </ActionForm>
      ) : (
        <p class="note bad">It would be refused: {preview.refused}</p>
      )}
    </section>
  );
}

/** Asks what a rollback would do. */
export function askPreview({ api, params }: Visit, to: string) {
  const body = { ...scopeOf(to), reason: "preview" };
  return api.ask(RollbackPreviewSchema, {
    method: "POST",
    path: path`/rollouts/${params["id"] ?? ""}/rollback/preview`,
    body,
  });
}

function scopeOf(to: string): { readonly toWave?: number } {
  return /^\d{1,2}$/.test(to) ? { toWave: Number(to) } : {};
}

/** Bodies of the API's steps, made from the fields of the forms above. */
const BODIES: Readonly<Record<string, (fields: Fields) => unknown>> = {
  start: ({ digest }) => (digest === undefined ? {} : { digest }),
  pause: ({ reason = "" }) => ({ reason }),
  resume: () => ({}),
  stop: ({ reason = "" }) => ({ reason }),
  approve: (fields) =>
    fields["default"] === undefined ? { wave: Number(fields["wave"]) } : { default: fields["default"] },
  rollback: ({ to = "all", reason = "", confirmed }) => ({
    ...scopeOf(to),
    reason,
    confirmed: confirmed === "yes",
  }),
};

export const ROLLOUT_STEPS: readonly string[] = Object.keys(BODIES);

/** Takes one step of a rollout by its form. */
export function stepOf(verb: string): Act {
  return async ({ api, params }, fields) => {
    const id = params["id"] ?? "";
    const done = await api.ask(RolloutSchema, {
      method: "POST",
      path: path`/rollouts/${id}/${verb}`,
      body: BODIES[verb]?.(fields) ?? {},
    });
    return done.ok ? ok(path`/rollouts/${id}`) : done;
  };
}
