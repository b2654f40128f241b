/**
 * Now: what is served to whom, what should be looked at, and the switch over everything automatic.
 * The first page somebody woken at night sees, so alarms and warnings come before everything else.
 */
import * as z from "../../contracts/api/zod.ts";
import { HaltSchema } from "../../contracts/api/operations.ts";
import type { Status } from "../../contracts/api/status.ts";
import { RolloutSchema, type RolloutView } from "../../contracts/api/rollouts.ts";
import { TrafficSchema } from "../../contracts/api/traffic.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ProblemNote, ReasonField, type Frame } from "../layout.tsx";
import { PhaseTag, hasEnded } from "../parts/phase.tsx";
import { KnownShare, ProductCard } from "../parts/product-card.tsx";
import { Waits } from "../parts/waiting.tsx";
import { accountsOf, count, When, Words } from "../parts/words.tsx";
import type { Act, DrawPage } from "../visit.ts";

const RolloutsSchema = z.object({ items: z.array(RolloutSchema) });

export const drawNow: DrawPage = async ({ api, frame, problem }) => {
  const [rollouts, asked] = await Promise.all([
    api.ask(RolloutsSchema, { path: "/rollouts" }),
    api.ask(TrafficSchema, { path: "/traffic" }),
  ]);
  const running = rollouts.ok ? rollouts.value.items.filter(({ phase }) => !hasEnded(phase)) : [];
  const traffic = asked.ok ? asked.value : null;
  const { status } = frame;
  return ok({
    title: "Now",
    body: (
      <>
        {problem === null ? null : <ProblemNote detail={problem.detail} />}
        {status === null ? null : <Alarms alarms={status.alarms} />}
        {status === null ? null : <Warnings status={status} />}
        {status === null ? null : <Waits frame={frame} waiting={status.waiting} />}
        <h2>Rollouts under way</h2>
        {running.length === 0 ? (
          <p class="soft">
            None. <a href="/rollouts">All rollouts</a>
          </p>
        ) : (
          <div class="cards">
            {running.map((rollout) => (
              <RolloutCard rollout={rollout} />
            ))}
          </div>
        )}
        <NextMove rollouts={running} />
        <h2>Products</h2>
        <KnownShare traffic={traffic} />
        <div class="cards">
          {status?.products.map((product) => (
            <ProductCard
              product={product}
              rollouts={running}
              replacements={status.replacements}
              traffic={traffic}
            />
          ))}
        </div>
        <h2>Everything automatic</h2>
        <HaltForm frame={frame} />
      </>
    ),
  });
};

/** Pages first; what is not told yet is said to be so. */
function Alarms({ alarms }: { alarms: Status["alarms"] }) {
  return alarms
    .toSorted((a, b) => a.level.localeCompare(b.level))
    .map(({ name, subject, level, words, firstCommand, since, raisedAt }) => (
      <section
        class={level === "page" ? "note bad" : "note warn"}
        aria-label={`Alarm ${name}${subject === "" ? "" : ` of ${subject}`}`}
      >
        <p>
          <strong>{level === "page" ? "Page" : "Ticket"}:</strong> <Words text={words} />{" "}
          <span class="soft small">
            ({raisedAt === null ? "not told yet, " : ""}since <When at={since} />)
          </span>
        </p>
        <p>
          First: <code>{firstCommand}</code>
        </p>
      </section>
    ));
}

function Warnings({ status: { alarms, warnings } }: { status: Status }) {
  if (warnings.length === 0)
    return alarms.length > 0 ? null : <p class="note good">Nothing needs to be looked at.</p>;
  return (
    <section class="note warn" aria-label="Warnings">
      <ul>
        {warnings.map((warning) => (
          <li>
            <Words text={warning} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function RolloutCard({ rollout: { id, phase, reason, nextAt, moved, accounts } }: { rollout: RolloutView }) {
  return (
    <section class="card">
      <h3>
        <a href={path`/rollouts/${id}`}>{id}</a> <PhaseTag phase={phase} />
      </h3>
      <p>
        <Words text={reason} />
      </p>
      {phase === "draft" ? null : (
        <>
          <progress value={moved} max={Math.max(1, accounts)} aria-label={`Moved by ${id}`}></progress>
          <p class="soft small">
            {count(moved)} of {accountsOf(accounts)} moved
            {nextAt === null ? null : (
              <>
                , next at <When at={nextAt} />
              </>
            )}
          </p>
        </>
      )}
    </section>
  );
}

/** When a rollout, whichever, next does something by itself. */
function NextMove({ rollouts }: { rollouts: readonly RolloutView[] }) {
  const [next] = rollouts
    .flatMap(({ id, nextAt }) => (nextAt === null ? [] : [{ id, nextAt }]))
    .toSorted((a, b) => Date.parse(a.nextAt) - Date.parse(b.nextAt));
  if (next === undefined && rollouts.some(({ phase }) => phase !== "draft"))
    return <p class="soft">When the next move is cannot be told yet; each rollout says what it waits for.</p>;
  return next === undefined ? (
    <p class="soft">Nothing moves until somebody starts it.</p>
  ) : (
    <p>
      Next move anywhere: <When at={next.nextAt} /> by <a href={path`/rollouts/${next.id}`}>{next.id}</a>
    </p>
  );
}

function HaltForm({ frame }: { frame: Frame }) {
  const on = frame.status?.halt.on === true;
  return (
    <section class="card">
      <p>
        {on
          ? "Halted. No rollout goes forward and nothing is done by itself; requests are served as they were."
          : "A halt stops every forward move and every automatic action at once. Requests are served as they are, and no account changes version by it."}
      </p>
      <ActionForm
        action="/halt"
        frame={frame}
        submit={on ? "End the halt" : "Halt everything automatic"}
        danger={!on}
      >
        <input type="hidden" name="on" value={on ? "false" : "true"} />
        <ReasonField />
      </ActionForm>
    </section>
  );
}

/** Sets or ends the halt. */
export const actHalt: Act = async ({ api }, fields) => {
  const body = { on: fields["on"] === "true", reason: fields["reason"] ?? "" };
  const done = await api.ask(HaltSchema, { method: "PUT", path: "/halt", body });
  return done.ok ? ok("/") : done;
};
