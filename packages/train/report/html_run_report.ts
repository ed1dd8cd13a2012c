/** The report of a run as one page that needs nothing but itself. */
import { number } from "../evaluate/format_number.ts";
import { STYLE } from "../evaluate/html_style.ts";
import { escape, table } from "../evaluate/html_text.ts";
import { curve, NARROW } from "./curve.ts";
import {
  marksOf,
  partingCurves,
  partingOfRun,
  plain,
  type RunReport,
  trainingCurves,
  verdict,
  watchedCurves,
} from "./run_report.ts";

/** What the page has beyond the look of evaluations. */
const OWN_STYLE = `
.curve { padding: 1rem 1.1rem .6rem; } .curve svg { display: block; width: 100%; height: auto; }
svg text.mark { fill: var(--bad); } .verdict { font-weight: 600; margin: .8rem 0; }
.verdict.parted { color: var(--bad); } .pictures img { display: block; max-width: 100%; height: auto; margin: 1rem; }
`;

/** A picture of the run, as a `data:` URL. */
export interface ReportPicture {
  /** What it shows. */
  readonly label: string;
  /** The picture. */
  readonly url: string;
}

/**
 * Writes the page.
 *
 * @param report A run.
 * @param pictures What it drew.
 * @returns The text of `report.html`.
 */
export function htmlRunReport(report: RunReport, pictures: readonly ReportPicture[]): string {
  const { name, record, steps, date } = report;
  const training = trainingCurves(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Run ${escape(name)}</title>
<style>${STYLE}${OWN_STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escape(name)}</h1>
<p class="soft">${escape(record.config.stage)}, ${steps} of ${record.config.steps} steps on ${
    escape(record.adapter)
  }, ${date.slice(0, 10)}.</p>
</header>
${watchSection(report)}
<section>
<h2>Numbers at the end</h2>
${summaryTables(report)}
</section>
${
    pictures.length === 0 ? "" : `<section>
<h2>Pictures</h2>
${
      pictures.map(({ label, url }) =>
        `<figure class="card pictures scroll"><img src="${url}" alt="${escape(label)}"></figure>`
      ).join("\n")
    }
</section>`
  }
${
    training.length === 0 ? "" : `<section>
<h2>Training</h2>
<div class="plots">${training.map((one) => figure(curve(one.label, [one], [], NARROW))).join("\n")}</div>
</section>`
  }
<section>
<h2>How to repeat it</h2>
<dl class="card"><dt>Command</dt><dd><code>${escape(record.command)}</code></dd>
<dt>Seed</dt><dd>${record.config.seed}</dd></dl>
</section>
</main>
</body>
</html>
`;
}

/** Where the reward that is trained on and what is held out part. */
function watchSection(report: RunReport): string {
  const { history, stopped } = report;
  if (history.length === 0) return "";
  const both = partingCurves(report), marks = marksOf(report);
  return `<section>
<h2>Watched for reward hacking</h2>
<p class="verdict${partingOfRun(report) ? " parted" : ""}">${escape(verdict(report))}</p>
${stopped ? `<p class="soft">Ended because ${escape(stopped.reason)}.</p>` : ""}
${
    both.length === 0
      ? ""
      : `<p class="soft">Rise since the first look, in standard deviations over prompts at the first look.</p>
${figure(curve(verdict(report), both, marks))}`
  }
<div class="plots">${
    watchedCurves(report).map((one) => figure(curve(one.label, [one], marks, NARROW))).join("\n")
  }</div>
</section>`;
}

/** Groups of numbers side by side, single numbers below each other. */
function summaryTables({ summary }: RunReport): string {
  const groups = Object.entries(summary).filter((entry): entry is [string, Record<string, unknown>] =>
    typeof entry[1] === "object" && entry[1] !== null
  );
  const single = Object.entries(summary).filter(([, value]) => typeof value === "number");
  const columns = [...new Set(groups.flatMap(([, group]) => Object.keys(group)))];
  const cell = (value: unknown) => ({ html: typeof value === "number" ? number(value) : "\u2013" });
  const wide = groups.length === 0 ? "" : table(
    [{ html: "" }, ...groups.map(([name]) => ({ html: escape(name) }))],
    columns.map((column) => ({ title: escape(plain(column)), cells: groups.map(([, group]) => cell(group[column])) })),
    "numbers",
  );
  const narrow = single.length === 0 ? "" : table(
    [{ html: "" }, { html: "" }],
    single.map(([name, value]) => ({ title: escape(plain(name)), cells: [cell(value)] })),
    "numbers",
  );
  return wide + narrow;
}

function figure(svg: string): string {
  return svg === "" ? "" : `<figure class="card curve">${svg}</figure>`;
}
