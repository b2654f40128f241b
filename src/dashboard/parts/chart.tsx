/** The frame of a plot that is drawn here: the ends of both axes as text, and what is in it as words for who cannot see it. */
import type { Child } from "hono/jsx";
import { count, When } from "./words.tsx";

interface Props {
  /** Size of the drawing in its own units; it is stretched to the room there is. */
  readonly width: number;
  readonly height: number;
  /** Accounts at the top; none at the bottom. */
  readonly most: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly words: string;
  readonly children: Child;
}

export function Chart({ width, height, most, fromMs, toMs, words, children }: Props) {
  return (
    <div class="chart">
      <span class="ends">
        <span>{count(most)}</span>
        <span>0</span>
      </span>
      <svg
        class="plot"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
      >
        {children}
      </svg>
      <span class="times">
        <When at={new Date(fromMs).toISOString()} />
        <When at={new Date(toMs).toISOString()} />
      </span>
    </div>
  );
}
