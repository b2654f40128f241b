/**
 * What a gate has seen of the last wave that moved somebody, as pictures drawn here: failures and latency of moved against
 * not moved accounts, how sure the difference is, and how many accounts are affected. Each picture is named and described
 * for those who do not see it, tells its curves apart by more than their colour, and has its numbers in a table. Pure.
 */
import type { Child } from "hono/jsx";
import type { GatePointView, RolloutGatesView } from "../../contracts/api/gates.ts";
import { percent } from "../layout.tsx";
import {
  affectedSeries,
  increaseSeries,
  latencySeries,
  rateSeries,
  shownPoints,
  tabledPoints,
  type Sample,
  type Series,
  type Span,
} from "./gate-series.ts";
import { Table } from "./table.tsx";
import { accountsOf, count, When, Words } from "./words.tsx";

/** Small, so that letters keep their size on a phone. */
const WIDTH = 400;
const HEIGHT = 190;
const LEFT = 64;
const RIGHT = 10;
const TOP = 12;
const BOTTOM = 26;
const PERCENT = 100;

type Watched = RolloutGatesView["waves"][number];

interface Frame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly from: number;
  readonly to: number;
}

/** Values beyond the axis are drawn at its end. */
function place({ fromMs, toMs, from, to }: Frame, atMs: number, value: number): string {
  const within = Math.min(Math.max(value, from), to);
  const x = LEFT + ((atMs - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT - RIGHT);
  const y = HEIGHT - BOTTOM - ((within - from) / (to - from)) * (HEIGHT - BOTTOM - TOP);
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}

/** Stretches without a gap. */
function stretches<T>(list: readonly T[], isGap: (one: T) => boolean): readonly (readonly T[])[] {
  const found: T[][] = [];
  let open: T[] | null = null;
  for (const one of list) {
    if (isGap(one)) {
      open = null;
      continue;
    }
    if (open === null) found.push((open = []));
    open.push(one);
  }
  return found;
}

function linesOf(frame: Frame, samples: readonly Sample[]): readonly string[] {
  return stretches(samples, ({ value }) => value === null).map((some) =>
    some.map(({ atMs, value }) => place(frame, atMs, value ?? 0)).join(" "),
  );
}

function areasOf(frame: Frame, band: readonly Span[]): readonly string[] {
  return stretches(band, ({ range }) => range === null).map((some) => {
    const upper = some.map(({ atMs, range }) => place(frame, atMs, range?.[1] ?? 0));
    const lower = some.map(({ atMs, range }) => place(frame, atMs, range?.[0] ?? 0));
    return [...upper, ...lower.toReversed()].join(" ");
  });
}

const shortTime = (ms: number): string => new Date(ms).toISOString().slice(5, 16).replace("T", " ");

interface PlotProps {
  readonly id: string;
  readonly title: string;
  /** The picture in words, with its newest numbers. */
  readonly description: string;
  readonly series: Series;
  /** A value of the axis as text. */
  readonly mark: (value: number) => string;
  readonly points: readonly GatePointView[];
}

function Plot({ id, title, description, series, mark, points }: PlotProps) {
  const fromMs = Date.parse(points[0]?.at ?? "");
  const toMs = Date.parse(points.at(-1)?.at ?? "");
  const { from, to, level } = series;
  const frame = { fromMs, toMs, from, to };
  const across = (value: number): string => `M${place(frame, fromMs, value)} L${place(frame, toMs, value)}`;
  const heightOf = (value: number): number => Number(place(frame, fromMs, value).split(",")[1]) + 4;
  const marks = [...new Set([from < 0 ? 0 : from, level ?? to, to])];
  return (
    <figure class="card">
      <svg
        class="plot small"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-words`}
      >
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-words`}>{description}</desc>
        {areasOf(frame, series.band).map((area) => (
          <polygon class="band" points={area} />
        ))}
        <path class="axis" d={across(from < 0 ? 0 : from)} />
        <path class="axis" d={across(to)} />
        {level === null ? null : <path class="level" d={across(level)} />}
        {marks.map((value) => (
          <text x={LEFT - 6} y={heightOf(value)} text-anchor="end">
            {mark(value)}
          </text>
        ))}
        <text x={LEFT} y={HEIGHT - 7}>
          {shortTime(fromMs)}
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 7} text-anchor="end">
          {shortTime(toMs)}
        </text>
        {series.curves.flatMap(({ tone, samples }) =>
          linesOf(frame, samples).map((line) => <polyline class={tone} points={line} />),
        )}
      </svg>
      <figcaption>
        <strong>{title}.</strong> {description}
      </figcaption>
    </figure>
  );
}

const share = (value: number): string => `${Number(value.toFixed(2))} %`;
const signed = (value: number): string => `${value > 0 ? "+" : ""}${Number(value.toFixed(2))}`;
const milliseconds = (value: number | null): string =>
  value === null ? "unknown" : `${Math.round(value)} ms`;

function rateWords({ moved, notMoved }: GatePointView): string {
  const of = (side: { readonly requests: number; readonly rate: number }): string =>
    side.requests === 0 ? "no requests yet" : `${share(side.rate * PERCENT)} of ${count(side.requests)}`;
  return `Solid: moved accounts, ${of(moved)}. Dashed: not moved ones, ${of(notMoved)}.`;
}

function increaseWords({ increase }: GatePointView, tolerated: number): string {
  const dotted = `Dotted: what is tolerated, ${signed(tolerated * PERCENT)}.`;
  if (increase === null) return `Not known yet. ${dotted}`;
  const [lower, upper] = [increase.lower * PERCENT, increase.upper * PERCENT];
  return `Solid: ${signed(increase.estimate * PERCENT)} points; shaded: ${signed(lower)} to ${signed(upper)}, by bounds that may be read at any time. ${dotted}`;
}

function Plots({ id, watched, points }: { id: string; watched: Watched; points: readonly GatePointView[] }) {
  const [newest] = points.slice(-1);
  if (newest === undefined) return null;
  const tolerated = watched.verdict?.tolerated ?? 0;
  const { moved, notMoved } = newest.p95Ms;
  return (
    <div class="plots">
      <Plot
        points={points}
        id={`${id}-rate`}
        title="Requests that failed"
        description={rateWords(newest)}
        series={rateSeries(points)}
        mark={share}
      />
      <Plot
        points={points}
        id={`${id}-more`}
        title="How many points more fail since the move"
        description={increaseWords(newest, tolerated)}
        series={increaseSeries(points, tolerated)}
        mark={signed}
      />
      <Plot
        points={points}
        id={`${id}-p95`}
        title="Time to answer, 95 of 100"
        description={`Solid: moved accounts, ${milliseconds(moved)}. Dashed: not moved ones, ${milliseconds(notMoved)}.`}
        series={latencySeries(points)}
        mark={(value) => `${Math.round(value)} ms`}
      />
      <Plot
        points={points}
        id={`${id}-accounts`}
        title="Affected accounts"
        description={`Solid: ${accountsOf(newest.accountsMoved)} on the target. Dashed: ${count(newest.moved.accounts)} of this wave have asked since.`}
        series={affectedSeries(points)}
        mark={(value) => count(Math.round(value))}
      />
    </div>
  );
}

const HEADS = [
  "At",
  "#Moved fail",
  "#Others fail",
  "#More, points",
  "#p95 moved",
  "#p95 others",
  "#Affected",
  "Verdict",
] as const;

function row({
  at,
  verdict,
  moved,
  notMoved,
  increase,
  p95Ms,
  accountsMoved,
}: GatePointView): readonly Child[] {
  const fails = (side: { readonly requests: number; readonly rate: number }): string =>
    side.requests === 0 ? "" : `${percent(side.rate)} of ${count(side.requests)}`;
  const more =
    increase === null
      ? ""
      : `${signed(increase.estimate * PERCENT)} (${signed(increase.lower * PERCENT)} to ${signed(increase.upper * PERCENT)})`;
  const ms = (value: number | null): string => (value === null ? "" : milliseconds(value));
  return [
    <When at={at} />,
    fails(moved),
    fails(notMoved),
    more,
    ms(p95Ms.moved),
    ms(p95Ms.notMoved),
    count(accountsMoved),
    verdict,
  ];
}

function Numbers({ watched, name }: { watched: Watched; name: string }) {
  const rows = tabledPoints(watched.points);
  const caption =
    rows.length < watched.points.length
      ? `${rows.length} of ${count(watched.points.length)} looks`
      : "Every look";
  return (
    <details>
      <summary>The numbers of {name} as a table</summary>
      <Table label={`Numbers of ${name}`} caption={caption} heads={HEADS} rows={rows.map(row)} />
    </details>
  );
}

/** The last wave of each product that was looked at; earlier ones have said their word. */
function newestOf(waves: readonly Watched[]): readonly Watched[] {
  const last = Math.max(...waves.map(({ wave }) => wave));
  return waves.filter(({ wave }) => wave === last);
}

/** Nothing before the first look. */
export function GatePlots({ gates }: { gates: RolloutGatesView }) {
  const watched = newestOf(gates.waves);
  if (watched.length === 0) return null;
  return (
    <>
      <h2>What the gate sees</h2>
      {watched.map((one) => {
        const name = `${one.product}, wave ${one.name}`;
        const points = shownPoints(one.points);
        return (
          <section aria-label={name}>
            <h3>
              {name}
              {one.verdict === null ? null : `: ${one.verdict.verdict}`}
            </h3>
            {one.verdict === null ? null : (
              <p>
                <Words text={one.verdict.sentence} />
              </p>
            )}
            {points.length < 2 ? (
              <p class="soft">Pictures come with the second look.</p>
            ) : (
              <>
                <Plots id={`gate-${one.product}`} watched={one} points={points} />
                <Numbers watched={one} name={name} />
              </>
            )}
          </section>
        );
      })}
    </>
  );
}
