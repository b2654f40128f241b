/** Whom rollouts hurt: accounts that the targets failed, worst first, and who of them is back. Asks the API. */
import { ImpactSchema } from "../../contracts/api/gates.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { path, type Api } from "../api.ts";
import { Table } from "./table.tsx";
import { accountsOf, count, When } from "./words.tsx";

const SHOWN = 10;
/** More are counted, so that the number can be said. */
const COUNTED = 1000;

/** Null: the meters do not answer. */
type Hurt = Awaited<ReturnType<typeof askHurt>>;

export async function askHurt(api: Api, rollouts: readonly RolloutView[]) {
  return Promise.all(
    rollouts.map(async ({ id }) => {
      const found = await api.ask(ImpactSchema, { path: `${path`/rollouts/${id}/impact`}?limit=${COUNTED}` });
      return { id, items: found.ok ? found.value.items : null };
    }),
  );
}

export function HurtAccounts({ hurt }: { hurt: Hurt }) {
  if (hurt.length === 0) return <p class="soft">No rollout is running or has ended within a day.</p>;
  return (
    <>
      {hurt.map(({ id, items }) => (
        <One id={id} items={items} />
      ))}
    </>
  );
}

function One({ id, items }: Hurt[number]) {
  if (items === null) return <p class="note warn">Whom {id} hurt is not known: the meters do not answer.</p>;
  if (items.length === 0) return <p>No account was seen to fail on the targets of {id}.</p>;
  const still = items.filter(({ putBackAt }) => putBackAt === null).length;
  const more = items.length >= COUNTED ? " or more" : "";
  return (
    <Table
      label={`Accounts hurt by ${id}`}
      caption={`${accountsOf(items.length)}${more} failed on the targets of ${id}; ${count(still)} still there`}
      heads={["Account", "Product", "#Minutes", "#Failed", "Put back"]}
      rows={items
        .slice(0, SHOWN)
        .map(({ account, product, minutes, failures, requests, putBackAt, putBackBy }) => [
          <a href={path`/accounts/${account}`}>{account}</a>,
          product,
          minutes.toFixed(1),
          `${count(failures)} of ${count(requests)}`,
          putBackAt === null ? (
            <span class="tag bad">still there</span>
          ) : (
            <>
              <When at={putBackAt} /> by {putBackBy}
            </>
          ),
        ])}
    />
  );
}
