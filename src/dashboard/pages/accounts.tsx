/** Accounts: found by the beginning of their slug, their cohort, or the version that is recorded as their home. */
import { AccountPageSchema, type Account } from "../../contracts/api/accounts.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
import { Table } from "../parts/table.tsx";
import { count } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

const FILTERS: readonly (readonly [name: string, title: string, example: string])[] = [
  ["prefix", "Slug begins with", "acme"],
  ["cohort", "Cohort", "early"],
  ["product", "Product", "kiln"],
  ["version", "Home (needs the product)", "2.8.0"],
];
const PER_PAGE = 100;

export const drawAccounts: DrawPage = async ({ api, url }) => {
  const query = new URLSearchParams({ limit: String(PER_PAGE) });
  for (const name of [...FILTERS.map(([each]) => each), "cursor"]) {
    const value = (url.searchParams.get(name) ?? "").trim();
    if (value !== "") query.set(name, value);
  }
  const found = await api.ask(AccountPageSchema, { path: `/accounts?${query.toString()}` });
  if (!found.ok) return found;
  const { items, cursor } = found.value;
  const next = new URLSearchParams(query);
  if (cursor !== null) next.set("cursor", cursor);
  return ok({
    title: "Accounts",
    body: (
      <>
        <form class="inline" method="get" action="/accounts">
          {FILTERS.map(([name, title, example]) => (
            <label>
              {title}
              <input name={name} value={query.get(name) ?? ""} placeholder={example} />
            </label>
          ))}
          <button type="submit">Find</button>
        </form>
        <Table
          label="Accounts"
          caption={`${count(items.length)} shown${cursor === null ? "" : ", and there are more"}`}
          heads={["Account", "Cohort", "Zone", "Homes", "Set apart"]}
          empty="No account is like that."
          rows={items.map((account) => [
            <a href={path`/accounts/${account.account}`}>{account.account}</a>,
            account.cohort,
            account.timeZone,
            Object.entries(account.homes)
              .map(([product, version]) => `${product} ${version}`)
              .join(", "),
            isSetApart(account) ? <SetApart account={account} /> : "",
          ])}
        />
        {cursor === null ? null : (
          <p>
            <a href={`/accounts?${next.toString()}`}>More</a>
          </p>
        )}
      </>
    ),
  });
};

function isSetApart({ quarantine, pins, hold, deferral }: Account): boolean {
  return Object.keys({ ...quarantine, ...pins }).length > 0 || hold !== null || deferral !== null;
}

function SetApart({ account: { quarantine, pins, hold, deferral } }: { account: Account }) {
  return (
    <>
      {Object.keys(quarantine).length > 0 ? <span class="tag bad">quarantine</span> : null}{" "}
      {Object.keys(pins).length > 0 ? <span class="tag warn">pinned</span> : null}{" "}
      {hold === null ? null : <span class="tag warn">held</span>}{" "}
      {deferral === null ? null : <span class="tag soft">deferred</span>}
    </>
  );
}
