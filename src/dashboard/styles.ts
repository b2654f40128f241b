/**
 * The one style sheet of the dashboard: light and dark from the reader's own setting, one column on a phone, colours of at
 * least 4.5 : 1 on their ground (WCAG 2.2 AA), focus always visible. Text only; served by `assets.ts`.
 */
export const STYLES = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --raised: #ffffff; --sunk: #eef0f4; --line: #d8dce3; --ink: #1b1f27; --soft: #525a69;
  --accent: #0b57c2; --accent-ink: #ffffff; --good: #116334; --warn: #7d4b00; --bad: #b3261e;
  --good-ground: #e2f3e8; --warn-ground: #fdf0d9; --bad-ground: #fdeae8; --plan: #8a93a3; --bad-ink: #ffffff; --field: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1217; --raised: #181c24; --sunk: #212732; --line: #353c49; --ink: #e8ebf0; --soft: #a9b1be;
    --accent: #8ab8ff; --accent-ink: #0c1420; --good: #7bd8a0; --warn: #f2bf6b; --bad: #ff9d94;
    --good-ground: #14301f; --warn-ground: #35270d; --bad-ground: #3d1815; --plan: #7a8494; --bad-ink: #240806; --field: #0f1217;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--accent); text-underline-offset: 2px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--raised); padding: 8px; z-index: 2; }
header.top { border-bottom: 1px solid var(--line); background: var(--raised); }
.bar { max-width: 1200px; margin: 0 auto; padding: 6px 16px; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; }
.bar .brand { font-weight: 700; text-decoration: none; color: var(--ink); }
nav.main { display: flex; gap: 0 2px; overflow-x: auto; }
nav.main a { padding: 6px 10px; text-decoration: none; border-radius: 6px; white-space: nowrap; outline-offset: -3px; }
nav.main a:hover { background: var(--sunk); }
nav.main a[aria-current="page"] { background: var(--accent); color: var(--accent-ink); }
.bar form, .bar .away { margin-left: auto; }
.state { font-size: 14px; color: var(--soft); padding-bottom: 8px; }
.state strong { color: var(--ink); }
main { max-width: 1200px; margin: 0 auto; padding: 8px 16px 16px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 12px 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 32px 0 10px; }
h3 { font-size: 1rem; margin: 16px 0 6px; overflow-wrap: anywhere; }
p, ul, ol { margin: 6px 0; } ul, ol { padding-left: 1.3em; }
.lead { font-size: 1.1rem; margin: 4px 0 14px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 16px; }
.cards.roomy { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; background: var(--raised); min-width: 0; }
.card h2, .card h3 { margin-top: 0; }
.card .wide { margin-top: 10px; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
caption { text-align: left; padding: 8px 12px; color: var(--soft); }
th, td { text-align: left; padding: 6px 12px; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: 14px; background: var(--sunk); }
tbody tr:hover td { background: var(--sunk); }
tr[aria-current="step"] td:first-child { box-shadow: inset 3px 0 0 var(--accent); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td summary, td time { white-space: nowrap; }
td details[open] { min-width: 16rem; }
.compact th, .compact td { padding: 5px 10px; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 6px 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.note { border-left: 4px solid var(--line); background: var(--raised); padding: 8px 12px; margin: 8px 0; border-radius: 0 8px 8px 0; overflow-wrap: anywhere; }
.note p { margin: 2px 0; } .note h3 { margin-top: 0; }
.note.good { border-color: var(--good); background: var(--good-ground); }
.note.warn { border-color: var(--warn); background: var(--warn-ground); }
.note.bad { border-color: var(--bad); background: var(--bad-ground); }
.note.warn .soft, .note.bad .soft { color: var(--ink); }
.tag { display: inline-block; border-radius: 999px; padding: 0 9px; font-size: 13px; font-weight: 600; line-height: 1.6; background: var(--sunk); overflow-wrap: anywhere; }
.tag.good { color: var(--good); background: var(--good-ground); } .tag.warn { color: var(--warn); background: var(--warn-ground); }
.tag.bad { color: var(--bad); background: var(--bad-ground); } .tag.soft { color: var(--soft); }
.state strong.tag.warn { color: var(--warn); } .state strong.tag.bad { color: var(--bad); }
.soft { color: var(--soft); } .small { font-size: 14px; }
code, pre { font: 14px/1.45 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--sunk); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; margin: 6px 0; }
form.inline { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: end; margin: 0 0 16px; }
form.stack { display: grid; gap: 10px; max-width: 36rem; }
form.stack p { margin: 0; } form.stack + .wide { margin-top: 16px; }
label { display: grid; gap: 2px; font-size: 14px; color: var(--soft); }
label.check { display: flex; gap: 8px; align-items: center; color: var(--ink); }
input, select, textarea { font: inherit; color: var(--ink); background: var(--field); border: 1px solid var(--soft); border-radius: 6px; padding: 6px 8px; max-width: 100%; min-height: 38px; }
input::placeholder { color: var(--soft); opacity: 1; font-style: italic; }
input[type="checkbox"] { justify-self: start; width: 20px; min-height: 20px; height: 20px; }
button, a.button { display: inline-block; font: inherit; font-weight: 600; border: 1px solid var(--accent); background: var(--accent); color: var(--accent-ink); border-radius: 6px; padding: 6px 14px; cursor: pointer; min-height: 38px; text-decoration: none; }
button:hover, a.button:hover { filter: brightness(1.1); }
button.quiet, a.button.quiet { background: transparent; color: var(--accent); }
button.danger { background: var(--bad); border-color: var(--bad); color: var(--bad-ink); }
.bar button.quiet { font-weight: 400; border-color: var(--line); font-size: 14px; padding: 2px 10px; min-height: 32px; }
details > summary { cursor: pointer; padding: 2px 0; color: var(--accent); }
progress { display: block; width: 100%; min-width: 5rem; height: 8px; margin: 4px 0; border: 0; border-radius: 4px; background: var(--sunk); accent-color: var(--accent); overflow: hidden; }
progress::-webkit-progress-bar { background: var(--sunk); } progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
figure { margin: 8px 0; } figcaption { font-size: 14px; color: var(--soft); margin-top: 4px; }
svg.plot { width: 100%; height: auto; display: block; }
svg.plot text { fill: var(--soft); font: 13px system-ui, sans-serif; }
svg.plot .axis { stroke: var(--line); } svg.plot .moved { stroke: var(--accent); fill: none; stroke-width: 2; }
svg.plot .plan { stroke: var(--plan); fill: none; stroke-width: 2; stroke-dasharray: 6 4; }
svg.plot .other { stroke: var(--warn); fill: none; stroke-width: 2; stroke-dasharray: 6 4; }
svg.plot .moved, svg.plot .other { stroke-linejoin: round; }
svg.plot .level { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 2 4; }
svg.plot .band { fill: var(--accent); opacity: 0.18; stroke: none; }
svg.plot .bars { fill: var(--accent); }
/* Stretched to its frame; its words are outside, so that they keep their size. */
.chart { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 8px; font-size: 13px; color: var(--soft); }
.chart svg { height: 170px; grid-row: 1; grid-column: 2; }
.chart svg * { vector-effect: non-scaling-stroke; }
.chart .ends { display: flex; flex-direction: column; justify-content: space-between; text-align: right; }
.chart .times { grid-column: 2; display: flex; justify-content: space-between; gap: 8px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
.plots figure { margin: 0; }
ol.timeline { list-style: none; padding: 0; margin: 0; }
ol.timeline li { display: grid; grid-template-columns: 9.5rem 7rem minmax(0, 1fr); gap: 0 12px; padding: 4px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
footer { max-width: 1200px; margin: 24px auto; padding: 0 16px 24px; font-size: 14px; color: var(--soft); }
@media (max-width: 600px) {
  .bar nav.main { order: 3; width: 100%; }
  h2 { margin-top: 24px; }
  dl.facts { grid-template-columns: minmax(5rem, 38%) minmax(0, 1fr); gap: 4px 10px; }
  form.inline label { flex: 1 1 40%; } form.inline input { width: 100%; }
  ol.timeline li { grid-template-columns: minmax(0, 1fr) max-content; }
  ol.timeline li > :last-child { grid-column: 1 / -1; }
  .compact th, .compact td { padding: 5px 4px; font-size: 14px; }
  .wide:not(.compact) :is(table, tbody, tr, td) { display: block; }
  .wide:not(.compact) thead { position: absolute; left: -999px; }
  .wide caption { padding: 8px; } .wide:not(.compact) caption { display: block; }
  .wide:not(.compact) tr { border-top: 1px solid var(--line); padding: 8px; }
  .wide:not(.compact) td, .wide:not(.compact) td.number { border: 0; padding: 2px 0; text-align: left; display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: 8px; white-space: normal; }
  .wide:not(.compact) td[data-void], .wide:not(.compact) td.number[data-void] { display: none; }
  .wide:not(.compact) td::before { content: attr(data-label); color: var(--soft); font-size: 14px; }
  .wide:not(.compact) td > div { overflow-wrap: anywhere; min-width: 0; }
  td details[open] { min-width: 0; }
}
`;
