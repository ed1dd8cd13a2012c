import { readSafetensors } from "@dipp/nn";
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { assertClose } from "@dipp/tensor/testing";
import { readImage } from "../images.ts";
import { checkpointOf, CONFIGS, run, start } from "../testing/command.ts";

/** The numbers of a run's steps. */
async function metricsOf(out: string): Promise<Record<string, number>[]> {
  const lines = (await Deno.readTextFile(`${out}/metrics.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
  return lines.filter((line) => line.loss !== undefined && !("event" in line));
}

Deno.test("the stages lead from images with names to an aligned generator", async (t) => {
  const directory = await Deno.makeTempDir();
  const file = (stage: string, name = "model") => `${directory}/${stage}/${name}.safetensors`;
  const train = async (stage: string, ...sets: string[]) => {
    const result = await run(
      "train",
      `${CONFIGS}${stage}.json`,
      "--json",
      ...["--out", `${directory}/${stage}`],
      ...sets.flatMap((set) => ["--set", set]),
    );
    assertEquals(result.code, 0, result.said);
    return JSON.parse(result.last);
  };
  try {
    await t.step("teacher, contrastive model and reward", async () => {
      assert(Number.isFinite((await train("teacher")).held_out_loss));
      assert((await train("clip")).held_out_accuracy >= 0);
      const { held_out_accuracy, steps, seconds } = await train("preference", "optimizer.lr=0.03");
      assert(held_out_accuracy >= 0.5);
      assertEquals(steps, 8);
      assert(seconds > 0);
      assertStringIncludes(await Deno.readTextFile(`${directory}/clip/model.md`), "coloured squares, made up");
    });

    await t.step("a generator from the teacher", async () => {
      const summary = await train("distill", `teacher=${file("teacher")}`);
      assertEquals(Object.keys(summary), ["before", "after", "teacher", "steps", "seconds"]);
      const lines = (await Deno.readTextFile(`${directory}/distill/metrics.jsonl`)).trim().split("\n");
      const [start, warm, full] = lines.map((line) => JSON.parse(line));
      assertEquals(start.derived.guidance, { alpha: 0.5, omega: 1.5 });
      assertEquals(start.derived.k_ta, 2);
      assert(!("grad_norm" in warm) && "loss_fake" in warm, "the first step warms the fake score up");
      assert(full.grad_norm > 0 && full["field_norm/kl"] > 0);
    });

    await t.step("the generator aligned", async () => {
      const inputs = [
        `teacher=${file("teacher")}`,
        `reward=${file("preference")}`,
        `clip=${file("clip")}`,
        `generator.checkpoint=${file("distill")}`,
        `fake.checkpoint=${file("distill", "fake")}`,
      ];
      const summary = await train("align", ...inputs);
      for (const who of ["before", "after", "teacher"]) {
        const { reward, retrieval_at_1, retrieval_at_5, frechet, diversity } = summary[who];
        for (const x of [reward, retrieval_at_1, retrieval_at_5, frechet, diversity]) assert(Number.isFinite(x));
      }
      const last = (await metricsOf(`${directory}/align`)).at(-1)!;
      const { "field_norm/ikl": ikl, "field_norm/reward": reward, "field_ratio/reward_to_kl": ratio } = last;
      assert(ikl > 0 && reward > 0 && ratio > 0);
      const [before, after] = await Promise.all(
        ["before", "after"].map((name) => Deno.readFile(`${directory}/align/samples/${name}.png`)),
      );
      assert(before.length > 100 && before.toString() !== after.toString());
    });

    await t.step("additions to the teacher are aligned in parts as at once, exported, and gone on with", async () => {
      const align = async (name: string, ...sets: string[]) => {
        const inputs = [`teacher=${file("teacher")}`, `reward=${file("preference")}`, `clip=${file("clip")}`];
        const all = [...inputs, "generator.checkpoint=null", "fake.checkpoint=null", 'memory.lora={"rank":2}', ...sets];
        const out = `${directory}/${name}`;
        const { code, said } = await run(
          ...["train", `${CONFIGS}align.json`, "--out", out],
          ...all.flatMap((set) => ["--set", set]),
        );
        assertEquals(code, 0, said);
        const lines = (await Deno.readTextFile(`${out}/metrics.jsonl`)).trim().split("\n");
        return lines.map((line) => JSON.parse(line)).filter(({ loss }) => loss !== undefined);
      };
      const whole = await align("lora-whole");
      const parted = await align("lora-parted", "memory.micro_batches=2", "memory.checkpoint=true");
      for (const name of ["loss", "loss_fake", "grad_norm", "grad_norm_fake", "reward"]) {
        assertClose(parted.map((m) => m[name]), whole.map((m) => m[name]), 2e-3, name);
      }
      const { tensors } = await readSafetensors(`${directory}/lora-whole/lora/adapter_model.safetensors`);
      assert([...tensors.keys()].every((key) => /^base_model\.model\..*\.lora_[AB]\.weight$/.test(key)));
      const checkpoint = (who: string) => `${directory}/lora-whole/${who}/adapter_model.safetensors`;
      await align(
        "lora-on",
        `generator.checkpoint=${checkpoint("lora")}`,
        `fake.checkpoint=${checkpoint("fake-lora")}`,
      );
      const { code, said } = await run(
        ...["train", `${CONFIGS}align.json`, "--out", `${directory}/lora-no`, "--set", 'memory.lora={"rank":2}'],
        ...["--set", `teacher=${file("teacher")}`, "--set", `generator.checkpoint=${file("distill")}`],
        ...["--set", `reward=${file("preference")}`, "--set", `clip=${file("clip")}`, "--set", "fake.checkpoint=null"],
      );
      assertStringIncludes(said, "expected additions (memory.lora)");
      assertEquals(code, 2);
    });

    await t.step("an alignment that is killed and resumed equals one that is not, bit for bit", async () => {
      const args = (out: string) => [
        "train",
        `${CONFIGS}align.json`,
        ...["--out", out, "--steps", "30"],
        ...[
          `teacher=${file("teacher")}`,
          `reward=${file("preference")}`,
          `clip=${file("clip")}`,
          `generator.checkpoint=${file("distill")}`,
          `fake.checkpoint=${file("distill", "fake")}`,
          "checkpoint.every=2",
        ].flatMap((set) => ["--set", set]),
      ];
      const whole = `${directory}/whole`, broken = `${directory}/broken`;
      const uninterrupted = await start(...args(whole)).finished();
      assertEquals(uninterrupted.code, 0, uninterrupted.stderr);
      const killed = start(...args(broken));
      await checkpointOf(broken, 4);
      killed.kill("SIGKILL");
      assert((await killed.finished()).code !== 0);
      const resumed = await start("train", "--resume", "--out", broken).finished();
      assertEquals(resumed.code, 0, resumed.stderr);
      assertMatch(resumed.stderr, /Going on after step [1-9]/);
      const last = "checkpoints/step-000030.safetensors";
      assertEquals(await Deno.readFile(`${broken}/${last}`), await Deno.readFile(`${whole}/${last}`));
    });

    await t.step("an alignment whose reward is an ONNX file is that of the network it was made of", async () => {
      const path = `${directory}/preference.onnx`;
      assertEquals((await run("export", "--checkpoint", file("preference"), "--out", path)).code, 0);
      const align = async (out: string, reward: string) => {
        const sets = [`teacher=${file("teacher")}`, `reward=${reward}`, "clip=null"];
        const starts = [`generator.checkpoint=${file("distill")}`, `fake.checkpoint=${file("distill", "fake")}`];
        const { code, said } = await run(
          ...["train", `${CONFIGS}align.json`, "--out", `${directory}/${out}`],
          ...[...sets, ...starts].flatMap((set) => ["--set", set]),
        );
        assertEquals(code, 0, said);
        return await metricsOf(`${directory}/${out}`);
      };
      const native = await align("native", file("preference"));
      const onnx = await align("onnx", JSON.stringify({ type: "onnx", path, input: "images", prompt: "ids" }));
      for (const [i, line] of native.entries()) {
        for (const name of ["reward", "loss", "loss/reward", "field_norm/reward", "grad_norm"]) {
          assertAlmostEquals(onnx[i][name], line[name], 1e-4 * Math.max(1, Math.abs(line[name])), `${name} of ${i}`);
        }
      }
    });

    await t.step("a composed reward logs its members, and its statistics are resumed bit for bit", async () => {
      const taste = { type: "normalized", reward: file("preference"), decay: 0.5 };
      const reward = {
        type: "sum",
        members: {
          taste,
          contrast: { type: "margin", margin: 1, reward: { type: "colorfulness" } },
          watched: { type: "normalized", reward: { type: "brightness" } },
        },
        weights: { contrast: 0.5 },
        held_out: "watched",
      };
      const align = async (out: string, ...args: string[]) => {
        const sets = [`teacher=${file("teacher")}`, `reward=${JSON.stringify(reward)}`, "clip=null"];
        const starts = ["generator.checkpoint=null", "fake.checkpoint=null", "checkpoint.every=3"];
        const { code, said, last } = await run(
          ...["train", `${CONFIGS}align.json`, "--json", "--out", `${directory}/${out}`, ...args],
          ...[...sets, ...starts].flatMap((set) => ["--set", set]),
        );
        assertEquals(code, 0, said);
        return JSON.parse(last);
      };
      const { after } = await align("composed", "--steps", "6");
      const { reward: mean, "reward/taste": a, "reward/contrast": b, "reward/watched": c } = after;
      assertAlmostEquals(mean, a + 0.5 * b, 1e-5);
      assert(Number.isFinite(c));
      for (const line of await metricsOf(`${directory}/composed`)) {
        for (const name of ["reward_grad_norm/taste", "reward_grad_norm/contrast"]) assert(line[name] > 0, name);
        assert(!("reward_grad_norm/watched" in line) && Number.isFinite(line["reward_gap/watched"]));
      }
      await align("composed-resumed", "--steps", "3");
      await align("composed-resumed", "--steps", "6", "--resume");
      const [whole, resumed] = ["composed", "composed-resumed"].map((out) =>
        Deno.readFileSync(`${directory}/${out}/checkpoints/step-000006.safetensors`)
      );
      assertEquals(resumed, whole);
      const state = (await readSafetensors(`${directory}/composed/checkpoints/step-000006.safetensors`)).tensors;
      const rest = state.get("reward.normalized_0.rest")!.toFloat32()[0];
      assertEquals(rest, 0.5 ** 6, "every step was learned from once");
      assertEquals(
        state.get("reward.normalized_1.rest")!.toFloat32()[0] < 1,
        true,
        "what is held out is normalised too",
      );

      const wrong = { ...reward, members: { ...reward.members, taste: { ...taste, reward: file("teacher") } } };
      const { code, said } = await run(
        ...["train", `${CONFIGS}align.json`, "--set", `teacher=${file("teacher")}`, "--set", "clip=null"],
        ...["--set", "generator.checkpoint=null", "--set", "fake.checkpoint=null"],
        ...["--set", `reward=${JSON.stringify(wrong)}`, "--out", `${directory}/wrong`],
      );
      assertEquals(code, 2);
      assertStringIncludes(said, "reward.members.taste.reward is ");
      assertStringIncludes(said, 'is of kind "teacher", expected preference');

      const evaluated = await run(
        ...["evaluate", `${CONFIGS}align.json`, "--checkpoint", file("align"), "--json", "--resamples", "0"],
        ...["--set", `teacher=${file("teacher")}`, "--set", "clip=null", "--set", `reward=${JSON.stringify(reward)}`],
        ...["--set", "generator.checkpoint=null", "--set", "fake.checkpoint=null", "--out", `${directory}/judged`],
      );
      assertEquals(evaluated.code, 0, evaluated.said);
      const names = ["reward", "reward.taste", "reward.contrast", "reward.watched"];
      assertEquals(Object.keys(JSON.parse(evaluated.last)), names);
    });

    await t.step("a reward model is no generator", async () => {
      const { code, said } = await run(
        "train",
        `${CONFIGS}distill.json`,
        ...["--set", `teacher=${file("preference")}`, "--out", `${directory}/wrong`],
      );
      assertStringIncludes(said, 'is of kind "preference", expected teacher');
      assertEquals(code, 2);
    });

    await t.step("pictures from teacher and generator, the same for the same seed", async () => {
      const draw = async (...args: string[]) => {
        const out = `${directory}/a.png`;
        const { code, said } = await run("sample", ...args, "--out", out);
        assertEquals(code, 0, said);
        return await Deno.readFile(out);
      };
      const args = ["--checkpoint", file("align"), "--prompt", "red square", "--seed", "3"];
      const picture = await draw(...args);
      assertEquals(await draw(...args), picture);
      assert((await draw(...args.slice(0, -1), "4")).toString() !== picture.toString());
      const { width, height } = await readImage(`${directory}/a.png`);
      assertEquals([width, height], [64, 64]);
      await draw("--checkpoint", file("teacher"), "--prompt", "a", "--prompt", "red square", "--steps", "2");
    });

    await t.step("an evaluation goes on where it stopped, and compares two generators in pairs", async () => {
      const evaluate = async (stage: string, ...args: string[]) => {
        const sets = [`teacher=${file("teacher")}`, `reward=${file("preference")}`, `clip=${file("clip")}`];
        const out = `${directory}/evaluated-${stage}`;
        const { code, said, last } = await run(
          ...["evaluate", `${CONFIGS}align.json`, "--checkpoint", file(stage), "--out", out, "--resamples", "20"],
          ...[...sets, "generator.checkpoint=null", "fake.checkpoint=null"].flatMap((set) => ["--set", set]),
          ...["--count", "2", ...args],
        );
        assertEquals(code, 0, said);
        return { out, said, numbers: args.includes("--json") ? JSON.parse(last) : {} };
      };
      const { out, numbers } = await evaluate("distill", "--json");
      const report = JSON.parse(await Deno.readTextFile(`${out}/report.json`));
      assertEquals(report.images.length, 2 * report.prompts.count);
      assertEquals(report.metrics.map(({ name }: { name: string }) => name), Object.keys(numbers));
      for (const { value, hygiene } of report.metrics) {
        assert(Number.isFinite(value));
        assertMatch(hygiene.sha256, /^[0-9a-f]{64}$/);
      }
      const image = `${out}/images/000001.png`, bytes = await Deno.readFile(image);
      await Deno.remove(image);
      const again = await evaluate("distill", "--json");
      assertStringIncludes(again.said, "15 of 16 images were there");
      assertEquals([await Deno.readFile(image), again.numbers], [bytes, numbers]);

      const compared = await evaluate("align", "--metrics", "reward,kid", "--compare", out);
      const { metrics, images } = JSON.parse(await Deno.readTextFile(`${compared.out}/report.json`));
      const [reward] = metrics;
      assertEquals(reward.comparison.other, numbers.reward);
      assertEquals(reward.comparison.difference, reward.value - numbers.reward);
      assertEquals(images[3].other.scores.reward, report.images[3].scores.reward);
      assertMatch(await Deno.readTextFile(`${compared.out}/report.md`), /^\| Difference \| [+−]\d/m);
      assertStringIncludes(await Deno.readTextFile(`${compared.out}/report.html`), "<!doctype html>");
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
