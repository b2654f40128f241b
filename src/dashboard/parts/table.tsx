/**
 * Every table of the dashboard: scrolls in its own frame (which the keyboard can reach), and on a phone each row becomes
 * a card whose cells carry the names of their columns. No rows: a sentence in place of an empty grid.
 */
import type { Child } from "hono/jsx";

interface Props {
  /** What the table holds; read out when its frame is reached. */
  readonly label: string;
  readonly caption?: Child;
  /** Names of the columns; one that begins with `#` holds numbers. */
  readonly heads: readonly string[];
  readonly rows: readonly (readonly Child[])[];
  /** Index of the row that is at hand. */
  readonly current?: number | null;
  /** Few and short columns: stays a table on a phone. */
  readonly compact?: boolean;
  /** Said when there are no rows. */
  readonly empty?: string;
}

export function Table({
  label,
  caption,
  heads,
  rows,
  current = null,
  compact = false,
  empty = "None.",
}: Props) {
  if (rows.length === 0) return <p class="soft">{empty}</p>;
  const columns = heads.map((head) => ({
    name: head.replace(/^#/, ""),
    tone: head.startsWith("#") ? "number" : undefined,
  }));
  return (
    <div class={compact ? "wide compact" : "wide"} tabindex={0} role="region" aria-label={label}>
      <table>
        {caption === undefined ? null : <caption>{caption}</caption>}
        <thead>
          <tr>
            {columns.map(({ name, tone }) => (
              <th scope="col" class={tone}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr aria-current={row === current ? "step" : undefined}>
              {cells.map((cell, at) => (
                <td
                  class={columns[at]?.tone}
                  data-label={columns[at]?.name}
                  data-void={cell === "" ? "yes" : undefined}
                >
                  <div>{cell}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
