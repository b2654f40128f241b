/**
 * Calendar: when accounts may be moved, when nothing may, how many move in which hour, and who cannot be reached by a date.
 * Written with the command line or from git; read here.
 */
import {
  StoredFreezeListSchema,
  StoredWindowListSchema,
  type StoredFreeze,
  type StoredWindow,
} from "../../contracts/api/calendar.ts";
import { ok } from "../../contracts/result.ts";
import { Ahead, askAhead, NotReached } from "../parts/calendar-ahead.tsx";
import { Local, When } from "../parts/words.tsx";
import type { DrawPage } from "../visit.ts";

export const drawCalendar: DrawPage = async ({ api, url }) => {
  const before = url.searchParams.get("before") ?? "";
  const [windows, freezes, ahead] = await Promise.all([
    api.ask(StoredWindowListSchema, { path: "/windows" }),
    api.ask(StoredFreezeListSchema, { path: "/freezes" }),
    askAhead(api, before),
  ]);
  if (!windows.ok) return windows;
  if (!freezes.ok) return freezes;
  return ok({
    title: "Calendar",
    // Whom a draft reaches is worked out over every account: once when it is asked, not every few seconds.
    live: before === "",
    body: (
      <>
        <h2>Moves by the hour</h2>
        <Ahead ahead={ahead} />
        <h2>Who cannot be reached by a date</h2>
        <NotReached before={before} ahead={ahead} />
        <h2>Freezes</h2>
        {freezes.value.items.length === 0 ? <p class="soft">Nothing is frozen, now or later.</p> : null}
        <div class="cards">
          {freezes.value.items.map((freeze) => (
            <FreezeCard freeze={freeze} />
          ))}
        </div>
        <h2>Windows</h2>
        {windows.value.items.length === 0 ? (
          <p class="soft">No window has a name yet; rollouts without one may move accounts at any time.</p>
        ) : null}
        <div class="cards">
          {windows.value.items.map((window) => (
            <WindowCard window={window} />
          ))}
        </div>
      </>
    ),
  });
};

function FreezeCard({ freeze }: { freeze: StoredFreeze }) {
  const { span } = freeze;
  return (
    <section class="card">
      <h3>
        {freeze.name}{" "}
        <span class={`tag ${span?.state === "in-force" ? "warn" : "soft"}`}>
          {span?.state ?? "zone not known"}
        </span>
      </h3>
      <p>{freeze.reason}</p>
      <dl class="facts">
        <dt>From</dt>
        <dd>
          {freeze.from} ({freeze.zone}){span === null ? "" : ", in UTC "}
          <When at={span?.start.utc ?? null} />
        </dd>
        <dt>To</dt>
        <dd>
          {freeze.to}
          {span === null ? "" : ", in UTC "}
          <When at={span?.end.utc ?? null} />
        </dd>
        <dt>By</dt>
        <dd>{freeze.by}</dd>
      </dl>
    </section>
  );
}

function WindowCard({ window }: { window: StoredWindow }) {
  return (
    <section class="card">
      <h3>{window.name}</h3>
      <ul>
        {window.windows.map(({ days, from, to, zone }) => (
          <li>
            {days === undefined ? "every day" : days.join(", ")} {from} to {to},{" "}
            {zone === "account" ? "each account's own zone" : zone}
          </li>
        ))}
      </ul>
      <p class="soft">Next openings</p>
      <ul>
        {window.next.map(({ start, end }) => (
          <li>
            <Local at={start.local} /> to <Local at={end.local} />{" "}
            <span class="soft">
              (from <When at={start.utc} /> UTC)
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
