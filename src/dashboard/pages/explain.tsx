/** Explain: what a request of a given Host gets, now or at another time, and why; asked of the same code that decides. */
import { ExplainSchema, type Explain } from "../../contracts/api/operations.ts";
import { ok } from "../../contracts/result.ts";
import { ProblemNote } from "../layout.tsx";
import { Words } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

export const drawExplain: DrawPage = async ({ api, url }) => {
  const host = url.searchParams.get("host");
  const at = (url.searchParams.get("at") ?? "").trim();
  const query = new URLSearchParams();
  if (host !== null) query.set("host", host.trim());
  if (at !== "") query.set("at", at);
  const found = host === null ? null : await api.ask(ExplainSchema, { path: `/explain?${query.toString()}` });
  return ok({
    title: "Explain",
    body: (
      <>
        <form class="inline" method="get" action="/explain">
          <label>
            Host
            <input name="host" value={host ?? ""} placeholder="acme.kiln.example.com" required />
          </label>
          <label>
            At (empty: now)
            <input name="at" value={at} placeholder="2026-11-28T22:05:00Z" />
          </label>
          <button type="submit">Explain</button>
        </form>
        {found === null ? <p class="soft">Type the Host of a request.</p> : null}
        {found?.ok === false ? <ProblemNote detail={found.error.detail} /> : null}
        {found?.ok === true ? <Answer answer={found.value} /> : null}
      </>
    ),
  });
};

function Answer({ answer }: { answer: Explain }) {
  const { at } = answer;
  return (
    <>
      <p class="note">
        <Words text={answer.sentence} />
      </p>
      <dl class="facts">
        <dt>Kind of request</dt>
        <dd>{answer.class}</dd>
        <dt>Product</dt>
        <dd>{answer.product ?? "none"}</dd>
        <dt>Account</dt>
        <dd>
          {answer.account === null ? (
            "no known account"
          ) : (
            <a href={`/accounts/${encodeURIComponent(answer.account)}`}>{answer.account}</a>
          )}
        </dd>
        <dt>Version</dt>
        <dd>{answer.version ?? "none"}</dd>
        <dt>Reason</dt>
        <dd>{answer.reason}</dd>
        <dt>Generation</dt>
        <dd>{answer.generation}</dd>
        {at === undefined ? null : (
          <>
            <dt>Known from</dt>
            <dd>
              {at.source}, {at.certainty}
            </dd>
          </>
        )}
      </dl>
      {at === undefined ? null : (
        <ul>
          {at.notes.map((note) => (
            <li>
              <Words text={note} />
            </li>
          ))}
          {at.others.map((other) => (
            <li>
              Some edges may have answered by generation {other.generation}: <Words text={other.sentence} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
