/** The look of HTML reports: one column, light and dark by the reader's setting, readable on a phone. */

/** The style sheet; nothing in it refers to another file. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f7f7f5; --card: #ffffff; --ink: #16161a; --soft: #5c5c66; --line: #e3e3df; --this: #2a6fc9; --other: #c2581b;
  --good: #1d7a46; --bad: #b3261e; --wash: #eef3fb; }
@media (prefers-color-scheme: dark) { :root {
  --page: #131316; --card: #1c1c20; --ink: #ececf0; --soft: #a2a2ad; --line: #303038; --this: #6ea8f5; --other: #f0925a;
  --good: #5fc48a; --bad: #f08a80; --wash: #202a39; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.1rem); line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .25rem; }
h3 { font-size: .95rem; margin: 1.5rem 0 .5rem; }
p { margin: .35rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.key { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .4em; }
.key.this { background: var(--this); } .key.other { background: var(--other); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-top: .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .9rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-size: .8rem; font-weight: 600; color: var(--soft); }
tbody th { font-weight: 500; text-align: left; }
th:first-child, td:first-child { text-align: left; }
.better { color: var(--good); } .worse { color: var(--bad); }
.tag { font-size: .75rem; color: var(--soft); }
.wide td { white-space: normal; text-align: left; vertical-align: top; font-size: .85rem; min-width: 9rem; }
.wide th { text-align: left; vertical-align: top; }
code { font: .82em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .45rem 1.25rem; margin: 0; padding: 1rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: .9rem; }
figure { margin: 0; }
.plots figure { padding: .9rem 1rem .6rem; margin-top: .9rem; }
figcaption { font-size: .85rem; }
.plots svg { display: block; width: 100%; height: auto; margin-top: .4rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.bar { fill: var(--this); } .step { fill: none; stroke: var(--other); stroke-width: 2; }
.axis { stroke: var(--line); } .mean { stroke-width: 1.5; stroke-dasharray: 3 3; }
.mean.this { stroke: var(--this); } .mean.other { stroke: var(--other); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(var(--cell), 1fr)); gap: .9rem; margin-top: .6rem; }
.sample { font-size: .8rem; line-height: 1.35; min-width: 0; }
.pair { display: grid; grid-template-columns: repeat(var(--n), 1fr); gap: 3px; }
.sample img { display: block; width: 100%; height: auto; aspect-ratio: 1; border-radius: 5px; background: var(--line);
  border-bottom: 3px solid transparent; }
.pair img.this { border-color: var(--this); } .pair img.other { border-color: var(--other); }
.tiny img { image-rendering: pixelated; }
.sample figcaption { margin-top: .3rem; font-size: inherit; overflow-wrap: anywhere; }
.score { color: var(--soft); font-variant-numeric: tabular-nums; }
@media (max-width: 36rem) { main { padding: 1.5rem .9rem 3rem; } th, td { padding: .45rem .65rem; font-size: .88rem; }
  dl { grid-template-columns: 1fr; gap: .1rem; } dd { margin-bottom: .6rem; } .grid { gap: .6rem; } }
@media print { body { background: none; } .card { break-inside: avoid; } }
`;
