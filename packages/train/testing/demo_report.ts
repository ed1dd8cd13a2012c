/** A report of made-up numbers. */
import { evaluationItems } from "../evaluate/evaluation_items.ts";
import { groupByPrompt } from "../evaluate/measure.ts";
import { type Hygiene, meanOverPrompts, type Measurement } from "../evaluate/measurement.ts";
import { promptSet } from "../evaluate/prompt_set.ts";
import { makeReport, type MeasuredRun, type Report } from "../evaluate/report.ts";

/** Where the numbers come from: nowhere. */
export const HYGIENE: Hygiene = {
  weights: "judge.safetensors",
  sha256: "5".repeat(64),
  variant: "made up, unspoiled | by pipes",
  dtype: "f32 weights",
  preprocessing: "8-bit RGB as it is",
};

/**
 * Twelve images of six prompts, compared with twelve others.
 *
 * @param folder Where image files lie: `after-N.png` and `before-N.png`.
 * @returns The report.
 */
export function demoReport(folder = "."): Report {
  const prompts = ["a", "b", "c", "d", `"e" & <f>`, "g".repeat(40)];
  const items = evaluationItems(promptSet("made up", prompts), 2), groups = groupByPrompt(items);
  const run = (path: string, worse: (i: number) => number): MeasuredRun => {
    const scores = [10, 11, 40, 41, 20, 21, 70, 71, 35, 36, 90, 91].map((x, i) => x - worse(i));
    const common = { hygiene: HYGIENE, count: items.length };
    const measurements: Measurement[] = [
      {
        ...common,
        name: "score",
        label: "Score",
        better: "higher",
        perImage: scores,
        statistic: meanOverPrompts(scores, groups),
      },
      {
        ...common,
        name: "spread",
        label: "Spread",
        better: "lower",
        isOfSet: true,
        statistic: (chosen) => new Set(chosen).size,
      },
    ];
    return {
      subject: {
        kind: "images",
        path,
        sha256: "7".repeat(64),
        variant: "files",
        dtype: "8-bit",
        sampling: "elsewhere",
      },
      files: items.map(({ index }) => `${folder}/${path}-${index}.png`),
      measurements,
    };
  };
  return makeReport(
    {
      date: "2026-01-02T03:04:05Z",
      command: "deno task evaluate --images after --compare before",
      adapter: "none",
      prompts: { name: "made up", count: 6, images_per_prompt: 2, sha256: "9".repeat(64) },
      seeds: { seed: 1, rule: "none" },
      resamples: 1000,
      level: 0.95,
    },
    items,
    run("after", () => 0),
    run("before", (i) => Math.floor(i / 2) % 2 === 0 ? 3 : 5),
  );
}
