/**
 * Incident: for the worst quarter of an hour. What happened lately, how far it has spread, what can be stopped or taken
 * back, each with its number of accounts, and words for the status page. Nothing here is clever; it is all in one place.
 */
import { AuditPageSchema, HaltSchema } from "../../contracts/api/operations.ts";
import type { Status } from "../../contracts/api/status.ts";
import { RolloutListSchema } from "../../contracts/api/rollout-plan.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, percent, ProblemNote, ReasonField, type Frame } from "../layout.tsx";
import { askHurt, HurtAccounts } from "../parts/hurt.tsx";
import { Instead } from "../parts/instead.tsx";
import { hasEnded, PhaseTag } from "../parts/phase.tsx";
import { accountsOf, count, When, Words } from "../parts/words.tsx";
import type { Act, DrawPage } from "../visit.ts";

const EVENTS = 25;

/** How long a rollout that has ended is still looked at. */
const LATELY_MS = 24 * 60 * 60_000;

export const drawIncident: DrawPage = async (visit) => {
  const { api, frame, problem } = visit;
  const [rollouts, audit] = await Promise.all([
    api.ask(RolloutListSchema, { path: "/rollouts" }),
    api.ask(AuditPageSchema, { path: `/audit?limit=${EVENTS}` }),
  ]);
  const started = rollouts.ok ? rollouts.value.items.filter(({ startedAt }) => startedAt !== null) : [];
  const running = started.filter(({ phase }) => !hasEnded(phase));
  const late = started.filter(
    ({ clock, phase }) => hasEnded(phase) && visit.nowMs - Date.parse(clock) < LATELY_MS,
  );
  const hurt = await askHurt(api, [...running, ...late]);
  return ok({
    title: "Incident",
    body: (
      <>
        {problem === null ? null : <ProblemNote detail={problem.detail} />}
        <h2>Stop what is moving</h2>
        <div class="cards">
          <HaltCard frame={frame} />
          {running.map((rollout) => (
            <RolloutCard rollout={rollout} frame={frame} />
          ))}
        </div>
        <h2>Who is hurt</h2>
        <HurtAccounts hurt={hurt} />
        <h2>How far the last change has spread</h2>
        <Spread status={frame.status} />
        <h2>Another version instead</h2>
        <Instead status={frame.status} visit={visit} />
        <h2>Words for the status page</h2>
        <pre>{statusWords(running, frame.status)}</pre>
        <h2>What happened</h2>
        <Timeline entries={audit.ok ? audit.value.items : []} />
      </>
    ),
  });
};

function HaltCard({ frame }: { frame: Frame }) {
  if (frame.status?.halt.on === true) {
    return (
      <section class="card">
        <h3>Halted</h3>
        <p>Nothing goes forward by itself. Requests are served as they were.</p>
        <p>
          <a href="/">End it on the first page</a>
        </p>
      </section>
    );
  }
  return (
    <section class="card">
      <h3>Halt everything automatic</h3>
      <p>Stops every forward move and every automatic action. No account changes version by it.</p>
      <ActionForm action="/incident/halt" frame={frame} submit="Halt everything automatic" danger>
        <ReasonField />
      </ActionForm>
    </section>
  );
}

function RolloutCard({
  rollout: { id, phase, reason, moved, accounts },
  frame,
}: {
  rollout: RolloutView;
  frame: Frame;
}) {
  return (
    <section class="card">
      <h3>
        <a href={path`/rollouts/${id}`}>{id}</a> <PhaseTag phase={phase} />
      </h3>
      <p>
        {count(moved)} of {accountsOf(accounts)} moved. <Words text={reason} />
      </p>
      {phase === "paused" ? null : (
        <ActionForm action={path`/rollouts/${id}/pause`} frame={frame} submit="Pause it">
          <ReasonField />
        </ActionForm>
      )}
      <p>
        <a class="button quiet" href={`${path`/rollouts/${id}/back`}?to=all`}>
          Roll {accountsOf(moved)} back
        </a>{" "}
        <span class="soft small">shows first what it would do</span>
      </p>
    </section>
  );
}

function Spread({ status }: { status: Status | null }) {
  if (status === null) return <p class="note bad">The control plane does not answer.</p>;
  const { published, seen } = status;
  return (
    <>
      <p>
        Generation {count(published.generation)} was published at{" "}
        <When at={published.at} otherwise="no time yet" />.{" "}
        {published.waiting === 0
          ? "Nothing waits to be published."
          : `${count(published.waiting)} changes are not published yet.`}
      </p>
      {seen.generations.length === 0 ? (
        <p class="soft">No edge has reported in the last two minutes.</p>
      ) : null}
      <ul>
        {seen.generations.map(({ generation, share, isolates }) => (
          <li>
            {percent(share)} of requests were answered by {count(isolates)} isolates{" "}
            {generation === 0
              ? "that have read no maps yet (health, this host)"
              : `with generation ${count(generation)}`}
          </li>
        ))}
      </ul>
    </>
  );
}

/** True as things stand: it does not say that upgrades are stopped while they go on. */
function statusWords(running: readonly RolloutView[], status: Status | null): string {
  const moved = running.reduce((sum, rollout) => sum + rollout.moved, 0);
  const stopped = status?.halt.on === true || running.every(({ phase }) => STANDING.has(phase));
  const whom =
    moved === 0
      ? "No accounts were being upgraded."
      : `It may touch the ${accountsOf(moved)} that we have upgraded lately. All others are served as before.`;
  const what =
    moved === 0
      ? ""
      : stopped
        ? " Upgrades are stopped while we look."
        : " We are stopping further upgrades.";
  return `We are looking into a problem. ${whom}${what} The next update follows within 30 minutes.`;
}

/** Phases in which nobody moves forward. */
const STANDING: ReadonlySet<RolloutView["phase"]> = new Set([
  "paused",
  "rolling-back",
  "awaiting-approval",
  "preflight-failed",
]);

function Timeline({
  entries,
}: {
  entries: readonly {
    at: string;
    actor: string;
    action: string;
    target: string;
    reason: string | null;
  }[];
}) {
  if (entries.length === 0) return <p class="soft">The audit is empty, or cannot be read.</p>;
  return (
    <ol class="timeline">
      {entries
        .filter(({ action }) => !action.startsWith("session."))
        .map(({ at, actor, action, target, reason }) => (
          <li>
            <When at={at} />
            <span class="soft">{actor}</span>
            <span>
              {action} {target}
              {reason === null ? null : (
                <>
                  : <Words text={reason} />
                </>
              )}
            </span>
          </li>
        ))}
    </ol>
  );
}

/** The same halt as on the first page, and back here. */
export const actIncidentHalt: Act = async ({ api }, { reason = "" }) => {
  const done = await api.ask(HaltSchema, { method: "PUT", path: "/halt", body: { on: true, reason } });
  return done.ok ? ok("/incident") : done;
};
