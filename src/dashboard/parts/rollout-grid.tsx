/**
 * Waves × groups of a rollout: in each place, what each wave moves there, how far that is, and when it goes on, on the
 * clock of the people there and in UTC. Draws what it is given.
 */
import type { GridCell, GridRow, RolloutGrid } from "../../contracts/api/rollout-grid.ts";
import { Table } from "./table.tsx";
import { count, LocalSpan, WhenSpan } from "./words.tsx";

/** Rows that are shown at once; the rest is folded away. */
const SHOWN = 12;

export function Grid({ grid, wave }: { grid: RolloutGrid; wave: number | null }) {
  if (grid.rows.length === 0) return null;
  const rest = grid.rows.slice(SHOWN);
  return (
    <>
      <h2>Groups</h2>
      <Rows grid={grid} rows={grid.rows.slice(0, SHOWN)} wave={wave} label="Waves and groups" />
      {rest.length === 0 ? null : (
        <details>
          <summary>{count(rest.length)} smaller groups</summary>
          <Rows grid={grid} rows={rest} wave={wave} label="Smaller groups" />
        </details>
      )}
    </>
  );
}

function Rows(props: { grid: RolloutGrid; rows: readonly GridRow[]; wave: number | null; label: string }) {
  const { grid, rows, wave, label } = props;
  return (
    <Table
      label={label}
      caption="Moved of planned, for each wave; then the first and last move still ahead, there and in UTC"
      heads={["Group", ...grid.waves.map((name, at) => (at === wave ? `${name} (at hand)` : name))]}
      rows={rows.map((row) => [<Name row={row} />, ...row.waves.map((cell) => cellOf(cell))])}
    />
  );
}

function Name({ row: { zone, cell, ownWindow, cohorts, accounts, failed } }: { row: GridRow }) {
  return (
    <>
      <strong>{zone}</strong>
      {cell === null ? null : <> in {cell}</>}
      <br />
      <span class="soft small">
        {count(accounts)} of {cohorts.join(", ")}
        {ownWindow ? ", own window" : ""}
      </span>
      {failed === 0 ? null : (
        <>
          {" "}
          <span class="tag bad">{count(failed)} failed, stay</span>
        </>
      )}
    </>
  );
}

/** Empty where the wave moves nobody. */
function cellOf({ accounts, moved, held, back, first, last }: GridCell) {
  if (accounts === 0) return "";
  return (
    <>
      {count(moved)} of {count(accounts)} {moved === accounts ? <span class="tag good">moved</span> : null}
      {held === 0 ? null : <span class="tag warn">{count(held)} held, moving</span>}
      {back === 0 ? null : <span class="tag bad">{count(back)} went back</span>}
      {first === null ? null : (
        <span class="small">
          <br />
          <LocalSpan from={first.local} to={last?.local ?? first.local} />
          <br />
          <span class="soft">
            UTC <WhenSpan from={first.utc} to={last?.utc ?? first.utc} />
          </span>
        </span>
      )}
    </>
  );
}
