/** Accounts: found by the beginning of their slug, their cohort, or the version that is recorded as their home. */
import { AccountPageSchema } from "../../contracts/api/accounts.ts";
import { ok } from "../../contracts/result.ts";
import { path } from "../api.ts";
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
        <div class="wide">
          <table>
            <caption>{items.length === 0 ? "No account is like that" : `${items.length} shown`}</caption>
            <thead>
              <tr>
                <th>Account</th>
                <th>Cohort</th>
                <th>Zone</th>
                <th>Homes</th>
                <th>Set apart</th>
              </tr>
            </thead>
            <tbody>
              {items.map((account) => (
                <tr>
                  <td>
                    <a href={path`/accounts/${account.account}`}>{account.account}</a>
                  </td>
                  <td>{account.cohort}</td>
                  <td>{account.timeZone}</td>
                  <td>
                    {Object.entries(account.homes)
                      .map(([product, version]) => `${product} ${version}`)
                      .join(", ")}
                  </td>
                  <td>
                    {Object.keys(account.quarantine).length > 0 ? (
                      <span class="tag bad">quarantine</span>
                    ) : null}{" "}
                    {Object.keys(account.pins).length > 0 ? <span class="tag warn">pinned</span> : null}{" "}
                    {account.hold === null ? null : <span class="tag warn">held</span>}{" "}
                    {account.deferral === null ? null : <span class="tag soft">deferred</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {cursor === null ? null : (
          <p>
            <a href={`/accounts?${next.toString()}`}>More</a>
          </p>
        )}
      </>
    ),
  });
};
