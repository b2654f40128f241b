/**
 * On what an account is, product by product: why in a sentence, since when, its next move on its people's clock and in
 * UTC, and its failures against its own past. Asks the API and draws what it says.
 */
import type { Account } from "../../contracts/api/accounts.ts";
import type { MoveRow } from "../../contracts/api/history.ts";
import { ExplainSchema, type Explain } from "../../contracts/api/operations.ts";
import { ProductListSchema } from "../../contracts/api/products.ts";
import { AccountTrafficSchema, type AccountTraffic } from "../../contracts/api/traffic.ts";
import { path } from "../api.ts";
import { percent } from "../layout.tsx";
import type { Visit } from "../visit.ts";
import { count, Local, When, Words } from "./words.tsx";

/** How far ahead a next move is looked for: as far as the engine plans. */
const AHEAD_MS = 400 * 24 * 60 * 60_000;
/** So much more of its requests must fail before it is called worse. */
const WORSE_BY = 0.02;

export interface Served {
  readonly product: string;
  readonly host: string;
  readonly now: Explain | null;
  /** The same far ahead: with the next move that is expected. */
  readonly ahead: Explain | null;
  readonly traffic: AccountTraffic["items"];
}

/** One for each product that the account has. */
export async function askServed(
  { api, nowMs }: Pick<Visit, "api" | "nowMs">,
  { account, homes }: Account,
): Promise<readonly Served[]> {
  const [products, traffic] = await Promise.all([
    api.ask(ProductListSchema, { path: "/products" }),
    api.ask(AccountTrafficSchema, { path: path`/accounts/${account}/traffic` }),
  ]);
  if (!products.ok) return [];
  const at = new Date(nowMs + AHEAD_MS).toISOString();
  const explained = products.value.items
    .filter(({ name, domains }) => Object.hasOwn(homes, name) && domains.length > 0)
    .map(async ({ name, domains }): Promise<Served> => {
      const host = `${account}.${domains[0] ?? ""}`;
      const query = `/explain?host=${encodeURIComponent(host)}`;
      const [now, ahead] = await Promise.all([
        api.ask(ExplainSchema, { path: query }),
        api.ask(ExplainSchema, { path: `${query}&at=${encodeURIComponent(at)}` }),
      ]);
      return {
        product: name,
        host,
        now: now.ok ? now.value : null,
        ahead: ahead.ok ? ahead.value : null,
        traffic: traffic.ok ? traffic.value.items.filter(({ product }) => product === name) : [],
      };
    });
  return Promise.all(explained);
}

/** @param moves of the account, newest first. */
export function ServedCard({ served, moves }: { served: Served; moves: readonly MoveRow[] }) {
  const { product, host, now, ahead, traffic } = served;
  const latest = moves.find((move) => move.product === product);
  return (
    <section class="card">
      <h3>
        {product} {now?.version ?? ""}
      </h3>
      <p>{now === null ? "What it gets is not known just now." : <Words text={now.sentence} />}</p>
      <dl class="facts">
        <dt>Since</dt>
        <dd>
          {latest === undefined ? (
            "before the record begins"
          ) : (
            <>
              <When at={latest.at} />, {latest.why}
            </>
          )}
        </dd>
        <dt>Next move</dt>
        <dd>
          <NextMove ahead={ahead} />
        </dd>
        {traffic.map((one) => (
          <>
            <dt>Failures on {one.version}</dt>
            <dd>
              <Failures one={one} />
            </dd>
          </>
        ))}
      </dl>
      <p class="small">
        <a href={`/explain?host=${encodeURIComponent(host)}`}>Explain {host}</a>
      </p>
    </section>
  );
}

function NextMove({ ahead }: { ahead: Explain | null }) {
  if (ahead?.at === undefined) return <>not known just now</>;
  const { move, notes } = ahead.at;
  if (move === null) return <>{notes.length === 0 ? "none is planned" : <Words text={notes.join(" ")} />}</>;
  return (
    <>
      to {move.to}: <Local at={move.at.local} /> {move.zone},{" "}
      <span class="soft">
        UTC <When at={move.at.utc} />
      </span>
      , by <a href={path`/rollouts/${move.rollout}`}>{move.rollout}</a>
      {move.wave === null ? "" : `, wave ${move.wave}`}
    </>
  );
}

function Failures({ one: { lately, before } }: { one: AccountTraffic["items"][number] }) {
  const worse = lately.requests > 0 && before.requests > 0 && lately.rate - before.rate >= WORSE_BY;
  const of = ({ requests, failures, rate }: typeof lately): string =>
    requests === 0 ? "no requests" : `${percent(rate)} (${count(failures)} of ${count(requests)})`;
  return (
    <>
      {of(lately)} in the last hour, before: {of(before)}{" "}
      {worse ? <span class="tag bad">worse than its past</span> : null}
    </>
  );
}
