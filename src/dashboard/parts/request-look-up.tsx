/**
 * Where a request id leads: to what the meters keep of failed requests, and to the logs, where edges write down what failed
 * and a sample of the rest, each line with its id. The command is as it must be typed; nothing is run here.
 */
import { FailedRequestsSchema, type FailedRequests } from "../../contracts/api/traffic.ts";
import { LOCAL, wranglerEnv } from "../../core/break-glass-words.ts";
import { path } from "../api.ts";
import { ProblemNote } from "../layout.tsx";
import type { Visit } from "../visit.ts";
import type { Served } from "./account-served.tsx";
import { Table } from "./table.tsx";
import { When } from "./words.tsx";

/** What ids are made of, whoever made them; anything else would not be safe to paste. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const SHOWN = 10;

type Failed = FailedRequests["items"];

/** What is known; null: the meters do not answer. */
export interface LookedUp {
  /** As it was typed; empty when nobody did. */
  readonly id: string;
  readonly found: Failed | null;
  /** Of the account, newest first. */
  readonly recent: Failed | null;
}

export async function lookUp({ api, url }: Pick<Visit, "api" | "url">, account: string): Promise<LookedUp> {
  const id = (url.searchParams.get("request") ?? "").trim();
  const ask = async (query: string): Promise<Failed | null> => {
    const asked = await api.ask(FailedRequestsSchema, { path: `/failed-requests?${query}` });
    return asked.ok ? asked.value.items : null;
  };
  const [found, recent] = await Promise.all([
    REQUEST_ID.test(id) ? ask(`id=${encodeURIComponent(id)}`) : [],
    ask(`account=${encodeURIComponent(account)}`),
  ]);
  return { id, found, recent };
}

interface Props extends LookedUp {
  readonly account: string;
  readonly served: readonly Served[];
  /** Which one these pages are of; null: nobody said. */
  readonly environment: string | null;
}

export function RequestLookUp({ account, served, environment, id, found, recent }: Props) {
  return (
    <>
      <form class="inline" method="get" action={path`/accounts/${account}`}>
        <label>
          Request id (Firebreak-Request-Id, or CF-Ray)
          <input name="request" value={id} placeholder="such as 9f2c01ab34de-7k" required />
        </label>
        <button type="submit" class="quiet">
          Look it up
        </button>
      </form>
      {id === "" ? null : REQUEST_ID.test(id) ? (
        <section class="note" aria-label="Request">
          {found === null || found.length === 0 ? null : (
            <FailedTable failed={found} account={account} served={served} />
          )}
          <Where id={id} found={found} environment={environment} />
        </section>
      ) : (
        <ProblemNote detail="That is no request id." />
      )}
      <details>
        <summary>Requests that failed lately</summary>
        {recent === null ? (
          <p class="soft">The meters do not answer.</p>
        ) : (
          <FailedTable failed={recent.slice(0, SHOWN)} account={account} served={served} />
        )}
      </details>
    </>
  );
}

/** With a way to the decision as the maps of that time gave it. */
function FailedTable({ failed, account, served }: Pick<Props, "account" | "served"> & { failed: Failed }) {
  return (
    <Table
      label="Failed requests"
      heads={["When", "Request", "Product", "Version", "#Status", "What", ""]}
      empty="None is kept: a sample is, for a day."
      rows={failed.map((one) => [
        <When at={one.at} />,
        one.id,
        one.product ?? "",
        one.version ?? "none",
        String(one.status),
        `${one.outcome}: ${one.why}`,
        one.account === account ? (
          <Why host={served.find(({ product }) => product === one.product)?.host} at={one.at} />
        ) : one.account === null ? (
          "no known account"
        ) : (
          <a href={path`/accounts/${one.account}`}>{one.account}</a>
        ),
      ])}
    />
  );
}

function Why({ host, at }: { host: string | undefined; at: string }) {
  if (host === undefined) return null;
  return <a href={`/explain?${new URLSearchParams({ host, at }).toString()}`}>why this version</a>;
}

interface WhereProps {
  readonly id: string;
  readonly found: Failed | null;
  readonly environment: string | null;
}

function Where({ id, found, environment }: WhereProps) {
  return (
    <>
      <p>
        {found === null
          ? "The meters do not answer. "
          : found.length === 0
            ? "It is not in the sample of failed requests, which is kept for a day. "
            : ""}
        Every failure and refusal has a line in the logs, and one in a thousand of the others. In Workers Logs
        filter by <code>{`requestId = "${id}"`}</code>, or follow them live:
      </p>
      <pre>
        {environment === LOCAL
          ? `grep '${id}' .firebreak/firebreak.log`
          : `npx wrangler tail ${wranglerEnv(environment)} --search '${id}'`}
      </pre>
    </>
  );
}
