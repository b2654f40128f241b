/**
 * One account, for whoever answers its people: on what it is and why, in a sentence; what sets it apart and who is
 * responsible for that; its moves; and what support may do for it.
 */
import { AccountSchema, type Account } from "../../contracts/api/accounts.ts";
import { AccountHistorySchema, type MoveRow } from "../../contracts/api/history.ts";
import type { Status } from "../../contracts/api/status.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ProblemNote } from "../layout.tsx";
import { AccountActions } from "../parts/account-actions.tsx";
import { askServed, ServedCard } from "../parts/account-served.tsx";
import { lookUp, RequestLookUp } from "../parts/request-look-up.tsx";
import { Table } from "../parts/table.tsx";
import { When } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

const SHOWN_MOVES = 20;

export const drawAccount: DrawPage = async (visit) => {
  const { api, params, frame } = visit;
  const slug = params["account"] ?? "";
  const found = await api.ask(AccountSchema, { path: path`/accounts/${slug}` });
  if (!found.ok) return found;
  const account = found.value;
  const [served, history, lookedUp] = await Promise.all([
    askServed(visit, account),
    api.ask(AccountHistorySchema, { path: `${path`/accounts/${slug}/history`}?limit=${SHOWN_MOVES}` }),
    lookUp(visit, account.account),
  ]);
  return ok({
    title: `Account ${account.account}`,
    body: (
      <>
        {visit.problem === null ? null : <ProblemNote detail={visit.problem.detail} />}
        {account.deleted === null ? null : (
          <p class="note warn">
            Deleted at <When at={account.deleted.at} />.
          </p>
        )}
        {account.visibleBy === null ? null : (
          <p class="note warn">
            The latest change is on its way; every edge knows it by <When at={account.visibleBy} />.
          </p>
        )}
        <SetApart account={account} />
        <div class="cards roomy">
          {served.map((each) => (
            <ServedCard served={each} moves={history.ok ? history.value.items : []} />
          ))}
          <Facts account={account} />
        </div>
        <h2>Moves</h2>
        {history.ok ? <Moves moves={history.value.items} /> : <p class="soft">{history.error.detail}</p>}
        <AccountActions account={account} versions={versionsOf(frame.status, account)} frame={frame} />
        <h2>More</h2>
        <RequestLookUp
          account={slug}
          served={served}
          environment={frame.status?.environment ?? null}
          {...lookedUp}
        />
        <p>
          <a href={`/audit?target=${encodeURIComponent(`account/${slug}`)}`}>
            What was done to it, in the audit
          </a>
        </p>
      </>
    ),
  });
};

/** Versions that the account's products have, for the forms. */
function versionsOf(status: Status | null, { homes }: Account): Readonly<Record<string, readonly string[]>> {
  const products = (status?.products ?? []).filter(({ name }) => Object.hasOwn(homes, name));
  return Object.fromEntries(products.map(({ name, versions }) => [name, Object.keys(versions)]));
}

function Moves({ moves }: { moves: readonly MoveRow[] }) {
  return (
    <Table
      label="Moves"
      heads={["When", "Product", "From", "To", "Why"]}
      empty="None is recorded."
      rows={moves.map((move) => [
        <When at={move.at} />,
        move.product,
        move.from ?? "nothing",
        move.to ?? "nothing",
        <>
          {move.why}{" "}
          {move.rollout === null ? null : <a href={path`/rollouts/${move.rollout}`}>{move.rollout}</a>}
          {move.reason === null ? "" : `: ${move.reason}`}
          {move.by === null ? "" : ` (${move.by})`}
        </>,
      ])}
    />
  );
}

function SetApart({ account: { quarantine, pins, hold, deferral } }: { account: Account }) {
  return (
    <>
      {Object.entries(quarantine).map(([product, { version, reason, by, at }]) => (
        <p class="note bad">
          In quarantine on {product} {version} since <When at={at} /> by {by}: {reason}
        </p>
      ))}
      {Object.entries(pins).map(([product, { version, reason, by, expires }]) => (
        <p class="note warn">
          Pinned to {product} {version} by {by}
          {expires === null ? "" : " until "}
          <When at={expires} />: {reason}
        </p>
      ))}
      {hold === null ? null : (
        <p class="note warn">
          Held ({hold.mode === "page" ? "page" : "read-only"}) since <When at={hold.at} /> by {hold.by}
          {hold.until === null ? "" : ", to end at "}
          <When at={hold.until} />: {hold.reason}
        </p>
      )}
      {deferral === null ? null : (
        <p class="note">
          Deferred until <When at={deferral.until} />, owner {deferral.owner}: {deferral.reason}
        </p>
      )}
    </>
  );
}

function Facts({ account }: { account: Account }) {
  const { homes, labels, domains } = account;
  return (
    <section class="card">
      <h3>The account</h3>
      <dl class="facts">
        <dt>Homes</dt>
        <dd>
          {Object.entries(homes)
            .map(([product, version]) => `${product} ${version}`)
            .join(", ")}
        </dd>
        <dt>Cohort</dt>
        <dd>{account.cohort}</dd>
        <dt>Time zone</dt>
        <dd>{account.timeZone}</dd>
        <dt>Cell</dt>
        <dd>{account.cell ?? "none"}</dd>
        <dt>Labels</dt>
        <dd>
          {Object.entries(labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(", ") || "none"}
        </dd>
        <dt>Own domains</dt>
        <dd>{domains.map(({ host, product }) => `${host} (${product})`).join(", ") || "none"}</dd>
      </dl>
    </section>
  );
}
