/**
 * What is ahead on the calendar: moves of running rollouts hour by hour, and whom they and the drafts do not reach by a
 * date that is asked about. Asks the API; the forecast is the engine's own.
 */
import { RolloutGridSchema, type RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import { RolloutListSchema } from "../../contracts/api/rollout-plan.ts";
import { path, type Api, type Problem } from "../api.ts";
import { ProblemNote } from "../layout.tsx";
import { addHours, HoursPlot } from "./hours-plot.tsx";
import { hasEnded } from "./phase.tsx";
import { Table } from "./table.tsx";
import { count } from "./words.tsx";

export interface AheadOf {
  readonly id: string;
  readonly isDraft: boolean;
  readonly grid: RolloutGrid | null;
  readonly problem: Problem | null;
}

/** @param before `2026-12-24`, or an instant; empty: nothing is asked about, and drafts are left out. */
export async function askAhead(api: Api, before: string): Promise<readonly AheadOf[]> {
  const found = await api.ask(RolloutListSchema, { path: "/rollouts" });
  const open = found.ok ? found.value.items.filter(({ phase }) => !hasEnded(phase)) : [];
  const asked = open.filter(({ phase }) => before !== "" || phase !== "draft");
  const query = before === "" ? "" : `?before=${encodeURIComponent(toInstant(before))}`;
  return Promise.all(
    asked.map(async ({ id, phase }) => {
      const grid = await api.ask(RolloutGridSchema, { path: path`/rollouts/${id}/grid` + query });
      const isDraft = phase === "draft";
      return grid.ok
        ? { id, isDraft, grid: grid.value, problem: null }
        : { id, isDraft, grid: null, problem: grid.error };
    }),
  );
}

/** The beginning of a day in UTC; anything else as it was written, for the API to judge. */
function toInstant(before: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(before) ? `${before}T00:00:00Z` : before;
}

export function Ahead({ ahead }: { ahead: readonly AheadOf[] }) {
  const running = ahead.filter(({ isDraft }) => !isDraft);
  const hours = addHours(running.map(({ grid }) => grid?.hours ?? []));
  if (hours.length === 0) return <p class="soft">No running rollout has a move ahead.</p>;
  return <HoursPlot hours={hours} />;
}

export function NotReached({ before, ahead }: { before: string; ahead: readonly AheadOf[] }) {
  const problem = before === "" ? undefined : ahead.find((one) => one.problem !== null)?.problem;
  return (
    <>
      <form class="inline" method="get" action="/calendar">
        <label>
          Before (begin of the day, UTC)
          <input name="before" type="date" value={before.slice(0, 10)} required />
        </label>
        <button type="submit">Who is left?</button>
      </form>
      {problem === undefined || problem === null ? null : <ProblemNote detail={problem.detail} />}
      {before === "" || problem != null ? null : (
        <Table
          label="Not reached"
          heads={["Rollout", "#Not moved by then", "Zones"]}
          empty="No rollout is running, and there is no draft."
          rows={ahead.map(({ id, isDraft, grid }) => [
            <>
              <a href={path`/rollouts/${id}`}>{id}</a>{" "}
              {isDraft ? <span class="soft">(draft, if it were started now)</span> : null}
            </>,
            grid?.notReached == null ? "" : count(grid.notReached.accounts),
            grid?.notReached?.zones.join(", ") ?? "",
          ])}
        />
      )}
    </>
  );
}
