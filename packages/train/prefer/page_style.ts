/** The look of the page to choose on: two images as large as the window lets them be, light and dark. */

/** The style sheet; nothing in it refers to another file. */
export const STYLE = `
:root { color-scheme: light dark;
  --page: #f8f8f6; --card: #fff; --ink: #17171b; --soft: #62626c; --line: #d6d6d0; --accent: #2b6cc4; --alarm: #b4271f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #121215; --card: #1b1b1f; --ink: #ebebef; --soft: #a0a0ab; --line: #3a3a44; --accent: #6fa8f5; --alarm: #f0887e; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; min-height: 100dvh; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 76rem; min-height: 100dvh; margin: 0 auto; padding: 1.5rem; display: flex; flex-direction: column;
  gap: 1.25rem; }
.progress { display: flex; align-items: center; gap: 1rem; color: var(--soft); font-size: .9rem;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
progress { flex: 1; min-width: 2rem; height: .4rem; appearance: none; border: 0; border-radius: 1rem; overflow: hidden;
  background: var(--line); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: var(--accent); }
progress::-moz-progress-bar { background: var(--accent); }
h1 { margin: 0; font-size: clamp(1.3rem, 3.5vw, 1.9rem); font-weight: 650; line-height: 1.25; letter-spacing: -.015em;
  text-align: center; text-wrap: balance; overflow-wrap: anywhere; }
button { font: inherit; color: inherit; cursor: pointer; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); }
button:hover:not(:disabled) { border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button:disabled { opacity: .45; cursor: default; }
.pair { flex: 1; display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; justify-items: center; align-items: center; }
.pair button { width: min(100%, calc(100dvh - 17rem)); min-width: 6rem; padding: .75rem .75rem .5rem; }
.pair button:first-child { justify-self: end; } .pair button:last-child { justify-self: start; }
.pair img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 5px; }
.pair img.tiny { image-rendering: pixelated; }
.actions { display: flex; flex-wrap: wrap; justify-content: center; gap: .6rem; }
.actions button { padding: .45rem 1rem; }
kbd { display: inline-block; min-width: 1.6em; padding: 0 .35em; margin-left: .35em; border: 1px solid var(--line);
  border-radius: 5px; color: var(--soft); font: .8em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  text-align: center; }
.pair kbd { display: block; width: max-content; margin: .5rem auto 0; }
.alarm { margin: 0; padding: .6rem 1rem; border: 1px solid var(--alarm); border-radius: 10px; color: var(--alarm);
  text-align: center; }
.done { flex: 1; display: flex; flex-direction: column; justify-content: center; text-align: center; }
.done p { margin: .3rem 0; color: var(--soft); }
code { font: .85em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
@media (max-width: 40rem) { main { padding: 1rem; gap: .9rem; } .pair { gap: .6rem; align-items: start; }
  .pair button { padding: .4rem; } .actions button { flex: 1; padding: .6rem .5rem; } kbd { display: none !important; } }
`;
