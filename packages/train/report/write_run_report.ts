/** Leaves the report of a run in its directory. */
import { writeAtomic } from "@dipp/nn";
import { readMetrics } from "../run/metrics_log.ts";
import type { RunRecord } from "../run/run_directory.ts";
import type { WatchRule } from "../run/watch_history.ts";
import { readHistory } from "../run/watcher.ts";
import { curve } from "./curve.ts";
import { htmlRunReport, type ReportPicture } from "./html_run_report.ts";
import { markdownRunReport } from "./markdown_run_report.ts";
import { marksOf, partingCurves, type RunReport, verdict } from "./run_report.ts";

/** What the directory does not tell. */
export type RunEnd =
  & Pick<RunReport, "steps" | "summary" | "shown" | "stopped">
  & { readonly record: RunRecord; readonly rule?: WatchRule };

/** Pictures that the page shows, the first that there is. */
const PICTURES = ["comparison", "after"];

/**
 * Writes `report.md` and `report.html`, and `watch.svg` where the reward was held against something.
 *
 * @param out The run's directory.
 * @param end How the run ended.
 */
export async function writeRunReport(out: string, end: RunEnd): Promise<void> {
  const report: RunReport = {
    ...end,
    name: out.replace(/\/+$/, "").replace(/^.*\//, ""),
    date: new Date().toISOString(),
    lines: (await readMetrics(`${out}/metrics.jsonl`)).filter((line) => "step_seconds" in line),
    history: end.rule ? await readHistory(out) : [],
  };
  const drawing = curve(verdict(report), partingCurves(report), marksOf(report));
  if (drawing !== "") await writeAtomic(`${out}/watch.svg`, drawing + "\n");
  await writeAtomic(`${out}/report.md`, markdownRunReport(report, drawing === "" ? undefined : "watch.svg"));
  await writeAtomic(`${out}/report.html`, htmlRunReport(report, await pictures(out)));
}

async function pictures(out: string): Promise<ReportPicture[]> {
  for (const name of PICTURES) {
    try {
      const bytes = await Deno.readFile(`${out}/samples/${name}.png`);
      return [{ label: name, url: `data:image/png;base64,${bytes.toBase64()}` }];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return [];
}
