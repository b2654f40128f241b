/**
 * What the pictures of a gate are drawn from: curves over time out of the points that the API keeps of a wave, thinned so
 * that two weeks fit into a page, with gaps where nothing was known. Decides what of the numbers is shown and how far an
 * axis goes; draws nothing. Pure. Called by gate-plots.tsx.
 */
import type { GatePointView } from "../../contracts/api/gates.ts";

/** Points of a curve; more would not be seen. */
const MAX_POINTS = 240;
const MAX_ROWS = 24;
const PERCENT = 100;
/** Ends of an axis, times a power of ten: an axis ends at the first of them that has room. */
const ENDS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
const HEADROOM = 1.05;
/** Rates are shown to one percent at least, so that a single failure does not look like a disaster. */
const LEAST_PERCENT = 1;
const LEAST_MS = 100;

/** A value at a time; null is a gap. */
export interface Sample {
  readonly atMs: number;
  readonly value: number | null;
}

/** Where a value lies for sure, at a time; null is a gap. */
export interface Span {
  readonly atMs: number;
  readonly range: readonly [lower: number, upper: number] | null;
}

export interface Curve {
  readonly tone: "moved" | "other";
  readonly samples: readonly Sample[];
}

/** One picture: its curves, what lies behind them, and the ends of its axis. */
export interface Series {
  readonly curves: readonly Curve[];
  readonly band: readonly Span[];
  /** A level that matters, such as what is tolerated; null: none. */
  readonly level: number | null;
  readonly from: number;
  readonly to: number;
}

/** At most `most` of a list, evenly, the first and the last among them. */
export function thin<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  const step = (list.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => list[Math.round(index * step)]).filter(
    (one): one is T => one !== undefined,
  );
}

/** The points that a picture shows, and those that the table beside it does. */
export const shownPoints = (points: readonly GatePointView[]): readonly GatePointView[] =>
  thin(points, MAX_POINTS);
export const tabledPoints = (points: readonly GatePointView[]): readonly GatePointView[] =>
  thin(points, MAX_ROWS);

type Pick = (point: GatePointView) => number | null;

function curve(tone: Curve["tone"], points: readonly GatePointView[], pick: Pick): Curve {
  return { tone, samples: points.map((point) => ({ atMs: Date.parse(point.at), value: pick(point) })) };
}

/** A round number above a value, with a little room. Worked examples: 2.36 → 2.5; 199 → 250; 0 → 0. */
export function endAbove(value: number): number {
  if (value <= 0) return 0;
  const wanted = value * HEADROOM;
  const power = 10 ** Math.floor(Math.log10(wanted));
  return (ENDS.find((end) => end * power >= wanted) ?? 10) * power;
}

function highest(curves: readonly Curve[]): number {
  return Math.max(0, ...curves.flatMap(({ samples }) => samples.map(({ value }) => value ?? 0)));
}

/** Nothing was asked of a side: no rate, which is not a rate of zero. */
const rateOf = ({ requests, rate }: { readonly requests: number; readonly rate: number }): number | null =>
  requests === 0 ? null : rate * PERCENT;

/** Failures in percent of the requests of each side. */
export function rateSeries(points: readonly GatePointView[]): Series {
  const curves = [
    curve("other", points, ({ notMoved }) => rateOf(notMoved)),
    curve("moved", points, ({ moved }) => rateOf(moved)),
  ];
  return { curves, band: [], level: null, from: 0, to: Math.max(LEAST_PERCENT, endAbove(highest(curves))) };
}

/**
 * How many points of a percent more the moved accounts fail, with the bounds that hold at all times at once. The axis
 * follows the estimates and the newest bounds: those of the first minutes are so wide that nothing else would be seen.
 *
 * @param tolerated share.
 */
export function increaseSeries(points: readonly GatePointView[], tolerated: number): Series {
  const estimates = curve("moved", points, ({ increase }) =>
    increase === null ? null : increase.estimate * PERCENT,
  );
  const band = points.map(({ at, increase }): Span => ({
    atMs: Date.parse(at),
    range: increase === null ? null : [increase.lower * PERCENT, increase.upper * PERCENT],
  }));
  const level = tolerated * PERCENT;
  const seen = estimates.samples.flatMap(({ value }) => value ?? []);
  const newest = band.findLast(({ range }) => range !== null)?.range ?? [0, 0];
  return {
    curves: [estimates],
    band,
    level,
    from: -endAbove(-Math.min(-level, ...seen, newest[0])),
    to: endAbove(Math.max(level, ...seen, newest[1])),
  };
}

/** The 95th percentile of the time to answer, in milliseconds. */
export function latencySeries(points: readonly GatePointView[]): Series {
  const curves = [
    curve("other", points, ({ p95Ms }) => p95Ms.notMoved),
    curve("moved", points, ({ p95Ms }) => p95Ms.moved),
  ];
  return { curves, band: [], level: null, from: 0, to: Math.max(LEAST_MS, endAbove(highest(curves))) };
}

/** Accounts on the target, and those of them that have asked for something. */
export function affectedSeries(points: readonly GatePointView[]): Series {
  const curves = [
    curve("other", points, ({ moved }) => moved.accounts),
    curve("moved", points, ({ accountsMoved }) => accountsMoved),
  ];
  return { curves, band: [], level: null, from: 0, to: Math.max(1, Math.ceil(endAbove(highest(curves)))) };
}
