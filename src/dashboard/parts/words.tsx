/**
 * How times and numbers read: minutes of UTC with the full instant behind them, thousands apart, and sentences of the
 * API with the times in them made readable. Draws what it is given.
 */
import type { Child } from "hono/jsx";

const INSTANT = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?Z/g;

/** 12345 → "12,345". */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** "1 account", "12,345 accounts". */
export function accountsOf(number: number): string {
  return `${count(number)} ${number === 1 ? "account" : "accounts"}`;
}

/** An instant as `2026-11-23 22:31`, UTC as the foot of every page says; `otherwise` where there is none. */
export function When({ at, otherwise = "" }: { at: string | null; otherwise?: string }) {
  if (at === null) return <>{otherwise}</>;
  return (
    <time datetime={at} title={`${at} (UTC)`}>
      {at.slice(0, 10)} {at.slice(11, 16)}
    </time>
  );
}

/** A wall clock of a zone with its offset: `2026-11-27T20:00:00-05:00` as `2026-11-27 20:00 (-05:00)`. */
export function Local({ at }: { at: string }) {
  const offset = /(?:Z|[+-]\d{2}:\d{2})$/.exec(at)?.[0] ?? "";
  return (
    <time datetime={at}>
      {at.slice(0, 10)} {at.slice(11, 16)}
      {offset === "" ? "" : ` (${offset})`}
    </time>
  );
}

/** Two instants, the day said once where it is the same. */
export function WhenSpan({ from, to }: { from: string; to: string }) {
  return (
    <>
      <When at={from} />
      {to === from ? null : (
        <>
          {" to "}
          {to.slice(0, 10) === from.slice(0, 10) ? (
            <time datetime={to}>{to.slice(11, 16)}</time>
          ) : (
            <When at={to} />
          )}
        </>
      )}
    </>
  );
}

/** Two wall clocks of a zone, the day and the offset said once where they are the same. */
export function LocalSpan({ from, to }: { from: string; to: string }) {
  const [start, end] = [from, to].map((at) => at.slice(-6));
  const isPlain = from !== to && start === end && from.slice(0, 10) === to.slice(0, 10);
  if (isPlain)
    return (
      <>
        <time datetime={from}>
          {from.slice(0, 10)} {from.slice(11, 16)}
        </time>
        {" to "}
        <time datetime={to}>{to.slice(11, 16)}</time> ({end})
      </>
    );
  return (
    <>
      <Local at={from} />
      {from === to ? null : (
        <>
          {" to "}
          <Local at={to} />
        </>
      )}
    </>
  );
}

/** A sentence from elsewhere, as text, with its instants as times. */
export function Words({ text }: { text: string }) {
  const parts: Child[] = [];
  let from = 0;
  for (const found of text.matchAll(INSTANT)) {
    parts.push(text.slice(from, found.index), <When at={found[0]} />);
    from = found.index + found[0].length;
  }
  parts.push(text.slice(from));
  return <>{parts}</>;
}
