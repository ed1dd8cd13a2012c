/** The report of a run as Markdown. */
import { summaryTable } from "../cli/summary_table.ts";
import { number } from "../evaluate/format_number.ts";
import { plain, type RunReport, verdict } from "./run_report.ts";

/**
 * Writes the report.
 *
 * @param report A run.
 * @param curveFile The drawing of the parting, relative to the report; undefined where there is none.
 * @returns The text of `report.md`.
 */
export function markdownRunReport(report: RunReport, curveFile?: string): string {
  const { name, record, steps, date, summary, stopped, history } = report;
  const names = Object.keys(history[0]?.metrics ?? {});
  const watched = history.length === 0 ? "" : `
## Watched for reward hacking

**${verdict(report)}**${stopped ? ` Reason: ${stopped.reason}.` : ""}
${curveFile === undefined ? "" : `\n![rise since the first look, in standard deviations over prompts](${curveFile})\n`}
| step | ${names.map(plain).join(" | ")} |
|---|${names.map(() => "---:|").join("")}
${history.map(({ step, metrics }) => `| ${step} | ${names.map((n) => number(metrics[n])).join(" | ")} |`).join("\n")}
`;
  return `# ${name}

\`\`\`
${summaryTable(summary)}
\`\`\`

| | |
|---|---|
| Stage | ${record.config.stage} |
| Steps | ${steps} of ${record.config.steps} |
| Device | ${record.adapter} |
| Date | ${date.slice(0, 10)} |
| Command | \`${record.command.replaceAll("|", "\\|")}\` |
${watched}`;
}
