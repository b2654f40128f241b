/**
 * Incident: for the worst quarter of an hour. What happened lately, how far it has spread, what can be stopped or taken
 * back, each with its number of accounts, and words for the status page. Nothing here is clever; it is all in one place.
 */
import { AuditPageSchema, HaltSchema, type Status } from "../../contracts/api/operations.ts";
import { RolloutListSchema } from "../../contracts/api/rollout-plan.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { ok } from "../../contracts/result.ts";
import { BREAK_GLASS_COMMANDS, shellWord } from "../../core/break-glass-words.ts";
import { path } from "../api.ts";
import { ActionForm, percent, ProblemNote, ReasonField, type Frame } from "../layout.tsx";
import { hasEnded, PhaseTag } from "../parts/phase.tsx";
import { accountsOf, count, When, Words } from "../parts/words.tsx";
import type { Act, DrawPage } from "../visit.ts";

const EVENTS = 40;

export const drawIncident: DrawPage = async ({ api, frame, problem }) => {
  const [rollouts, audit] = await Promise.all([
    api.ask(RolloutListSchema, { path: "/rollouts" }),
    api.ask(AuditPageSchema, { path: `/audit?limit=${EVENTS}` }),
  ]);
  const running = rollouts.ok
    ? rollouts.value.items.filter(({ phase }) => !hasEnded(phase) && phase !== "draft")
    : [];
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
        <h2>How far the last change has spread</h2>
        <Spread status={frame.status} />
        <h2>When the control plane cannot be used</h2>
        <p>
          Write break-glass by hand: whoever would get the first version gets the second, within a minute, and
          it ends by itself.
        </p>
        <pre>{BREAK_GLASS_COMMANDS.put(shellWord(JSON.stringify(breakGlassExample(running[0]))))}</pre>
        <h2>Words for the status page</h2>
        <pre>{statusWords(running)}</pre>
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
        <a href={path`/rollouts/${id}/back?to=all`}>
          Roll its {accountsOf(moved)} back (shows first what it would do)
        </a>
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

/** A document that works as it stands, but for the names. */
function breakGlassExample(rollout: RolloutView | undefined): unknown {
  const [product = "PRODUCT", version = "NEW"] = Object.entries(rollout?.targets ?? {})[0] ?? [];
  return {
    reason: "WHY",
    expires: "END, AS 2026-11-29T00:00:00Z",
    instead: { [product]: { [version]: "OLD" } },
  };
}

function statusWords(running: readonly RolloutView[]): string {
  const moved = running.reduce((sum, rollout) => sum + rollout.moved, 0);
  if (moved === 0)
    return "We are looking into a problem. No accounts were being upgraded. The next update follows within 30 minutes.";
  return `We are looking into a problem that may touch the ${accountsOf(moved)} we have upgraded lately. All others are served as before. Upgrades are stopped while we look. The next update follows within 30 minutes.`;
}

function Timeline({
  entries,
}: {
  entries: readonly {
    seq: number;
    at: string;
    actor: string;
    action: string;
    target: string;
    reason: string | null;
  }[];
}) {
  if (entries.length === 0) return <p class="soft">The audit is empty, or cannot be read.</p>;
  return (
    <ol>
      {entries.map(({ seq, at, actor, action, target, reason }) => (
        <li value={seq}>
          <When at={at} /> {actor}: {action} {target}
          {reason === null ? null : (
            <>
              {" "}
              (<Words text={reason} />)
            </>
          )}
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
