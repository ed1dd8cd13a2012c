import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { evaluationItems } from "./evaluation_items.ts";
import { markdownReport } from "./markdown_report.ts";
import { groupByPrompt } from "./measure.ts";
import { meanOverPrompts, ofRows } from "./measurement.ts";
import { promptSet } from "./prompt_set.ts";
import { makeReport } from "./report.ts";
import { demoReport, HYGIENE } from "../testing/demo_report.ts";

Deno.test("a report's errors are over prompts, and two runs are compared in pairs", () => {
  const report = demoReport();
  const [score, spread] = report.metrics;
  const means = [10, 40, 20, 70, 35, 90].map((x) => x + 0.5);
  const mean = means.reduce((a, b) => a + b) / 6;
  assertAlmostEquals(score.value!, mean, 1e-12);
  // The standard deviation over prompts, population as the bootstrap has it, by the root of their number
  const stderr = Math.sqrt(means.reduce((s, x) => s + (x - mean) ** 2, 0) / 6 / 6);
  assertAlmostEquals(score.stderr!, stderr, 0.1 * stderr);
  // The other run is worse by 3 or 5: prompts differ by far more, and that cancels
  const { difference, low, high, other_stderr } = score.comparison!;
  assertAlmostEquals(difference!, 4, 1e-12);
  assert(low! >= 3 && high! <= 5 && low! < 4 && high! > 4);
  assert(other_stderr! > 5);
  assertEquals([score.resampled_by, spread.resampled_by], ["bootstrap", "jackknife"]);
  assertEquals(spread.comparison!.difference, 0);
});

Deno.test("one prompt has a value and no error", () => {
  const items = evaluationItems(promptSet("one", ["a"]), 2), groups = groupByPrompt(items);
  const [score] = makeReport(
    {
      date: "2026-01-01T00:00:00Z",
      command: "",
      adapter: "",
      prompts: { name: "one", count: 1, images_per_prompt: 2, sha256: "" },
      seeds: { seed: 0, rule: "" },
      resamples: 10,
      level: 0.95,
    },
    items,
    {
      subject: { kind: "images", path: "x", sha256: "", variant: "", dtype: "", sampling: "" },
      files: ["0", "1"],
      measurements: [{
        name: "s",
        label: "S",
        better: "higher",
        hygiene: HYGIENE,
        count: 2,
        perImage: [1, 2],
        statistic: meanOverPrompts([1, 2], groups),
      }],
    },
  ).metrics;
  assertEquals([score.value, score.stderr], [1.5, null]);
});

Deno.test("a choice of prompts is computed once", () => {
  let times = 0;
  const statistic = ofRows([Float64Array.of(1), Float64Array.of(2)], [[0], [1]], (rows) => {
    times++;
    return rows.reduce((sum, [x]) => sum + x, 0);
  });
  assertEquals([statistic([0, 1]), statistic([0, 1]), statistic([1, 1])], [3, 3, 4]);
  assertEquals(times, 2);
});

Deno.test("the Markdown has the papers' table and the hygiene of every number", () => {
  const text = markdownReport(demoReport());
  const [head, , own, other, difference] = text.split("\n").filter((line) => line.startsWith("|"));
  assertEquals(head, "| Model | Score ↑ | Spread ↓ |");
  assertMatch(own, /^\| after \| 45 ± 1\d \| /);
  assertMatch(other, /^\| before \| 41 ± 1\d \| /);
  assertMatch(difference, /^\| Difference \| \+4\.\d+ \[\+3\.\d+, \+[45]\.\d+\] \| /);
  for (const fact of [HYGIENE.sha256, HYGIENE.preprocessing, HYGIENE.dtype, "6, 2 images each", "| Score | 12 |"]) {
    assertStringIncludes(text, fact);
  }
  assertStringIncludes(text, "`deno task evaluate --images after --compare before`");
  assertStringIncludes(text, "unspoiled \\| by pipes");
});
