/** A comparison as Markdown. */
import { number, rounded } from "../evaluate/format_number.ts";
import type { Comparison, ComparisonRow, Spread } from "./comparison.ts";

/**
 * Writes the table, what it rests on, and what failed.
 *
 * @param comparison The comparison.
 * @returns Markdown.
 */
export function comparisonTable(comparison: Comparison): string {
  const { metrics, rows, budget, failed } = comparison;
  const head = [
    "Objective",
    "alpha_rew",
    "Steps",
    ...metrics.map(({ label, better }) => `${label} ${better === "higher" ? "↑" : "↓"}`),
    "s/step",
    "Peak MiB",
  ];
  const lines = rows.map((row) => [
    row.name,
    row.objective && "alpha_rew" in row.objective ? `${row.objective.alpha_rew}` : "",
    row.steps === undefined ? "" : `${row.steps}`,
    ...metrics.map(({ name }) => plusMinus(row.metrics[name])),
    isTrained(row) ? number(row.stepSeconds.mean) : "",
    isTrained(row) ? number(row.peakBytes.mean === null ? null : row.peakBytes.mean / 2 ** 20) : "",
  ]);
  const seeds = Math.max(...rows.map((row) => row.seeds.length));
  const spent = "steps" in budget ? `${budget.steps} steps` : `${budget.seconds} s of training`;
  const notes = [
    `Each run had ${spent}. Mean ± standard error over ${seeds === 1 ? "1 seed (no error)" : `${seeds} seeds`}; ` +
    `every number is of ${comparison.images}, drawn from the same noise.`,
    ...rows.filter((row) => isTrained(row) && row.seeds.length < seeds)
      .map((row) => `${row.name}: ${row.seeds.length} of ${seeds} seeds.`),
    ...rows.filter(({ ended }) => ended.length > 0)
      .map(({ name, ended }) => `${name}: ended by the watcher before the last step with seed ${ended.join(", ")}.`),
    ...failed.map(({ name, seed, reason }) =>
      `**Failed:** ${name}${seed === undefined ? "" : `, seed ${seed}`}: ${reason}`
    ),
    `${comparison.adapter}, ${comparison.date.slice(0, 10)}: \`${comparison.command}\``,
  ];
  return `${markdown(head, lines)}\n\n${notes.join("\n\n")}\n`;
}

function isTrained(row: ComparisonRow): boolean {
  return row.objective !== undefined;
}

function plusMinus(spread: Spread | undefined): string {
  const { value, error } = rounded(spread?.mean ?? null, spread?.stderr ?? null);
  return error === "" ? value : `${value} ± ${error}`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map((_, i) => i === 0 ? "---" : "---:").join("|")}|`, ...rows.map(line)].join("\n");
}
