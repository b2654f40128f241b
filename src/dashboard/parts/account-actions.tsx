/** What support may do for one account: hold it, put its moving off, put it back alone. Each says what it does. */
import { AccountSchema, type Account } from "../../contracts/api/accounts.ts";
import { ok } from "../../contracts/result.ts";
import { path, type Asked } from "../api.ts";
import { ActionForm, ReasonField, type Frame } from "../layout.tsx";
import type { Act, Fields } from "../visit.ts";

interface Props {
  readonly account: Account;
  readonly versions: Readonly<Record<string, readonly string[]>>;
  readonly frame: Frame;
}

export function AccountActions({ account, versions, frame }: Props) {
  const to: Address = (verb) => path`/accounts/${account.account}/${verb}`;
  if (account.deleted !== null) return <UndeleteCard to={to} frame={frame} />;
  return (
    <>
      <h2>Actions</h2>
      <div class="cards">
        <HoldCard held={account.hold !== null} to={to} frame={frame} />
        <DeferralCard deferred={account.deferral !== null} to={to} frame={frame} />
        {Object.entries(versions).map(([product, names]) => (
          <section class="card">
            <h3>{product}: quarantine</h3>
            {Object.hasOwn(account.quarantine, product) ? (
              <ActionForm action={to("lift-quarantine")} frame={frame} submit="End the quarantine">
                <input type="hidden" name="product" value={product} />
                <p>It stays on the version it is on; a later rollout may move it.</p>
                <ReasonField />
              </ActionForm>
            ) : (
              <QuarantineForm product={product} names={names} to={to} frame={frame} />
            )}
          </section>
        ))}
      </div>
    </>
  );
}

function UndeleteCard({ to, frame }: { to: Address; frame: Frame }) {
  return (
    <section class="card">
      <h3>Take the deletion back</h3>
      <ActionForm action={to("undelete")} frame={frame} submit="Make it an account again">
        <p>1 account is again what it was, on the versions it is served by now. It moves nobody.</p>
        <ReasonField />
      </ActionForm>
    </section>
  );
}

/** Where a step's form posts to. */
type Address = (verb: string) => string;

function HoldCard({ held, to, frame }: { held: boolean; to: Address; frame: Frame }) {
  if (held) {
    return (
      <section class="card">
        <h3>Lift the hold</h3>
        <ActionForm action={to("lift-hold")} frame={frame} submit="Lift the hold">
          <ReasonField />
        </ActionForm>
      </section>
    );
  }
  return (
    <section class="card">
      <h3>Hold</h3>
      <ActionForm action={to("hold")} frame={frame} submit="Hold the account">
        <p>Its people get a maintenance page, or may only read, until the hold is lifted.</p>
        <label>
          How
          <select name="mode">
            <option value="page">Maintenance page</option>
            <option value="readOnly">Read only</option>
          </select>
        </label>
        <label>
          Words for its people
          <input name="message" maxlength={500} />
        </label>
        <ReasonField />
      </ActionForm>
    </section>
  );
}

function DeferralCard({ deferred, to, frame }: { deferred: boolean; to: Address; frame: Frame }) {
  if (deferred) {
    return (
      <section class="card">
        <h3>Lift the deferral</h3>
        <ActionForm action={to("lift-deferral")} frame={frame} submit="Lift the deferral">
          <ReasonField />
        </ActionForm>
      </section>
    );
  }
  return (
    <section class="card">
      <h3>Defer</h3>
      <ActionForm action={to("defer")} frame={frame} submit="Defer its next move">
        <p>Rollouts leave it where it is until then.</p>
        <label>
          Until (UTC)
          <input name="until" type="datetime-local" required />
        </label>
        <label>
          Owner
          <input name="owner" required maxlength={100} />
        </label>
        <ReasonField />
      </ActionForm>
    </section>
  );
}

function QuarantineForm(props: { product: string; names: readonly string[]; to: Address; frame: Frame }) {
  return (
    <ActionForm action={props.to("quarantine")} frame={props.frame} submit="Put it back alone" danger>
      <input type="hidden" name="product" value={props.product} />
      <p>Puts this one account on another version at once, and keeps it there.</p>
      <label>
        Version
        <select name="version">
          {props.names.map((name) => (
            <option value={name}>{name}</option>
          ))}
        </select>
      </label>
      <ReasonField />
    </ActionForm>
  );
}

/** `2026-12-01T10:00` as browsers send it, which is UTC here. */
function toUtc(local: string): string {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(local) ? `${local}:00Z` : local;
}

const ASKS: Readonly<Record<string, (account: string, fields: Fields) => Asked>> = {
  hold: (account, { mode, message = "", reason = "" }) => ({
    method: "PUT",
    path: path`/accounts/${account}/hold`,
    body: { mode, message: message === "" ? null : message, reason },
  }),
  "lift-hold": (account, { reason = "" }) => ({
    method: "DELETE",
    path: path`/accounts/${account}/hold?reason=` + encodeURIComponent(reason),
  }),
  defer: (account, { until = "", owner = "", reason = "" }) => ({
    method: "PUT",
    path: path`/accounts/${account}/deferral`,
    body: { until: toUtc(until), owner, reason },
  }),
  "lift-deferral": (account, { reason = "" }) => ({
    method: "DELETE",
    path: path`/accounts/${account}/deferral?reason=` + encodeURIComponent(reason),
  }),
  quarantine: (account, { product = "", version, reason = "" }) => ({
    method: "PUT",
    path: path`/accounts/${account}/quarantine/${product}`,
    body: { version, reason },
  }),
  undelete: (account, { reason = "" }) => ({
    method: "POST",
    path: path`/accounts/${account}/undelete`,
    body: { reason },
  }),
  "lift-quarantine": (account, { product = "", reason = "" }) => ({
    method: "DELETE",
    path: path`/accounts/${account}/quarantine/${product}?reason=` + encodeURIComponent(reason),
  }),
};

export const ACCOUNT_STEPS: readonly string[] = Object.keys(ASKS);

/** Does for an account what its form asks. */
export function accountStep(verb: string): Act {
  return async ({ api, params }, fields) => {
    const account = params["account"] ?? "";
    const asked = ASKS[verb]?.(account, fields);
    if (asked === undefined) throw new Error(`no step ${verb}`);
    const done = await api.ask(AccountSchema, asked);
    return done.ok ? ok(path`/accounts/${account}`) : done;
  };
}
