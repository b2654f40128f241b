/**
 * How costs grow from 1,000 to 1,000,000 accounts, as one SVG: a panel for each cost, accounts to the right on a scale of
 * powers of ten, cost upwards from nothing. Pure text, no library, readable on light and dark ground. Called by `bench.ts`.
 */
import type { Growth } from "./row.ts";

const WIDTH = 300;
const HEIGHT = 180;
const COLUMNS = 3;
const [LEFT, RIGHT, TOP, BOTTOM] = [16, 16, 40, 26];

/** Draws all panels; an empty picture without any. */
export function drawGrowth(growth: readonly Growth[]): string {
  const rows = Math.ceil(growth.length / COLUMNS);
  const [width, height] = [COLUMNS * WIDTH, rows * HEIGHT];
  const panels = growth.map((each, index) => {
    const [x, y] = [(index % COLUMNS) * WIDTH, Math.floor(index / COLUMNS) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${drawPanel(each)}</g>`;
  });
  const style = `text{font:11px system-ui,sans-serif;fill:#555}.title{font-weight:600}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>Costs over the number of accounts</title><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>
${panels.join("\n")}
</svg>
`;
}

function drawPanel({ what, points }: Growth): string {
  const most = Math.max(...points.map(([, cost]) => cost));
  const powers = points.map(([accounts]) => Math.log10(accounts));
  const [first, last] = [Math.min(...powers), Math.max(...powers)];
  const placed = points.map(([accounts, cost]) => ({
    x: LEFT + ((Math.log10(accounts) - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT - 30) + 15,
    y: HEIGHT - BOTTOM - (cost / (most || 1)) * (HEIGHT - TOP - BOTTOM - 14),
    accounts: accounts.toLocaleString("en-US"),
    cost: cost >= 100 ? cost.toFixed(0) : cost.toPrecision(3),
  }));
  const line = placed.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const marks = placed.map(
    ({ x, y, accounts, cost }) =>
      `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="#06c"/>` +
      `<text x="${x.toFixed(1)}" y="${(y - 8).toFixed(1)}" text-anchor="middle">${cost}</text>` +
      `<text x="${x.toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${accounts}</text>`,
  );
  const base = `<path d="M${LEFT} ${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" stroke="#bbb"/>`;
  return `<text class="title" x="${LEFT}" y="16">${escape(what)}</text>${base}<polyline points="${line}" fill="none" stroke="#06c" stroke-width="1.5"/>${marks.join("")}`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
