/** The look of HTML reports: one column, light and dark by the reader's setting, readable on a phone. */

/** The style sheet; nothing in it refers to another file. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f8f8f6; --card: #fff; --ink: #17171b; --soft: #62626c; --line: #e4e4df; --this: #2b6cc4; --other: #bf5a1c;
  --good: #1b7a45; --bad: #b4271f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #121215; --card: #1b1b1f; --ink: #ebebef; --soft: #a0a0ab; --line: #2f2f37; --this: #6fa8f5; --other: #ee9359;
  --good: #5cc189; --bad: #f0887e; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); font-weight: 650; line-height: 1.2; letter-spacing: -.015em; margin: 0;
  overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; font-weight: 650; letter-spacing: -.01em; margin: 3rem 0 .25rem; }
h3 { font-size: .95rem; font-weight: 600; margin: 1.75rem 0 .6rem; }
p { margin: .4rem 0; max-width: 44rem; text-wrap: pretty; }
.versus { font-size: 1.1rem; margin: .35rem 0 .6rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-weight: 400; }
.key { display: inline-block; width: .62em; height: .62em; border-radius: 2px; margin-right: .38em; }
.key.this { background: var(--this); } .key.other { background: var(--other); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-top: .9rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--this); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem 1rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-size: .82rem; font-weight: 600; color: var(--soft); vertical-align: bottom; }
thead th.this { color: var(--this); } thead th.other { color: var(--other); }
tbody th { font-weight: 500; }
th:first-child { text-align: left; }
.numbers tbody th { position: sticky; left: 0; background: var(--card); }
.error { display: inline-block; min-width: 4.6em; margin-left: .5em; font-size: .82em; color: var(--soft); }
.difference { font-weight: 500; }
.range { display: block; font-size: .78em; line-height: 1.2; color: var(--soft); }
.better { color: var(--good); } .worse { color: var(--bad); }
.ends { display: flex; justify-content: space-between; width: 7.5rem; font-weight: 400; margin-left: auto; }
.interval { display: block; width: 7.5rem; height: 1.15rem; margin-left: auto; color: var(--soft); }
.interval line { stroke: currentColor; stroke-width: 2; stroke-linecap: round; } .interval circle { fill: currentColor; }
.interval .zero { stroke: var(--line); stroke-width: 1.5; }
.interval.better { color: var(--good); } .interval.worse { color: var(--bad); }
.wide td, .wide th { text-align: left; vertical-align: top; }
.wide td { white-space: normal; font-size: .86rem; min-width: 10rem; overflow-wrap: anywhere; }
code { font: .82em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .55rem 1.5rem; margin: 0; padding: 1rem 1.1rem;
  font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: .9rem;
  margin-top: .9rem; }
figure { margin: 0; }
.plots figure { padding: .9rem 1rem .6rem; margin: 0; }
.plots figcaption { font-size: .9rem; font-weight: 500; }
.plots svg { display: block; width: 100%; height: auto; margin-top: .5rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.bar { fill: var(--this); } .step { fill: none; stroke: var(--other); stroke-width: 2; stroke-linejoin: round; }
.axis { stroke: var(--line); } .mean { stroke-width: 1.5; stroke-dasharray: 3 3; }
.mean.this { stroke: var(--this); } .mean.other { stroke: var(--other); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: 1rem .9rem; }
.grid.paired { grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
.sample { font-size: .8rem; line-height: 1.35; min-width: 0; }
.pair { display: flex; gap: 3px; } .pair > div { flex: 1; min-width: 0; }
.sample img { display: block; width: 100%; height: auto; border-radius: 5px; background: var(--line); }
.sample img.tiny { image-rendering: pixelated; }
.sample figcaption { overflow-wrap: anywhere; }
.score { display: block; margin-top: .25rem; font-variant-numeric: tabular-nums; color: var(--soft); }
.paired .score.this { color: var(--this); } .paired .score.other { color: var(--other); }
@media (max-width: 40rem) { main { padding: 1.75rem 1rem 3rem; } h2 { margin-top: 2.25rem; }
  th, td { padding: .45rem .7rem; font-size: .88rem; } .numbers tbody th { white-space: normal; min-width: 7.5rem; }
  .error { display: block; margin: 0; line-height: 1.2; }
  dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .7rem; }
  .grid { grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); gap: .9rem .7rem; }
  .grid.paired { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media print { :root { --page: #fff; } .card { break-inside: avoid; } .scroll { overflow: visible; } }
`;
