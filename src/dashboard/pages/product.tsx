/**
 * Who serves a product: Firebreak or today's fleet, how the two agree, and the forms that change it. Each says in accounts
 * what it does; the one after which accounts would change version is sent with the number it was drawn with, and refused
 * when that is another by then.
 */
import { FleetComparisonSchema, type FleetComparisonView } from "../../contracts/api/fleet.ts";
import { ProductSchema, type Product } from "../../contracts/api/products.ts";
import { err, ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { ActionForm, ProblemNote, ReasonField, type Frame } from "../layout.tsx";
import { Table } from "../parts/table.tsx";
import { accountsOf, count, When } from "../parts/words.tsx";
import type { Act, DrawPage, Visit } from "../visit.ts";

const SHOWN = 20;

interface Shown {
  readonly product: Product;
  /** Null: the meters do not answer. */
  readonly compared: FleetComparisonView | null;
  /** Accounts that have it. */
  readonly accounts: number;
  readonly frame: Frame;
}

const askCompared = async (
  { api }: Pick<Visit, "api">,
  name: string,
): Promise<FleetComparisonView | null> => {
  const asked = await api.ask(FleetComparisonSchema, { path: path`/products/${name}/compare` });
  return asked.ok ? asked.value : null;
};

export const drawProduct: DrawPage = async (visit) => {
  const { api, params, frame, problem } = visit;
  const name = params["product"] ?? "";
  const found = await api.ask(ProductSchema, { path: path`/products/${name}` });
  if (!found.ok) return found;
  const versions = frame.status?.products.find((each) => each.name === name)?.versions ?? {};
  const accounts = Object.values(versions).reduce((sum, homes) => sum + homes, 0);
  const shown = { product: found.value, compared: await askCompared(visit, name), accounts, frame };
  return ok({
    title: `Who serves ${name}`,
    // A form that is being filled in must not be drawn anew.
    live: false,
    body: (
      <>
        {problem === null ? null : <ProblemNote detail={problem.detail} />}
        <Mode {...shown} />
        <div class="cards">
          {found.value.fleet === null ? null : <ActiveForm {...shown} />}
          <FleetForm {...shown} mode="compare" />
          <FleetForm {...shown} mode="pass-through" />
        </div>
      </>
    ),
  });
};

function Mode({ product: { fleet }, compared }: Shown) {
  if (fleet === null) return <p>Firebreak decides and acts (active).</p>;
  return (
    <>
      <p>
        {fleet.mode} since <When at={fleet.since} /> by {fleet.by}: {fleet.reason}. Today's fleet at{" "}
        <code>{fleet.origin}</code> answers.
      </p>
      {compared === null ? (
        <p class="soft">How the two agree is not known: the meters do not answer.</p>
      ) : (
        <>
          <p>
            {count(compared.compared)} answers compared, {count(compared.differ)} differed;{" "}
            {count(compared.unnamed)} named no version.
          </p>
          <Table
            label="Who differs"
            caption={`${accountsOf(compared.differing)} would get another version now`}
            heads={["Account", "The fleet's", "Ours", "#Requests"]}
            empty="Nobody that was seen."
            rows={compared.accounts
              .slice(0, SHOWN)
              .map(({ account, theirs, ours, requests }) => [
                account === null ? "unknown ones" : <a href={path`/accounts/${account}`}>{account}</a>,
                theirs,
                ours ?? "none",
                count(requests),
              ])}
          />
        </>
      )}
    </>
  );
}

function ActiveForm({ product: { name }, compared, accounts, frame }: Shown) {
  const differing = compared?.differing ?? 0;
  return (
    <section class="card">
      <h3>active</h3>
      <ActionForm
        action={path`/products/${name}/mode`}
        frame={frame}
        submit={`Let Firebreak serve ${accountsOf(accounts)}`}
        danger
      >
        <input type="hidden" name="mode" value="active" />
        <input type="hidden" name="differing" value={String(differing)} />
        <p>
          {compared === null || compared.compared === 0
            ? "Nothing was compared with the fleet, so nobody knows who would get another version."
            : `${accountsOf(differing)} would get another version than the fleet's.`}
        </p>
        <Confirm />
        <ReasonField />
      </ActionForm>
    </section>
  );
}

function FleetForm({ product: { name, fleet }, accounts, frame, mode }: Shown & { mode: string }) {
  return (
    <section class="card">
      <h3>{mode}</h3>
      <ActionForm
        action={path`/products/${name}/mode`}
        frame={frame}
        submit={`Let today's fleet serve ${accountsOf(accounts)}`}
        danger
      >
        <input type="hidden" name="mode" value={mode} />
        <p>
          Today's fleet answers everything of {name}, unknown accounts too
          {mode === "compare" ? "; each decision is held against the version that it names" : ""}.
        </p>
        <label>
          Address of today's fleet
          <input
            name="origin"
            type="url"
            placeholder="https://fleet.example.net"
            required
            value={fleet?.origin ?? ""}
          />
        </label>
        {mode === "compare" ? (
          <label>
            Header that names the version
            <input name="versionHeader" placeholder="X-Version" required value={fleet?.versionHeader ?? ""} />
          </label>
        ) : null}
        <Confirm />
        <ReasonField />
      </ActionForm>
    </section>
  );
}

function Confirm() {
  return (
    <label>
      I have read this
      <input type="checkbox" name="confirmed" value="yes" required />
    </label>
  );
}

/** Says who serves the product, when that was meant. */
export const actMode: Act = async (visit, fields) => {
  const name = visit.params["product"] ?? "";
  const { mode, origin, versionHeader, reason = "" } = fields;
  const refused = mode === "active" ? await refuseUnmeant(visit, fields) : null;
  if (refused !== null || fields["confirmed"] !== "yes")
    return err({
      status: 409,
      type: "urn:firebreak:problem:conflict",
      detail: refused ?? "Nothing was changed: say that you have read what it does.",
    });
  const done = await visit.api.ask(ProductSchema, {
    method: "PUT",
    path: path`/products/${name}/mode`,
    body: {
      mode,
      reason,
      ...(origin === undefined ? {} : { origin }),
      ...(versionHeader === undefined ? {} : { versionHeader }),
    },
  });
  return done.ok ? ok(path`/products/${name}`) : done;
};

async function refuseUnmeant(
  visit: Visit,
  { differing }: Readonly<Record<string, string>>,
): Promise<string | null> {
  const compared = await askCompared(visit, visit.params["product"] ?? "");
  if (compared === null || String(compared.differing) === differing) return null;
  return `Nothing was changed: by now ${accountsOf(compared.differing)} would get another version, not ${differing ?? "none"}.`;
}
