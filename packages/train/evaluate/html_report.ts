/** Reports as one page that needs nothing but itself. */
import { histogram } from "./histogram.ts";
import { STYLE } from "./html_style.ts";
import { baseName, number } from "./markdown_report.ts";
import type { Report, ReportImage, ReportMetric } from "./report.ts";

/** Samples shown at either end of a score, and in the even choice. */
const SHOWN = 12, EVEN = 24;

/** Sides up to which images are drawn pixel by pixel. */
const TINY = 96;

/** An image for the page. */
export interface EmbeddedImage {
  /** A `data:` URL. */
  readonly url: string;
  /** Its width in pixels. */
  readonly width: number;
}

/**
 * Writes a report as a page. Only the images that it shows are read.
 *
 * @param report The report.
 * @param embed Gives an image file as a `data:` URL.
 * @returns The text of `report.html`.
 */
export async function htmlReport(report: Report, embed: (file: string) => Promise<EmbeddedImage>): Promise<string> {
  const { subject, other, prompts, metrics, images } = report;
  const name = baseName(subject.path);
  const scored = metrics.filter((metric) => images.every(({ scores }) => metric.name in scores));
  const samples: string[] = [];
  for (const { name, label, better } of scored) {
    const ordered = [...images].sort((a, b) => b.scores[name] - a.scores[name]);
    if (better === "lower") ordered.reverse();
    const count = Math.min(SHOWN, Math.ceil(images.length / 2));
    samples.push(
      `<h3>Best by ${escape(label)}</h3>${await grid(ordered.slice(0, count), name, embed)}`,
      `<h3>Worst by ${escape(label)}</h3>${await grid(ordered.slice(-count).reverse(), name, embed)}`,
    );
  }
  const even = Array.from(
    { length: Math.min(EVEN, images.length) },
    (_, i) => images[Math.floor(i * images.length / Math.min(EVEN, images.length))],
  );
  const legend = other
    ? `<p><span class="key this"></span>${escape(name)} &ensp; <span class="key other"></span>${
      escape(baseName(other.path))
    }</p>`
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of ${escape(name)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escape(name)}</h1>
<p class="soft">${escape(subject.variant)} · ${escape(subject.sampling)} · ${images.length} images of ${
    escape(prompts.name)
  } · ${escape(report.date.slice(0, 10))}</p>
${legend}
</header>
<h2>Numbers</h2>
<p class="soft">± is one standard error over prompts${
    other
      ? `; the last column holds the difference and its paired interval of ${
        number(100 * report.resampling.level).replace(/\.0+$/, "")
      } %, in colour where it is clear of zero`
      : ""
  }.</p>
${numbers(report)}
${
    scored.length === 0 ? "" : `<h2>How scores are spread</h2>
<p class="soft">Share of images at each score; dashed lines are means.</p>
<div class="plots">${scored.map((metric) => plot(metric, images)).join("\n")}</div>`
  }
<h2>Samples</h2>
<p class="soft">${
    other ? `Left ${escape(name)}, right ${escape(baseName(other.path))}, from the same noise. ` : ""
  }Scores are under each image's prompt.</p>
${samples.join("\n")}
<h3>Evenly over all prompts</h3>
${await grid(even, scored[0]?.name, embed)}
<h2>What each number rests on</h2>
${hygiene(metrics)}
<h2>How to repeat it</h2>
${facts(report)}
</main>
</body>
</html>
`;
}

function numbers({ metrics, subject, other }: Report): string {
  const head = ["Metric", baseName(subject.path), ...(other ? [baseName(other.path), "Difference"] : [])];
  const rows = metrics.map((metric) => {
    const { label, better, value, stderr, comparison } = metric;
    const own = `${number(value)}${stderr === null ? "" : ` <span class="tag">± ${number(stderr)}</span>`}`;
    const arrow = `<span class="tag" title="${better} is better">${better === "higher" ? "↑" : "↓"}</span>`;
    const cells = comparison ? [own, number(comparison.other), difference(metric)] : [own];
    return `<tr><th scope="row">${escape(label)} ${arrow}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return card(
    `<table><thead><tr>${head.map((title) => `<th scope="col">${escape(title)}</th>`).join("")}</tr></thead><tbody>${
      rows.join("")
    }</tbody></table>`,
  );
}

function difference({ better, comparison }: ReportMetric): string {
  const { difference, low, high } = comparison!;
  const sign = (x: number) => x > 0 ? `+${number(x)}` : number(x).replace("-", "−");
  const isClear = low > 0 || high < 0;
  const verdict = !isClear ? "" : (difference > 0) === (better === "higher") ? "better" : "worse";
  const interval = Number.isFinite(low) ? ` <span class="tag">[${sign(low)}, ${sign(high)}]</span>` : "";
  return `<span${verdict ? ` class="${verdict}" title="${verdict}"` : ""}>${sign(difference)}</span>${interval}`;
}

function plot({ name, label }: ReportMetric, images: readonly ReportImage[]): string {
  const others = images.flatMap(({ other }) => other ? [other.scores[name]] : []);
  return `<figure class="card"><figcaption>${escape(label)}</figcaption>${
    histogram(images.map(({ scores }) => scores[name]), others.length > 0 ? others : undefined)
  }</figure>`;
}

async function grid(
  images: readonly ReportImage[],
  metric: string | undefined,
  embed: (file: string) => Promise<EmbeddedImage>,
): Promise<string> {
  let isTiny = false, isPaired = false;
  const cells = await Promise.all(images.map(async ({ file, prompt, copy, scores, other }) => {
    const shown = [{ file, whose: "this" }, ...(other ? [{ file: other.file, whose: "other" }] : [])];
    const tags = await Promise.all(shown.map(async ({ file, whose }) => {
      const { url, width } = await embed(file);
      isTiny ||= width <= TINY;
      return `<img class="${whose}" src="${url}" alt="${escape(prompt)}" loading="lazy">`;
    }));
    isPaired ||= other !== undefined;
    const score = metric === undefined
      ? ""
      : `<br><span class="score">${number(scores[metric])}${other ? ` · ${number(other.scores[metric])}` : ""}</span>`;
    return `<figure class="sample"><div class="${other ? "pair" : ""}" style="--n:${shown.length}">${
      tags.join("")
    }</div><figcaption>${escape(prompt)}${
      copy > 0 ? ` <span class="score">#${copy + 1}</span>` : ""
    }${score}</figcaption></figure>`;
  }));
  return `<div class="grid${isTiny ? " tiny" : ""}" style="--cell:${isPaired ? "9.5rem" : "6.5rem"}">${
    cells.join("")
  }</div>`;
}

function hygiene(metrics: readonly ReportMetric[]): string {
  const groups = new Map<string, { metrics: ReportMetric[] }>();
  for (const metric of metrics) {
    const key = JSON.stringify({ ...metric.hygiene, count: metric.count });
    groups.set(key, { metrics: [...groups.get(key)?.metrics ?? [], metric] });
  }
  const rows = [...groups.values()].map(({ metrics: [first, ...more] }) => {
    const { weights, sha256, variant, dtype, preprocessing, reference } = first.hygiene;
    const cells = [
      `${escape(baseName(weights))}<br><code>${sha256}</code>`,
      `${escape(variant)}<br>${escape(dtype)}`,
      escape(preprocessing),
      `${first.count} images${reference ? ` against ${escape(reference)}` : ""}`,
    ];
    const names = [first, ...more].map(({ label }) => escape(label)).join(",<br>");
    return `<tr><th scope="row">${names}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return card(
    `<table class="wide"><thead><tr>${
      ["Metric", "Weights, SHA-256", "Model", "Images enter as", "Count"]
        .map((title) => `<th scope="col">${title}</th>`).join("")
    }</tr></thead><tbody>${rows.join("")}</tbody></table>`,
  );
}

function facts({ command, adapter, date, subject, other, prompts, seeds, resampling }: Report): string {
  const run = ({ path, dtype, sha256 }: Report["subject"]) =>
    `${escape(path)}; ${escape(dtype)}<br><code>${sha256}</code>`;
  const rows: [string, string][] = [
    ["Command", `<code>${escape(command)}</code>`],
    ["Measured", run(subject)],
    ...(other ? [["Compared with", run(other)] as [string, string]] : []),
    [
      "Prompts",
      `${
        escape(prompts.name)
      }: ${prompts.count} prompts, ${prompts.images_per_prompt} images each<br><code>${prompts.sha256}</code>`,
    ],
    ["Seeds", `${seeds.seed}; ${escape(seeds.rule)}`],
    [
      "Resampling",
      resampling.resamples === 0 ? "none" : `${resampling.resamples} resamples; ${escape(resampling.rule)}`,
    ],
    ["Adapter", escape(adapter)],
    ["Date", escape(date)],
  ];
  return `<dl class="card">${rows.map(([k, v]) => `<dt>${k}</dt><dd>${v}</dd>`).join("")}</dl>`;
}

function card(content: string): string {
  return `<div class="card scroll">${content}</div>`;
}

/** Text as HTML. */
function escape(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (c) => entities[c]);
}
