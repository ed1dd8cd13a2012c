import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunRecord } from "../run/run_directory.ts";
import { BROWSER, openPage } from "../testing/browser.ts";
import { htmlRunReport } from "./html_run_report.ts";
import { markdownRunReport } from "./markdown_run_report.ts";
import { partingCurves, type RunReport, verdict } from "./run_report.ts";

/** A run whose rewards part at step 10 and that was ended at step 30. */
function demo(): RunReport {
  const [rewards, tastes] = [[1, 2, 3, 4], [1, 3, 2, 1]];
  const config = { stage: "align", seed: 7, steps: 100 } as RunRecord["config"];
  return {
    name: `a <b> & "c"`,
    record: { config, derived: {}, adapter: "none", command: "deno task train a.json --set b=c|d" },
    date: "2026-01-02T03:04:05Z",
    steps: 30,
    summary: { before: { reward: 1, frechet: null }, after: { reward: 2.5, frechet: 0.25 }, held_out_accuracy: 0.5 },
    stopped: { reason: "they parted", kept: 10 },
    lines: [1, 2, 3].map((step) => ({ step, "loss/ikl": 1 / step, step_seconds: 1 })),
    shown: ["loss/ikl", "reward"],
    history: rewards.map((reward, i) => ({
      step: 10 * i,
      metrics: { reward, held_out_reward: tastes[i], diversity: i === 3 ? null : 0.5 },
      per_prompt: { reward: [reward - 2, reward + 2], held_out_reward: [tastes[i] - 1, tastes[i] + 1] },
    })),
    rule: { training: "reward", heldOut: "held_out_reward", parted: 2, below: {} },
  };
}

Deno.test("both rewards are drawn in deviations over prompts since the first look", () => {
  assertEquals(partingCurves(demo()), [
    { label: "reward", points: [[0, 0], [10, 0.5], [20, 1], [30, 1.5]] },
    { label: "held-out reward", points: [[0, 0], [10, 2], [20, 1], [30, 0]] },
  ]);
  assertEquals(partingCurves({ ...demo(), history: [] }), []);
});

Deno.test("the verdict says where they part, whether they met again, and what the run did about it", () => {
  const report = demo(), { stopped: _, ...going } = report;
  const parted = "The reward and the held-out reward part at step 10: after it the first rises and the second falls";
  assertEquals(verdict(report), `${parted}. The run was ended at step 30; its model is that of step 10.`);
  assertEquals(verdict(going), `${parted}.`);
  const last = { ...report.history[3], step: 40, per_prompt: report.history[1].per_prompt };
  assertEquals(
    verdict({ ...going, history: [...report.history, last] }),
    `${parted}, though at the last look the second is back within its noise.`,
  );
  assertEquals(
    verdict({ ...going, history: report.history.slice(0, 2) }),
    "The reward and the held-out reward have not parted.",
  );
});

Deno.test("report.md has the looks as a table, and the command as it is typed", () => {
  const text = markdownRunReport(demo(), "watch.svg");
  assertStringIncludes(
    text,
    "| step | reward | held-out reward | diversity |\n|---|---:|---:|---:|\n| 0 | 1.000 | 1.000 | 0.500 |",
  );
  assertStringIncludes(text, "| 30 | 4.000 | 1.000 | \u2013 |");
  assertStringIncludes(text, "`deno task train a.json --set b=c\\|d`");
});

Deno.test({
  name: "a run's report.html in a browser: whole on a phone and a desk, and nothing from outside" +
    (BROWSER ? "" : " (left out: this machine has no Chromium)"),
  ignore: BROWSER === undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
      await Deno.writeTextFile(`${folder}/report.html`, htmlRunReport(demo(), [{ label: "after", url: pixel }]));
      const frames = [390, 1200].map((width) =>
        `<iframe src="report.html" style="width:${width}px;border:0"></iframe>`
      );
      const look = `addEventListener("load", () => {
        const seen = [...document.querySelectorAll("iframe")].map(({ contentDocument: page, contentWindow: view }) => {
          const { clientWidth, scrollWidth } = page.documentElement;
          const marks = [...page.querySelectorAll("svg .mark")].map((mark) => mark.textContent);
          const plots = [...page.querySelectorAll("svg")].map((svg) => svg.getBoundingClientRect().width);
          const outside = view.performance.getEntriesByType("resource").map(({ name }) => name);
          return { clientWidth, scrollWidth, title: page.title, marks, plots, outside };
        });
        document.querySelector("#seen").textContent = JSON.stringify(seen);
      });`;
      const page = `<!doctype html><script>${look}</script>${frames.join("")}<pre id="seen"></pre>`;
      await Deno.writeTextFile(`${folder}/look.html`, page);
      const text = /<pre id="seen">(.*)<\/pre>/s.exec(await openPage(`${folder}/look.html`))![1];
      const seen = JSON.parse(text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"));
      assertEquals(seen.length, 2);
      for (const { clientWidth, scrollWidth, title, marks, plots, outside } of seen) {
        assertEquals(scrollWidth, clientWidth, "nothing sticks out at the side");
        assertEquals(title, `Run a <b> & "c"`);
        assertEquals(marks.slice(0, 2), ["they part: step 10", "ended: step 30"]);
        // The two rewards together, three metrics, one curve of the training
        assertEquals(plots.length, 5);
        assert(plots.every((width: number) => width > 200));
        assertEquals(outside.filter((name: string) => !name.startsWith("data:")), []);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
