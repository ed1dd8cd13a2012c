import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { readSafetensors } from "@dipp/nn";
import type { WatchPoint } from "../run/watch_history.ts";
import { CONFIGS, run } from "../testing/command.ts";

Deno.test("a reward that is hacked is found out: watched, ended, and taken back to where it was still honest", async (t) => {
  const directory = await Deno.makeTempDir();
  const file = (name: string) => `${directory}/${name}/model.safetensors`;
  const train = async (stage: string, name: string, ...sets: string[]) => {
    const result = await run(
      ...["train", `${CONFIGS}${stage}.json`, "--json", "--out", `${directory}/${name}`],
      ...sets.flatMap((set) => ["--set", set]),
    );
    assertEquals(result.code, 0, result.said);
    return { said: result.said, ...JSON.parse(result.last) };
  };
  const looks = async (name: string): Promise<WatchPoint[]> =>
    (await Deno.readTextFile(`${directory}/${name}/watch.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
  const report = (name: string, kind: string) => Deno.readTextFile(`${directory}/${name}/report.${kind}`);
  /** Nothing but a reward for brightness, and somebody beside it who asks for the right colour. */
  const hack = (name: string, steps: number, ...sets: string[]) =>
    train(
      "align",
      name,
      ...[`steps=${steps}`, `teacher=${file("teacher")}`, `reward=${file("bright")}`, `clip=${file("clip")}`],
      ...[`held_out_reward=${file("taste")}`, "generator.checkpoint=null", "fake.checkpoint=null"],
      ...['objective={"name":"dipp","kl":false,"alpha_rew":1}', 'evaluation.models=["after"]', ...sets],
    );
  const watch = (stop: unknown, every = 10) => `watch=${JSON.stringify({ every, prompts: 8, stop })}`;
  try {
    const long = ["steps=800", "batch_size=8", "optimizer.lr=0.005", "optimizer.ema_decay=null", "checkpoint.every=0"];
    await train("teacher", "teacher", ...long);
    await train("clip", "clip", "steps=100", "optimizer.lr=0.01");
    await train("preference", "bright", "steps=60", "optimizer.lr=0.01", "data.prefer=bright");
    await train("preference", "taste", "steps=300", "optimizer.lr=0.01", "data.prefer=prompt");

    const { stopped, steps } = await hack("hacked", 200, watch({ parted: 3 }));
    const history = await looks("hacked");
    const at = (step: number) => history.find((look) => look.step === step)!;

    await t.step("it ends three looks after the two have parted", () => {
      assert(steps < 200 && steps === stopped.kept + 10 * (history.length - 1 - stopped.kept / 10));
      assertStringIncludes(stopped.reason, `reward has risen and held_out_reward fallen since step ${stopped.kept}`);
      const [best, last] = [at(stopped.kept).metrics, at(steps).metrics];
      assert(last.reward! > best.reward! && last.held_out_reward! < best.held_out_reward!);
      for (const { metrics } of history) assert(metrics.held_out_reward! <= best.held_out_reward!);
      assertEquals(Object.keys(best), ["reward", "held_out_reward", "clipscore", "diversity"]);
    });

    await t.step("the model is that of the parting", async () => {
      await hack("shorter", stopped.kept, "generator.every=1");
      const [kept, shorter] = await Promise.all([file("hacked"), file("shorter")].map((path) => readSafetensors(path)));
      for (const [name, entry] of shorter.tensors) {
        assertEquals(kept.tensors.get(name)!.toFloat32(), entry.toFloat32(), name);
      }
    });

    await t.step("the report of the run marks where they part", async () => {
      const [page, text] = [await report("hacked", "html"), await report("hacked", "md")];
      for (const mark of [`they part: step ${stopped.kept}</text>`, `ended: step ${steps}</text>`]) {
        assertStringIncludes(page, mark);
      }
      assertStringIncludes(text, `part at step ${stopped.kept}: after it the first rises and the second falls`);
      assertStringIncludes(text, "![rise since the first look, in standard deviations over prompts](watch.svg)");
      assert(!/(src|href)="(?!data:)/.test(page), "the page needs nothing but itself");
    });

    await t.step("brightness itself, trained on without anything beside it, is found out at once", async () => {
      const { stopped, steps } = await hack(
        "bright-formula",
        200,
        watch({ parted: 2 }),
        'reward={"type":"brightness"}',
      );
      assertEquals([stopped.kept, (await looks("bright-formula")).at(-1)!.step], [0, steps]);
      assert(steps <= 40 && (await looks("bright-formula")).at(-1)!.metrics.reward! > 0.95);
    });

    await t.step("a run in two parts looks and ends as one in one go does", async () => {
      await hack("parts", stopped.kept + 5, watch({ parted: 3 }));
      const { code, last } = await run(
        ...["train", "--resume", "--json", "--out", `${directory}/parts`, "--steps", "200"],
      );
      assertEquals(code, 0);
      assertEquals(JSON.parse(last).stopped, stopped);
      assertEquals(await looks("parts"), history);
    });

    await t.step("without a rule it goes on to the end, and the report says that they have parted", async () => {
      const { stopped: none, ...rest } = await hack("watched", 200, watch(null, 50));
      assertEquals([none, rest.steps], [undefined, 200]);
      const all = await looks("watched");
      assertAlmostEquals(all[1].metrics.reward!, at(50).metrics.reward!, 1e-9);
      assertStringIncludes(await report("watched", "md"), "The reward and the held-out reward part at step");
    });

    await t.step("what no rule can be made of is refused", async () => {
      for (
        const [config, expected] of [
          [{ held_out: "frechet", metrics: ["reward", "frechet"] }, "watch.held_out is frechet, expected a mean over"],
          [{ held_out: "taste" }, "watch.held_out is taste, which is not watched, expected one of reward,"],
          [{ metrics: ["beauty"] }, 'Metric "beauty" is not known'],
          [{ stop: { below: { reward: 0.5 } } }, "watch.stop.below has reward, a reward, whose zero means nothing"],
          [{ stop: { below: { vendi: 0.5 } } }, "watch.stop.below is vendi, which is not watched"],
        ] as const
      ) {
        const sets = [`teacher=${file("teacher")}`, `reward=${file("bright")}`, `clip=${file("clip")}`];
        const { code, said } = await run(
          ...["train", `${CONFIGS}align.json`, "--out", `${directory}/refused`],
          ...[...sets, "generator.checkpoint=null", "fake.checkpoint=null"].flatMap((set) => ["--set", set]),
          ...["--set", `watch=${JSON.stringify({ every: 10, prompts: 2, ...config })}`],
        );
        assertEquals(code, 2, said);
        assertStringIncludes(said, expected);
      }
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
