/** Moves that are still to come, hour by hour, as bars drawn here, with the busiest hours as a table. Pure. */
import type { RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import { Chart } from "./chart.tsx";
import { Table } from "./table.tsx";
import { accountsOf, count, When } from "./words.tsx";

type Hours = RolloutGrid["hours"];

const HOUR_MS = 60 * 60_000;
const HEIGHT = 100;
const BUSIEST = 12;
/** Fewer hours leave the rest of the picture empty: a bar is not to look like a wall. */
const LEAST_HOURS = 12;

/** Several rollouts on one clock. */
export function addHours(lists: readonly Hours[]): Hours {
  const sums = new Map<string, number>();
  for (const { from, accounts } of lists.flat()) sums.set(from, (sums.get(from) ?? 0) + accounts);
  return [...sums]
    .toSorted(([a], [b]) => Date.parse(a) - Date.parse(b))
    .map(([from, accounts]) => ({ from, accounts }));
}

export function HoursPlot({ hours }: { hours: Hours }) {
  const [first, last] = [hours[0], hours.at(-1)];
  if (first === undefined || last === undefined) return null;
  const fromMs = Date.parse(first.from);
  const span = Math.max(LEAST_HOURS, (Date.parse(last.from) - fromMs) / HOUR_MS + 1);
  const most = Math.max(...hours.map(({ accounts }) => accounts));
  const all = hours.reduce((sum, { accounts }) => sum + accounts, 0);
  const words = `${accountsOf(all)} move in ${hours.length === 1 ? "one hour" : `${count(hours.length)} hours`}, at most ${count(most)} in one`;
  return (
    <figure>
      <Chart
        width={span}
        height={HEIGHT}
        most={most}
        fromMs={fromMs}
        toMs={fromMs + span * HOUR_MS}
        words={words}
      >
        <line class="axis" x1={0} y1={HEIGHT} x2={span} y2={HEIGHT} />
        {hours.map(({ from, accounts }) => {
          const height = (accounts / most) * HEIGHT;
          const x = (Date.parse(from) - fromMs) / HOUR_MS;
          return <rect class="bars" x={x} y={HEIGHT - height} width={0.9} height={height} />;
        })}
      </Chart>
      <figcaption>{words}, if all goes as planned.</figcaption>
      <details>
        <summary>The busiest hours</summary>
        <Table
          label="Busiest hours"
          compact
          heads={["Hour from", "#Accounts"]}
          rows={hours
            .toSorted((a, b) => b.accounts - a.accounts)
            .slice(0, BUSIEST)
            .map(({ from, accounts }) => [<When at={from} />, count(accounts)])}
        />
      </details>
    </figure>
  );
}
