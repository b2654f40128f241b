/**
 * The one style sheet of the dashboard: light and dark from the reader's own setting, one column on a phone, colours of at
 * least 4.5 : 1 on their ground (WCAG 2.2 AA), focus always visible. Text only; served by `assets.ts`.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f5f6f8; --line: #d5d9e0; --ink: #1b1f27; --soft: #545c6b;
  --accent: #0b57c2; --accent-ink: #ffffff; --good: #136c3a; --warn: #8a5300; --bad: #b3261e;
  --good-ground: #e5f4ea; --warn-ground: #fdf1dc; --bad-ground: #fdeceb; --plan: #9aa3b2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151b; --raised: #1b2029; --line: #353c49; --ink: #e8ebf0; --soft: #a9b1be;
    --accent: #8ab8ff; --accent-ink: #0c1420; --good: #74d39a; --warn: #f2bf6b; --bad: #ff9d94;
    --good-ground: #14301f; --warn-ground: #35270d; --bad-ground: #3d1815; --plan: #6a7383;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--ground); padding: 8px; z-index: 2; }
header.top { border-bottom: 1px solid var(--line); background: var(--raised); }
.bar { max-width: 1200px; margin: 0 auto; padding: 8px 16px; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; }
.bar .brand { font-weight: 700; text-decoration: none; color: var(--ink); }
nav.main { display: flex; flex-wrap: wrap; gap: 0 4px; }
nav.main a { padding: 6px 8px; text-decoration: none; border-radius: 6px; }
nav.main a[aria-current="page"] { background: var(--accent); color: var(--accent-ink); }
.bar form { margin-left: auto; }
.state { font-size: 14px; color: var(--soft); }
.state strong { color: var(--ink); }
main { max-width: 1200px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.5rem; margin: 8px 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 28px 0 8px; }
h3 { font-size: 1rem; margin: 16px 0 4px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 16px; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; background: var(--raised); min-width: 0; }
.card h2, .card h3 { margin-top: 0; }
form.inline { margin-bottom: 16px; }
.card .wide { margin-top: 8px; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
caption { text-align: left; padding: 8px 12px; font-weight: 600; }
th, td { text-align: left; padding: 6px 12px; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.note { border-left: 4px solid var(--line); background: var(--raised); padding: 8px 12px; margin: 8px 0; }
.note.good { border-color: var(--good); background: var(--good-ground); }
.note.warn { border-color: var(--warn); background: var(--warn-ground); }
.note.bad { border-color: var(--bad); background: var(--bad-ground); }
.tag { display: inline-block; border: 1px solid currentColor; border-radius: 999px; padding: 0 8px; font-size: 13px; white-space: nowrap; }
.tag.good { color: var(--good); } .tag.warn { color: var(--warn); } .tag.bad { color: var(--bad); } .tag.soft { color: var(--soft); }
.soft { color: var(--soft); }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; margin: 4px 0; }
form.inline { display: inline-flex; flex-wrap: wrap; gap: 8px; align-items: end; }
form.stack { display: grid; gap: 8px; max-width: 36rem; }
label { display: grid; gap: 2px; font-size: 14px; color: var(--soft); }
input, select, textarea { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--soft); border-radius: 6px; padding: 6px 8px; max-width: 100%; }
input[type="checkbox"] { justify-self: start; width: 20px; height: 20px; }
button { font: inherit; font-weight: 600; border: 1px solid var(--accent); background: var(--accent); color: var(--accent-ink); border-radius: 6px; padding: 6px 14px; cursor: pointer; min-height: 36px; }
button.quiet { background: transparent; color: var(--accent); }
button.danger { background: var(--bad); border-color: var(--bad); color: var(--ground); }
details > summary { cursor: pointer; padding: 6px 0; }
progress { width: 100%; height: 12px; accent-color: var(--accent); }
figure { margin: 8px 0; } figcaption { font-size: 14px; color: var(--soft); }
svg.plot { width: 100%; height: auto; display: block; }
svg.plot { max-width: 900px; }
svg.plot text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg.plot .axis { stroke: var(--line); } svg.plot .moved { stroke: var(--accent); fill: none; stroke-width: 2; }
svg.plot .plan { stroke: var(--plan); fill: none; stroke-width: 2; stroke-dasharray: 6 4; }
svg.plot .other { stroke: var(--warn); fill: none; stroke-width: 2; }
svg.plot .moved, svg.plot .other { stroke-linejoin: round; }
svg.plot.small .other { stroke-dasharray: 6 4; } svg.plot.small text { font-size: 13px; }
svg.plot .level { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 2 4; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
.plots figure { margin: 0; }
svg.plot .band { fill: var(--accent); opacity: 0.18; stroke: none; }
footer { max-width: 1200px; margin: 24px auto; padding: 0 16px 24px; font-size: 14px; color: var(--soft); }
@media (max-width: 600px) { dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: 6px; } th, td { padding: 6px 8px; }
  .bar nav.main { order: 3; }
  form.inline label { flex: 1 1 40%; }
  form.inline input { width: 100%; }
  .wide table, .wide tbody, .wide tr, .wide td { display: block; }
  .wide thead { position: absolute; left: -999px; }
  .wide caption { display: block; padding: 8px; }
  .wide tr { border-top: 1px solid var(--line); padding: 6px 8px; }
  .wide td, .wide td.number { border: 0; padding: 2px 0; text-align: left; display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 8px; }
  .wide td[data-void], .wide td.number[data-void] { display: none; }
  .wide td::before { content: attr(data-label); color: var(--soft); font-size: 14px; }
  .wide td > div { overflow-wrap: anywhere; min-width: 0; }
}
`;
