/** Reports as Markdown: the table that papers print, then what each number rests on. */
import type { Report, ReportMetric } from "./report.ts";

/**
 * Writes a report as Markdown.
 *
 * @param report The report.
 * @returns The text of `report.md`.
 */
export function markdownReport(report: Report): string {
  const { metrics, subject, other, prompts, seeds, resampling } = report;
  const head = ["Model", ...metrics.map(({ label, better }) => `${label} ${better === "higher" ? "↑" : "↓"}`)];
  const rows = [
    [baseName(subject.path), ...metrics.map(plusMinus)],
    ...(other
      ? [
        [baseName(other.path), ...metrics.map(({ comparison }) => number(comparison!.other))],
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
  return `# Evaluation of ${baseName(subject.path)}

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
        `${baseName(h.weights)}, sha256 ${h.sha256}`,
        h.variant,
        h.dtype,
        h.preprocessing,
        h.reference ?? "",
      ]),
    )
  }
`;
}

/** A number with four digits that count. */
export function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return value.toExponential(2);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.replace(/\/+$/, "").replace(/^.*\//, "");
}

function plusMinus({ value, stderr }: ReportMetric): string {
  return stderr === null ? number(value) : `${number(value)} ± ${number(stderr)}`;
}

function interval({ comparison }: ReportMetric): string {
  const { difference, low, high } = comparison!;
  const sign = (x: number) => x > 0 ? `+${number(x)}` : number(x);
  return Number.isFinite(low) ? `${sign(difference)} [${sign(low)}, ${sign(high)}]` : sign(difference);
}

function describe({ path, variant, sampling, dtype, sha256 }: Report["subject"]): string {
  return `${path} (${variant}; ${sampling}; ${dtype}; sha256 ${sha256})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
