/** Audit: who did what to what, when and why; filtered by target or actor, a page at a time. */
import { AuditPageSchema } from "../../contracts/api/operations.ts";
import { ok } from "../../contracts/result.ts";
import { Table } from "../parts/table.tsx";
import { When, Words } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

const PER_PAGE = 100;

export const drawAudit: DrawPage = async ({ api, url }) => {
  const query = new URLSearchParams({ limit: String(PER_PAGE) });
  for (const name of ["target", "actor", "cursor"]) {
    const value = url.searchParams.get(name) ?? "";
    if (value !== "") query.set(name, value);
  }
  const found = await api.ask(AuditPageSchema, { path: `/audit?${query.toString()}` });
  if (!found.ok) return found;
  const { items, cursor } = found.value;
  const file = new URLSearchParams(query);
  for (const name of ["limit", "cursor"]) file.delete(name);
  const older = new URLSearchParams(query);
  if (cursor !== null) older.set("cursor", cursor);
  return ok({
    title: "Audit",
    body: (
      <>
        <form class="inline" method="get" action="/audit">
          <label>
            Target
            <input name="target" value={query.get("target") ?? ""} placeholder="such as account/acme" />
          </label>
          <label>
            Actor
            <input name="actor" value={query.get("actor") ?? ""} />
          </label>
          <button type="submit">Show</button>
          <a class="button quiet" href={`/audit/export?${file.toString()}`} download>
            Export as NDJSON
          </a>
        </form>
        <Table
          label="Audit"
          caption="Newest first"
          heads={["When", "Who", "What", "To what", "Why", "Entry"]}
          empty="Nothing is in the audit for this."
          rows={items.map((entry) => [
            <When at={entry.at} />,
            <>
              {entry.actor} <span class="soft">({entry.role})</span>
            </>,
            entry.action,
            entry.target,
            entry.reason === null ? "" : <Words text={entry.reason} />,
            <details>
              <summary>{entry.seq}</summary>
              <pre>{JSON.stringify(entry.detail, null, 2)}</pre>
              <p class="soft">
                hash <code>{entry.hash}</code>
              </p>
            </details>,
          ])}
        />
        {cursor === null ? null : (
          <p>
            <a href={`/audit?${older.toString()}`}>Older entries</a>
          </p>
        )}
        <p class="soft">
          Each entry holds the hash of the one before it. Check the whole chain with{" "}
          <code>npm run -s firebreak -- audit list --verify</code>.
        </p>
      </>
    ),
  });
};
