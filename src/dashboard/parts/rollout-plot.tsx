/**
 * The line of accounts moved over time, with the plan behind it, as SVG drawn here. The points are what the API says of
 * each wave: when its first account moved and when its last one had. Between them the line is straight, which is not
 * what happened tick by tick. Pure.
 */
import type { PlannedWaveAnswer } from "../../contracts/api/rollout-plan.ts";
import type { RolloutView } from "../../contracts/api/rollouts.ts";
import { Chart } from "./chart.tsx";
import { accountsOf, count, When } from "./words.tsx";

/** Accounts moved at an instant. */
export interface Point {
  readonly atMs: number;
  readonly accounts: number;
}

type Seen = Pick<RolloutView, "startedAt" | "clock" | "waves" | "rollback" | "moved">;

interface Planned {
  readonly at: string;
  readonly waves: readonly Pick<PlannedWaveAnswer, "accounts" | "startAt" | "shiftedAt">[];
}

/** Stretched to the page; a little room so that lines at the ends are seen whole. */
const WIDTH = 1000;
const HEIGHT = 200;
const ROOM = 4;

/** What has happened, up to the rollout's clock; empty before its start. */
export function movedPoints({ startedAt, clock, waves, rollback, moved }: Seen): readonly Point[] {
  if (startedAt === null) return [];
  const points: Point[] = [{ atMs: Date.parse(startedAt), accounts: 0 }];
  let before = 0;
  for (const wave of waves) {
    if (wave.firstMoveAt === null) continue;
    points.push({ atMs: Date.parse(wave.firstMoveAt), accounts: before });
    // A wave that was taken back counts nobody any more, though everybody of it had moved.
    before += rollback !== null && wave.shiftedAt !== null ? wave.accounts : wave.moved;
    if (wave.shiftedAt !== null) points.push({ atMs: Date.parse(wave.shiftedAt), accounts: before });
  }
  if (rollback !== null) points.push({ atMs: Date.parse(rollback.at), accounts: before });
  points.push({ atMs: Date.parse(clock), accounts: moved });
  return points;
}

/** What the plan says, up to the first wave that would never end. */
export function plannedPoints(plan: Planned): readonly Point[] {
  const points: Point[] = [{ atMs: Date.parse(plan.at), accounts: 0 }];
  let before = 0;
  for (const wave of plan.waves) {
    points.push({ atMs: Date.parse(wave.startAt), accounts: before });
    if (wave.shiftedAt === null) break;
    before += wave.accounts;
    points.push({ atMs: Date.parse(wave.shiftedAt), accounts: before });
  }
  return points;
}

interface Frame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly most: number;
}

function place({ fromMs, toMs, most }: Frame, { atMs, accounts }: Point): readonly [number, number] {
  const x = ((atMs - fromMs) / (toMs - fromMs)) * WIDTH;
  const y = HEIGHT - ROOM - (accounts / most) * (HEIGHT - 2 * ROOM);
  return [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
}

function lineOf(frame: Frame, points: readonly Point[]): string {
  return points.map((point) => place(frame, point).join(",")).join(" ");
}

interface Props {
  readonly moved: readonly Point[];
  readonly planned: readonly Point[];
  /** Accounts of the rollout as a whole. */
  readonly accounts: number;
}

/** Nothing where there is no stretch of time to draw. */
export function RolloutPlot({ moved, planned, accounts }: Props) {
  const all = [...moved, ...planned];
  const fromMs = Math.min(...all.map(({ atMs }) => atMs));
  const toMs = Math.max(...all.map(({ atMs }) => atMs));
  if (all.length === 0 || toMs <= fromMs) return null;
  const most = Math.max(1, accounts, ...all.map((point) => point.accounts));
  const frame = { fromMs, toMs, most };
  const now = moved.at(-1);
  const words = `${accountsOf(now?.accounts ?? 0)} of ${count(accounts)} moved`;
  return (
    <figure>
      <Chart width={WIDTH} height={HEIGHT} most={most} fromMs={fromMs} toMs={toMs} words={words}>
        <line class="axis" x1={0} y1={HEIGHT - ROOM} x2={WIDTH} y2={HEIGHT - ROOM} />
        <line class="axis" x1={0} y1={ROOM} x2={WIDTH} y2={ROOM} />
        <polyline class="plan" points={lineOf(frame, planned)} />
        <polyline class="moved" points={lineOf(frame, moved)} />
      </Chart>
      <figcaption>
        {now === undefined ? null : (
          <>
            Solid: {words} by <When at={new Date(now.atMs).toISOString()} />.{" "}
          </>
        )}
        {planned.length === 0 ? null : `Dashed: the plan, ${accountsOf(planned.at(-1)?.accounts ?? 0)}.`}
      </figcaption>
    </figure>
  );
}
