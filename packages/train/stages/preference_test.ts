import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Params, saveParams } from "@dipp/nn";
import { CLIPModel, ContrastiveModel, parseCLIPConfig } from "@dipp/rewards";
import { init, key, tensor } from "@dipp/tensor";
import { readImage, toPlanar } from "../images.ts";
import { loadReward } from "../models/judges.ts";
import { readModel, writeModel } from "../models/model_file.ts";
import { PreferenceFile } from "../preferences/preference_file.ts";
import { checkpointOf, CONFIGS, run, start } from "../testing/command.ts";
import { writePreferences } from "../testing/preference_files.ts";
import { Vocabulary } from "../vocabulary.ts";

await init();

/** The configuration of the squares, on a file of preferences. */
async function configure(folder: string, changes: Record<string, unknown> = {}): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(`${CONFIGS}preference.json`));
  const path = `${folder}/config.json`;
  const data = { preferences: "choices.jsonl", held_out: 0.25, size: 8 };
  await Deno.writeTextFile(path, JSON.stringify({ ...config, data, ...changes }));
  return path;
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A reward's accuracy and loss on the decided pairs of a file that are held out. */
async function measured(folder: string, model: string): Promise<number> {
  const file = await readModel(model, ["preference"]);
  const reward = await loadReward(file), size = file.description.image_size;
  const preferences = `${folder}/choices.jsonl`;
  const pairs = await PreferenceFile.read({
    ...{ preferences, size, held_out: 0.25, split: "prompt", ties: "omit", vocabulary: null, source: null },
  });
  let right = 0;
  for (const { chosen, rejected, prompt } of pairs.heldOut) {
    const texts = [pairs.prompts[prompt]];
    const ids = tensor(file.vocabulary.encodeAll(texts), [1, file.vocabulary.maxLength]);
    const score = async (image: number) =>
      await reward.score(tensor(await pairs.pixels(image, size), [1, 3, size, size]), { ids, texts }).item();
    if (await score(chosen) > await score(rejected)) right++;
  }
  return right / pairs.heldOut.length;
}

Deno.test("a reward from scratch learns from a file of preferences, stops early and keeps its best", () =>
  withFolder(async (folder) => {
    await writePreferences(folder);
    const config = await configure(folder, {
      early_stopping: { every: 5, patience: 3 },
      steps: 60,
      optimizer: { lr: 0.01 },
    });
    const out = `${folder}/run`;
    const { code, said, last } = await run("train", config, "--out", out, "--json");
    assertEquals(code, 0, said);
    const { held_out_accuracy, held_out_loss, calibration_error, best_step, held_out_pairs, reliability } = JSON.parse(
      last,
    );
    assertEquals([held_out_accuracy, held_out_pairs], [1, 9]);
    // Ties are half a win, so that no loss is below that of three coins among nine pairs
    assert(held_out_loss > Math.log(2) / 3 - 1e-6 && held_out_loss < 0.5, `${held_out_loss}`);
    assert(calibration_error >= 0 && calibration_error < 0.5);
    assertEquals(reliability.reduce((sum: number, { count }: { count: number }) => sum + count, 0), 9);
    assertStringIncludes(said, "Held-out pairs by the probability of the predicted winner");
    assertEquals(best_step, 60);
    assertEquals(await measured(folder, `${out}/model.safetensors`), 1);
    assertStringIncludes(await Deno.readTextFile(`${out}/model.md`), "held_out_accuracy | 1");
  }));

Deno.test("an early stop is the same after a kill and a resumption, bit for bit", () =>
  withFolder(async (folder) => {
    await writePreferences(folder, false);
    const config = await configure(folder, {
      early_stopping: { every: 4, patience: 12 },
      steps: 5000,
      optimizer: { lr: 0.003, ema_decay: 0.5 },
      checkpoint: { every: 2 },
    });
    const whole = `${folder}/whole`, broken = `${folder}/broken`;
    const first = start("train", config, "--out", whole, "--json");
    const killed = start("train", config, "--out", broken);
    await checkpointOf(broken, 10);
    killed.kill("SIGKILL");
    const uninterrupted = await first.finished();
    assertEquals(uninterrupted.code, 0, uninterrupted.stderr);
    assertMatch(uninterrupted.stderr, /Stopped early, after step \d+ of 5000/);
    assert((await killed.finished()).code !== 0);
    const resumed = await start("train", "--resume", "--out", broken, "--json").finished();
    assertEquals(resumed.code, 0, resumed.stderr);
    const [a, b] = [uninterrupted, resumed].map(({ stdout }) => JSON.parse(stdout.trim().split("\n").at(-1)!));
    const { seconds: _, resumed_at, ...rest } = b, { seconds: __, ...expected } = a;
    assert(resumed_at >= 10);
    assertEquals(rest, expected);
    assertEquals(rest.steps - rest.best_step, 4 * 12);
    const lines = (await Deno.readTextFile(`${broken}/metrics.jsonl`)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    const losses = lines.filter((line) => line.held_out_loss !== undefined && line.event === undefined);
    // The record of the best is kept in f32
    const least = losses.reduce((a, b) => Math.fround(b.held_out_loss) < Math.fround(a.held_out_loss) ? b : a);
    assertEquals([rest.best_step, rest.held_out_loss], [least.step, least.held_out_loss]);
    const last = `checkpoints/step-${`${rest.steps}`.padStart(6, "0")}.safetensors`;
    assertEquals(await Deno.readFile(`${broken}/${last}`), await Deno.readFile(`${whole}/${last}`));
    // A run that is over is over
    const again = await start("train", "--resume", "--out", broken, "--json").finished();
    assertEquals(JSON.parse(again.stdout.trim().split("\n").at(-1)!).steps, rest.steps);
  }));

Deno.test("a head learns on a frozen CLIP of dipp's own, which goes along in the checkpoint", () =>
  withFolder(async (folder) => {
    const { prompts } = await writePreferences(folder);
    const vocabulary = Vocabulary.fromNames(prompts);
    const model = new ContrastiveModel({
      image: { channels: [8, 16], blocks_per_stage: 0, features: 16 },
      text: { vocab_size: vocabulary.size, embed_dim: 8, features: 16 },
    });
    const provenance = { command: "", seed: 0, steps: 0, hardware: "", date: "", data: "", results: {} };
    const clip = `${folder}/clip.safetensors`;
    await writeModel(clip, model.init(key(4)) as Params, {
      ...{ kind: "clip", model: model.config, vocabulary: vocabulary.toJSON(), image_size: 8, provenance },
    });
    const data = { preferences: "choices.jsonl", held_out: 0.25 };
    const config = await configure(folder, {
      data,
      steps: 80,
      model: { clip: "clip.safetensors", hidden: 16 },
      optimizer: { lr: 0.01 },
    });
    const { code, said, last } = await run("train", config, "--out", `${folder}/run`, "--json");
    assertEquals(code, 0, said);
    assertStringIncludes(said, "Encoding 72 images as 8x8 and 12 prompts");
    assertEquals(JSON.parse(last).held_out_accuracy, 1);
    await Deno.remove(clip);
    assertEquals(await measured(folder, `${folder}/run/model.safetensors`), 1);

    const refused = async (expected: string, ...sets: string[]) => {
      const { code, said } = await run(
        "train",
        config,
        "--out",
        `${folder}/no`,
        ...sets.flatMap((set) => ["--set", set]),
      );
      assertEquals(code, 2);
      assertStringIncludes(said, expected);
    };
    await refused("model.clip is", "model.clip=none");
    await saveParams(clip, {}, {});
    await refused("augment.noise is 0.1, but the features of a frozen CLIP are computed once", "augment.noise=0.1");
    await refused('has no "dipp.model" in its metadata');
    await refused(
      "early_stopping looks at held-out pairs",
      'early_stopping={"patience":2}',
      "data.held_out=0",
      "model=" + JSON.stringify({ hidden: 8 }),
      "data.size=8",
    );
    await refused("data.size is null", "model=" + JSON.stringify({ hidden: 8 }));
    await refused("data.preferences is missing", "data={}");
  }));

Deno.test("a head learns on a released CLIP in a directory of transformers, which the checkpoint names with its hash", () =>
  withFolder(async (folder) => {
    await writePreferences(folder);
    const size = { hidden_size: 16, intermediate_size: 24, num_attention_heads: 2, num_hidden_layers: 1 };
    const clipConfig = {
      projection_dim: 12,
      text_config: { ...size, vocab_size: 49408, max_position_embeddings: 77, eos_token_id: 2 },
      vision_config: { ...size, image_size: 16, patch_size: 8 },
    };
    const directory = `${folder}/clip`;
    await Deno.mkdir(directory);
    const tokenizer = new URL("../../../testdata/tokenizers/clip/", import.meta.url);
    for await (const { name } of Deno.readDir(tokenizer)) {
      await Deno.copyFile(new URL(name, tokenizer), `${directory}/${name}`);
    }
    const save = async (seed: number) =>
      await saveParams(
        `${directory}/model.safetensors`,
        new CLIPModel(parseCLIPConfig(clipConfig)).init(key(seed)) as Params,
        {},
      );
    await save(1);
    await Deno.writeTextFile(`${directory}/config.json`, JSON.stringify(clipConfig));
    const config = await configure(folder, {
      data: { preferences: "choices.jsonl", held_out: 0.25 },
      steps: 80,
      model: { clip: "clip", hidden: 16 },
      optimizer: { lr: 0.01 },
    });
    const { code, said, last } = await run("train", config, "--out", `${folder}/run`, "--json");
    assertEquals(code, 0, said);
    assertStringIncludes(said, "as 16x16");
    const model = `${folder}/run/model.safetensors`;
    assertAlmostEquals(await measured(folder, model), JSON.parse(last).held_out_accuracy);
    assertEquals(JSON.parse(last).held_out_accuracy, 1);
    assert((await Deno.stat(model)).size < 20_000, "the CLIP does not go along");

    // The gradient reaches the pixels of images of another size; other weights are refused
    const reward = await loadReward(await readModel(model, ["preference"]));
    const image = toPlanar(await readImage(`${folder}/pictures/0-0-dark.png`));
    const score = reward.score(tensor(image, [1, 3, 10, 14]), {
      ids: tensor([[1]], [1, 1], "i32"),
      texts: ["red square"],
    });
    assert(Number.isFinite(await score.item()));
    await save(2);
    const { code: other, said: why } = await run("train", `${CONFIGS}align.json`, "--set", `reward=${model}`);
    assert(other !== 0 && why !== "");
    const error = await readModel(model, ["preference"]).then(loadReward).catch((error: Error) => error.message);
    assertMatch(`${error}`, /has the SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}, with which the reward was trained/);
  }));
