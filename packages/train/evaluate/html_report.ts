/** Reports as one page that needs nothing but itself. */
import { number } from "./format_number.ts";
import { histogram } from "./histogram.ts";
import { hygieneTable, numbersTable } from "./html_numbers.ts";
import { type Embed, samples } from "./html_samples.ts";
import { STYLE } from "./html_style.ts";
import { escape } from "./html_text.ts";
import type { Report, ReportImage, ReportMetric } from "./report.ts";
import { namesOf } from "./run_names.ts";

/**
 * Writes a report as a page. Only the images that it shows are read.
 *
 * @param report The report.
 * @param embed Gives an image file as an image for the page.
 * @returns The text of `report.html`.
 */
export async function htmlReport(report: Report, embed: Embed): Promise<string> {
  const { subject, other, prompts, metrics, images } = report;
  const [own, theirs] = namesOf(subject, other).map(escape);
  const scored = metrics.filter(({ name }) => images.every(({ scores }) => name in scores));
  const level = number(100 * report.resampling.level).replace(/\.?0+$/, "");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of ${own}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${other ? `<span class="key this"></span>` : ""}${own}</h1>
${other ? `<p class="versus">against <span class="key other"></span>${theirs}</p>` : ""}
<p class="soft">${images.length} images of ${prompts.count} prompts (${escape(prompts.name)}). ${
    sentence(`${subject.variant}, ${subject.sampling}`)
  }. ${day(report.date)}.</p>
</header>
<section>
<h2>Numbers</h2>
<p class="soft">± is one standard error over prompts.${
    other
      ? ` Both runs drew from the same noise, so differences are taken in pairs; under each is its interval of ` +
        `${level} %, in colour where it is clear of zero.`
      : ""
  }</p>
${numbersTable(report)}
</section>
${
    scored.length === 0 ? "" : `<section>
<h2>How scores are spread</h2>
<p class="soft">Share of images at each score${
      other ? `, ${own} filled and ${theirs} outlined` : ""
    }. Dashed lines are means.</p>
<div class="plots">${scored.map((metric) => plot(metric, images)).join("\n")}</div>
</section>`
  }
<section>
<h2>Samples</h2>
${other ? `<p class="soft">Left ${own}, right ${theirs}, from the same noise, each with its score.</p>` : ""}
${await samples(scored, images, embed)}
</section>
<section>
<h2>What each number rests on</h2>
${hygieneTable(metrics)}
</section>
<section>
<h2>How to repeat it</h2>
${facts(report)}
</section>
</main>
</body>
</html>
`;
}

function plot({ name, label }: ReportMetric, images: readonly ReportImage[]): string {
  const others = images.flatMap(({ other }) => other ? [other.scores[name]] : []);
  return `<figure class="card"><figcaption>${escape(label)}</figcaption>${
    histogram(images.map(({ scores }) => scores[name]), others.length > 0 ? others : undefined)
  }</figure>`;
}

function facts({ command, adapter, date, subject, other, prompts, seeds, resampling }: Report): string {
  const run = ({ path, variant, sampling, dtype, sha256 }: Report["subject"]) =>
    `${escape(path)}<br><span class="soft">${
      escape(`${variant}; ${sampling}; ${dtype}`)
    }</span><br><code>${sha256}</code>`;
  const set = `${prompts.name}: ${prompts.count} prompts, ${prompts.images_per_prompt} images of each`;
  const rows: [string, string][] = [
    ["Command", `<code>${escape(command)}</code>`],
    ["Measured", run(subject)],
    ...(other ? [["Compared with", run(other)] as [string, string]] : []),
    ["Prompts", `${escape(set)}<br><code>${prompts.sha256}</code>`],
    ["Seeds", `${seeds.seed}; ${escape(seeds.rule)}`],
    [
      "Errors",
      resampling.resamples === 0 ? "none" : `${resampling.resamples} resamples; ${escape(resampling.rule)}`,
    ],
    ["Adapter", escape(adapter)],
    ["Date", escape(date)],
  ];
  return `<dl class="card">${rows.map(([term, what]) => `<dt>${term}</dt><dd>${what}</dd>`).join("\n")}</dl>`;
}

function sentence(text: string): string {
  return escape(`${text[0].toUpperCase()}${text.slice(1)}`);
}

/** A day for eyes: 25 November 2026. */
function day(date: string): string {
  const time = new Date(date);
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(
    time,
  );
}
