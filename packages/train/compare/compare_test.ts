import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ObjectiveName } from "@dipp/objectives";
import { ConfigError } from "../config/config_error.ts";
import { loadConfig } from "../config/load_config.ts";
import type { Report } from "../evaluate/report.ts";
import { CONFIGS, run } from "../testing/command.ts";
import { runChild } from "./child_process.ts";
import { comparable, compare, type CompareOptions } from "./compare.ts";
import type { Comparison } from "./comparison.ts";
import { comparisonTable } from "./comparison_table.ts";
import { runFacts } from "./run_facts.ts";

Deno.test("objectives are compared on one budget: in one table, once each, whatever fails", async (t) => {
  const directory = await Deno.makeTempDir();
  const file = (name: string) => `${directory}/${name}.safetensors`;
  const commands: string[] = [];
  /** Runs commands in this process, which is faster, and fails where it is told. */
  let fails = (_label: string) => false;
  const here: CompareOptions["run"] = async (args, label) => {
    commands.push(`${args[0]} ${label}`);
    if (fails(label) && args[0] === "train") return { code: 1, reason: "the lights went out" };
    const { code, said } = await run(...args);
    return { code, reason: code === 0 ? "" : said };
  };
  try {
    for (const stage of ["teacher", "preference", "clip"]) {
      const out = ["--out", `${directory}/${stage}`, "--set", `export=${file(stage)}`, "--steps", "3"];
      assertEquals((await run("train", `${CONFIGS}${stage}.json`, ...out)).code, 0);
    }
    const path = `${CONFIGS}align.json`;
    const sets = [
      ...["teacher", "clip"].map((name) => `${name}=${file(name)}`),
      ...[`reward=${file("preference")}`, `held_out_reward=${file("preference")}`],
      ...["generator.checkpoint=null", "fake.checkpoint=null", "fake.updates=1"],
    ];
    const config = comparable(await loadConfig(path, sets));
    const options = (objectives: ObjectiveName[], seeds: number[], more: Partial<CompareOptions> = {}) => ({
      ...{ path, config, sets, objectives, seeds, own: {}, fitsReward: true },
      budget: { steps: 2 },
      metrics: "reward,held_out_reward,clipscore,retrieval,frechet,diversity",
      ...{ out: `${directory}/compared`, command: "deno task compare", common: [], run: here },
      interrupt: { requested: false },
      note: () => {},
      ...more,
    });
    let first: Comparison;

    await t.step("means and standard errors are those of the runs' evaluations", async () => {
      fails = (label) => label === "sid seed-1";
      first = (await compare(options(["ikl", "dipp", "sid"], [0, 1])))!;
      assertEquals(first.rows.map(({ name, seeds }) => [name, seeds]), [
        ["teacher", []],
        ["ikl", [0, 1]],
        ["dipp", [0, 1]],
        ["sid", [0]],
      ]);
      const { metrics, stepSeconds, peakBytes } = first.rows[2];
      for (const name of ["reward", "clipscore", "retrieval_at_5", "frechet", "diversity"]) {
        const values = await Promise.all([0, 1].map(async (seed) => {
          const text = await Deno.readTextFile(`${directory}/compared/dipp/seed-${seed}/evaluation/report.json`);
          return (JSON.parse(text) as Report).metrics.find((metric) => metric.name === name)!.value!;
        }));
        assertAlmostEquals(metrics[name].mean!, (values[0] + values[1]) / 2, 1e-12);
        assertAlmostEquals(metrics[name].stderr!, Math.abs(values[0] - values[1]) / 2, 1e-12);
      }
      assertEquals(metrics.held_out_reward, metrics.reward);
      assert(stepSeconds.mean! > 0 && peakBytes.mean! > 0);
    });

    await t.step("a run that failed is reported, and the others go on", async () => {
      assertEquals(first.failed, [{ name: "sid", seed: 1, reason: "the lights went out" }]);
      const text = await Deno.readTextFile(`${directory}/compared/compare.md`);
      assertStringIncludes(text, comparisonTable(first));
      assertStringIncludes(text, "**Failed:** sid, seed 1: the lights went out");
      assertStringIncludes(text, "sid: 1 of 2 seeds");
      assertEquals(JSON.parse(await Deno.readTextFile(`${directory}/compared/compare.json`)), first);
    });

    await t.step("the same command runs what is missing and nothing else", async () => {
      fails = () => false;
      commands.length = 0;
      const again = (await compare(options(["ikl", "dipp", "sid"], [0, 1])))!;
      assertEquals(commands, ["train sid seed-1", "evaluate sid seed-1"]);
      assertEquals(again.failed, []);
      assertEquals(again.rows.slice(0, 3), first.rows.slice(0, 3));
    });

    await t.step("rewards are weighed so that every objective feels them alike at the start", async () => {
      const { objective } = first.rows[3];
      assert(objective?.name === "sid" && objective.alpha_rew !== 10);
      const ratio = async (name: string) => (await runFacts(`${directory}/compared/trials/${name}`)).rewardRatio!;
      const expected = 10 * await ratio("dipp") / await ratio("sid");
      assertAlmostEquals(objective.alpha_rew!, expected, 0.005 * expected);
      const same = await compare(
        options(["sid"], [0], { fitsReward: false, out: `${directory}/same`, budget: { steps: 1 } }),
      );
      assertEquals((same!.rows[1].objective as { alpha_rew: number }).alpha_rew, 10);
    });

    await t.step("a run that its watcher ended is done, and the table says so", async () => {
      const watch = {
        every: 1,
        prompts: 2,
        images_per_prompt: 2,
        metrics: ["diversity"],
        stop: { below: { diversity: 10 } },
      };
      const own = { own: { ikl: [`watch=${JSON.stringify(watch)}`] }, out: `${directory}/watched` };
      const [once, twice] = [await compare(options(["ikl"], [0], own)), await compare(options(["ikl"], [0], own))];
      assertEquals(once!.rows[1].ended, [0]);
      assertEquals(twice!.rows, once!.rows);
      assertStringIncludes(comparisonTable(once!), "ikl: ended by the watcher before the last step with seed 0.");
    });

    await t.step("a budget in seconds becomes steps by a trial", async () => {
      const own = (await compare(options(["sid"], [0], { budget: { seconds: 1 }, out: `${directory}/timed` })))!;
      const trial = await runFacts(`${directory}/timed/trials/sid`);
      assertEquals(own.rows[1].steps, Math.floor(1 / trial.stepSeconds!));
    });

    await t.step("a directory of other runs is refused", async () => {
      const other = options(["ikl"], [0], { own: { ikl: ["batch_size=2"] } });
      const error = await assertRejects(() => compare(other), ConfigError);
      assertStringIncludes(error.message, "batch_size was 4 and is 2; expected a new directory");
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a command in a process of its own says why it failed", async () => {
  const { error } = console, said: string[] = [];
  console.error = (text: unknown) => void said.push(`${text}`);
  try {
    const result = await runChild(["train", "/none.json"], "dipp seed-0");
    assertEquals(result, { code: 2, reason: "Cannot read configuration /none.json: no such file" });
    assertEquals(said, ["dipp seed-0 | error: Cannot read configuration /none.json: no such file"]);
  } finally {
    console.error = error;
  }
});
