/** Reports as Markdown: the table that papers print, then what each number rests on. */
import { number, rounded, signed } from "./format_number.ts";
import type { Report, ReportMetric } from "./report.ts";
import { namesOf } from "./run_names.ts";

/**
 * Writes a report as Markdown.
 *
 * @param report The report.
 * @returns The text of `report.md`.
 */
export function markdownReport(report: Report): string {
  const { metrics, subject, other, prompts, seeds, resampling } = report;
  const [own, theirs] = namesOf(subject, other);
  const head = ["Model", ...metrics.map(({ label, better }) => `${label} ${better === "higher" ? "↑" : "↓"}`)];
  const rows = [
    [own, ...metrics.map(({ value, stderr }) => plusMinus(value, stderr))],
    ...(other
      ? [
        [theirs, ...metrics.map(({ comparison }) => plusMinus(comparison!.other, comparison!.other_stderr))],
        ["Difference", ...metrics.map(interval)],
      ]
      : []),
  ];
  const facts: [string, string][] = [
    ["Measured", describe(subject)],
    ...(other ? [["Compared with", describe(other)] as [string, string]] : []),
    [
      "Prompts",
      `${prompts.name}: ${prompts.count}, ${prompts.images_per_prompt} images each, sha256 ${prompts.sha256}`,
    ],
    ["Seeds", `${seeds.seed}; ${seeds.rule}`],
    [
      "Standard errors",
      resampling.resamples === 0 ? "none" : `${resampling.resamples} resamples; ${resampling.rule}` +
        `; intervals of ${100 * resampling.level} %`,
    ],
    ["Adapter", report.adapter],
    ["Date", report.date],
    ["Command", `\`${report.command}\``],
  ];
  return `# Evaluation of ${own}

${table(head, rows)}

± is one standard error over prompts${other ? "; differences with their paired interval" : ""}.

## What was measured

${table(["", ""], facts)}

## What each number rests on

${
    table(
      ["Metric", "Images", "Weights", "Model", "Precision", "Images enter as", "Against"],
      metrics.map(({ label, count, hygiene: h, chunk_std }) => [
        chunk_std === undefined ? label : `${label} (chunk means ± ${number(chunk_std)})`,
        `${count}`,
        `${h.weights}, sha256 ${h.sha256}`,
        h.definition === undefined ? h.variant : `${h.variant}: ${h.definition}`,
        h.dtype,
        h.preprocessing,
        h.reference ?? "",
      ]),
    )
  }
`;
}

function plusMinus(value: number | null, stderr: number | null): string {
  const { value: text, error } = rounded(value, stderr);
  return error === "" ? text : `${text} ± ${error}`;
}

function interval({ comparison }: ReportMetric): string {
  const { difference, low, high } = signed(comparison!.difference, comparison!.low, comparison!.high);
  return low === "" ? difference : `${difference} [${low}, ${high}]`;
}

function describe({ path, variant, sampling, dtype, sha256 }: Report["subject"]): string {
  return `${path} (${variant}; ${sampling}; ${dtype}; sha256 ${sha256})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
