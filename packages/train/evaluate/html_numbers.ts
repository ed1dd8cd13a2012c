/** The tables of a report as HTML. */
import { number, rounded, signed } from "./format_number.ts";
import { type Cell, escape, table } from "./html_text.ts";
import { namesOf } from "./run_names.ts";
import type { Report, ReportComparison, ReportMetric } from "./report.ts";

/** Half the width of the drawing of an interval, and half its height. */
const REACH = 60, MIDDLE = 9;

/**
 * The numbers: a row a metric; with a second run its numbers, the differences and a drawing of their intervals.
 *
 * @param report The report.
 * @returns HTML.
 */
export function numbersTable({ metrics, subject, other }: Report): string {
  const [own, theirs] = namesOf(subject, other);
  const head: Cell[] = [
    { html: "Metric" },
    { html: escape(own), kind: "this" },
    ...(other
      ? [{ html: escape(theirs), kind: "other" }, { html: "Difference" }, {
        html: `<span class="ends"><span>worse</span><span>better</span></span>`,
      }]
      : []),
  ];
  return table(head, metrics.map((metric) => ({ title: heading(metric), cells: cellsOf(metric) })), "numbers");
}

function heading({ label, better }: ReportMetric): string {
  return `${escape(label)} <span class="soft" title="${better} is better">${better === "higher" ? "↑" : "↓"}</span>`;
}

function cellsOf(metric: ReportMetric): Cell[] {
  const { comparison } = metric;
  const own = plusMinus(metric.value, metric.stderr);
  if (!comparison) return [own];
  const { difference, low, high } = signed(comparison.difference, comparison.low, comparison.high);
  const verdict = verdictOf(metric, comparison);
  const range = low === "" ? "" : `<span class="range">${low} to ${high}</span>`;
  return [
    own,
    plusMinus(comparison.other, comparison.other_stderr),
    { html: `<span class="difference ${verdict}">${difference}</span>${range}` },
    { html: intervalDrawing(metric, comparison, verdict) },
  ];
}

function plusMinus(value: number | null, stderr: number | null): Cell {
  const { value: text, error } = rounded(value, stderr);
  return { html: `${text}${error === "" ? "" : `<span class="error">± ${error}</span>`}` };
}

/** Whether an interval is clear of zero, and on which side. */
function verdictOf({ better }: ReportMetric, { difference, low, high }: ReportComparison): "better" | "worse" | "open" {
  if (low === null || high === null || (low <= 0 && high >= 0)) return "open";
  return (difference! > 0) === (better === "higher") ? "better" : "worse";
}

/** The interval about zero, in units of its own farther end; better is always on the right. */
function intervalDrawing(metric: ReportMetric, comparison: ReportComparison, verdict: string): string {
  const { difference, low, high } = comparison;
  if (difference === null || low === null || high === null) return "";
  const farthest = Math.max(Math.abs(low), Math.abs(high), Math.abs(difference));
  if (farthest === 0) return "";
  const side = metric.better === "higher" ? 1 : -1;
  const x = (value: number) => (REACH * (1 + 0.92 * side * value / farthest)).toFixed(1);
  return `<svg class="interval ${verdict}" viewBox="0 0 ${2 * REACH} ${2 * MIDDLE}" role="img"><title>${
    escape(`${number(low)} to ${number(high)}: ${verdict === "open" ? "not clear of zero" : verdict}`)
  }</title><line class="zero" x1="${REACH}" x2="${REACH}" y1="0" y2="${2 * MIDDLE}"/><line x1="${x(low)}" x2="${
    x(high)
  }" y1="${MIDDLE}" y2="${MIDDLE}"/><circle cx="${x(difference)}" cy="${MIDDLE}" r="3.5"/></svg>`;
}

/**
 * What each number rests on: weights, variant, precision, preprocessing, count; metrics that agree share a row.
 *
 * @param metrics The metrics.
 * @returns HTML.
 */
export function hygieneTable(metrics: readonly ReportMetric[]): string {
  const groups = Map.groupBy(
    metrics,
    ({ hygiene, count, resampled_by }) => JSON.stringify({ hygiene, count, resampled_by }),
  ).values();
  const rows = [...groups].map((alike) => {
    const [{ hygiene, count, resampled_by }] = alike;
    const { weights, sha256, variant, dtype, preprocessing, definition, reference } = hygiene;
    const spreads = alike.flatMap(({ label, chunk_std }) =>
      chunk_std === undefined ? [] : [`${label}: ten chunk means ± ${number(chunk_std)}`]
    );
    return {
      title: alike.map(({ label }) => escape(label)).join(",<br>"),
      cells: [
        `${escape(weights)}<br><code>${sha256}</code>`,
        `${escape(variant)}${definition ? `:<br>${escape(definition)}` : ""}<br><span class="soft">${
          escape(dtype)
        }</span>`,
        escape(preprocessing),
        [
          `${count} images${reference ? ` against ${escape(reference)}` : ""}`,
          `<span class="soft">errors by the ${resampled_by}</span>`,
          ...spreads.map((text) => `<span class="soft">${escape(text)}</span>`),
        ].join("<br>"),
      ].map((html) => ({ html })),
    };
  });
  const head = ["Metric", "Weights, SHA-256", "Model", "Images enter as", "Count"].map((html) => ({ html }));
  return table(head, rows, "wide");
}
