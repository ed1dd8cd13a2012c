import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openSafetensors, saveParams } from "@dipp/nn";
import { CLIPModel, parseCLIPConfig } from "@dipp/rewards";
import { DiffusersDirectory } from "@dipp/scores";
import { key } from "@dipp/tensor";
import { readImage } from "../images.ts";
import { run } from "../testing/command.ts";
import { generatorOf } from "./generator_index.ts";

const DATA = new URL("../../../testdata/", import.meta.url).pathname;
const PROMPTS = ["a photo of a cat", "a cat", "photo of a cat", "a photo", "cat"];
const FAMILIES = { sd15: { component: "unet", t: 625 }, pixart: { component: "transformer", t: 440 } } as const;

const LEARNING = { lr: 3e-3, betas: [0, 0.99] };

/** An alignment with something that any network learns in ten steps: bright pictures. */
const config = (model: string, change: Record<string, unknown> = {}) => ({
  stage: "align_diffusers",
  steps: 10,
  batch_size: 2,
  model: `${DATA}diffusers/${model}`,
  prompts: "prompts.safetensors",
  generator: { optimizer: { ...LEARNING, ema_decay: 0.5 } },
  fake: { updates: 2, warmup_steps: 1, null_probability: 0.2, optimizer: LEARNING },
  objective: { alpha_rew: 3000, guidance: { omega: 1.5 } },
  reward: { name: "brightness" },
  sample_count: 3,
  export_dtype: "f32",
  ...change,
});

async function succeed(...args: string[]): Promise<string> {
  const { code, last, said } = await run(...args);
  assertEquals(code, 0, said);
  return last;
}

/** A folder with embedded prompts and a configuration. */
async function prepared(model: string, change: Record<string, unknown> = {}): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/p.txt`, PROMPTS.join("\n"));
  const files = ["--prompts", `${folder}/p.txt`, "--out", `${folder}/prompts.safetensors`];
  await succeed("embed", ...files, "--model", `${DATA}diffusers/${model}`);
  await Deno.writeTextFile(`${folder}/align.json`, JSON.stringify(config(model, change)));
  return folder;
}

/** Names and shapes of what a file of weights holds. */
async function shapesOf(path: string): Promise<Record<string, readonly number[]>> {
  using file = await openSafetensors(path);
  return Object.fromEntries([...file.tensors].map(([name, { shape }]) => [name, shape]));
}

for (const [name, { component, t }] of Object.entries(FAMILIES)) {
  Deno.test(`${name}: embed, align ten steps, save, load again in the same layout, sample`, async () => {
    const folder = await prepared(name), out = `${folder}/run`;
    const summary = JSON.parse(await succeed("train", `${folder}/align.json`, "--out", out, "--json"));
    assert(summary.after.reward > summary.before.reward + 0.005, JSON.stringify(summary));
    const { width } = await readImage(`${out}/samples/after.png`);
    assert(width > 16);
    const [start, warm, full] = (await Deno.readTextFile(`${out}/metrics.jsonl`)).trim().split("\n")
      .map((line) => JSON.parse(line));
    assertEquals([start.derived.time_init, start.derived.k_ta, start.derived.reward], [t, 2, "brightness"]);
    assert("loss_fake" in warm && !("grad_norm" in warm) && full["field_norm/reward"] > 0);

    const [before, after] = await Promise.all(
      [`${DATA}diffusers/${name}`, `${out}/model`].map((path) => DiffusersDirectory.open(path)),
    );
    assertEquals([...after.components], [...before.components]);
    assertEquals(generatorOf(after), { t, input: "vp" });
    const weights = `${component}/diffusion_pytorch_model.safetensors`;
    const shapes = await shapesOf(`${before.path}/${weights}`);
    for (const path of [after.path, `${out}/fake`]) assertEquals(await shapesOf(`${path}/${weights}`), shapes);
    const { config: kept, report } = await after.load(component);
    assertEquals([kept, report.missing], [(await before.load(component)).config, []]);

    const draw = async (...args: string[]) => {
      await succeed("sample", ...args, "--prompt", "a cat", "--out", `${folder}/a.png`);
      return (await Deno.readFile(`${folder}/a.png`)).toString();
    };
    const teacher = ["--model", before.path, "--one-step"];
    assert(await draw("--model", after.path) !== await draw(...teacher));

    // What was saved is where another run begins
    const sets = [`generator.checkpoint=${out}/model`, `fake.checkpoint=${out}/fake`, "steps=1", "fake.warmup_steps=0"];
    const args = ["train", `${folder}/align.json`, "--out", `${folder}/next`, "--json"];
    const next = JSON.parse(await succeed(...args, ...sets.flatMap((set) => ["--set", set])));
    assertEquals(next.before.reward.toFixed(5), summary.after.reward.toFixed(5));
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("additions to the shared weights are aligned in parts, merged, exported, and gone on with", async () => {
  const memory = {
    checkpoint: true,
    micro_batches: 2,
    lora: { rank: 2, targets: ["to_q", "to_v", "conv1", "proj_in"] },
  };
  const folder = await prepared("sd15", { memory, steps: 6, fake: { updates: 1, optimizer: LEARNING } });
  const train = (out: string, ...args: string[]) =>
    succeed("train", `${folder}/align.json`, "--out", `${folder}/${out}`, ...args);
  const { before, after } = JSON.parse(await train("whole", "--json"));
  assert(after.reward > before.reward, JSON.stringify({ before, after }));
  const names = Object.keys(await shapesOf(`${folder}/whole/lora/adapter_model.safetensors`));
  assert(names.every((name) => /^base_model\.model\..*\.lora_[AB]\.weight$/.test(name)));
  const weights = "unet/diffusion_pytorch_model.safetensors";
  const shapes = await shapesOf(`${DATA}diffusers/sd15/${weights}`);
  assertEquals(await shapesOf(`${folder}/whole/model/${weights}`), shapes);
  const sets = ["generator.checkpoint=lora", "fake.checkpoint=fake-lora", "steps=1"]
    .map((set) => set.replace("=l", `=${folder}/whole/l`).replace("=f", `=${folder}/whole/f`));
  const next = JSON.parse(await train("next", "--json", ...sets.flatMap((set) => ["--set", set])));
  assertEquals(next.before.reward.toFixed(5), after.reward.toFixed(5));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an alignment that goes on draws the prompts that it would have drawn, bit for bit", async () => {
  const folder = await prepared("sd15", { batch_size: 1, steps: 6 });
  const train = (out: string, ...args: string[]) =>
    succeed("train", `${folder}/align.json`, "--out", `${folder}/${out}`, ...args);
  await train("whole");
  await train("broken", "--steps", "3");
  await train("broken", "--resume");
  const last = (out: string) => Deno.readFile(`${folder}/${out}/checkpoints/step-000006.safetensors`);
  assertEquals(await last("broken"), await last("whole"));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a distillation, then an alignment with a released reward, that reads the prompts by its own tokens", async () => {
  const small = { hidden_size: 16, intermediate_size: 24, num_attention_heads: 2, num_hidden_layers: 1 };
  const clip = {
    projection_dim: 12,
    text_config: { ...small, vocab_size: 49408, max_position_embeddings: 77, hidden_act: "gelu", eos_token_id: 2 },
    vision_config: { ...small, image_size: 16, patch_size: 8, hidden_act: "gelu" },
  };
  const distill = { stage: "distill_diffusers", objective: { guidance: { alpha: 0.5 } }, reward: null };
  const folder = await prepared("sd15", { ...distill, steps: 2, precision: "bf16" });
  const weights = `${folder}/yuvalkirstain/PickScore_v1`, tokens = `${folder}/openai/clip-vit-large-patch14`;
  for (const path of [weights, tokens]) await Deno.mkdir(path, { recursive: true });
  await saveParams(`${weights}/model.safetensors`, new CLIPModel(parseCLIPConfig(clip)).init(key(3)), {});
  await Deno.writeTextFile(`${weights}/config.json`, JSON.stringify(clip));
  for (const { name } of Deno.readDirSync(`${DATA}tokenizers/clip`)) {
    await Deno.copyFile(`${DATA}tokenizers/clip/${name}`, `${tokens}/${name}`);
  }
  const out = `${folder}/distilled`;
  assertEquals(JSON.parse(await succeed("train", `${folder}/align.json`, "--out", out, "--json")).before, {});
  const generator = { checkpoint: `${out}/model`, optimizer: LEARNING };
  await Deno.writeTextFile(
    `${folder}/align.json`,
    JSON.stringify(config("sd15", { steps: 2, generator, reward: { name: "pickscore", weights: folder } })),
  );
  const { before } = JSON.parse(await succeed("train", `${folder}/align.json`, "--out", `${folder}/b`, "--json"));
  assert(Number.isFinite(before.reward));
  const tiny = JSON.parse(await succeed("train", `${folder}/align.json`, "--dry-run", "--rate", "1GFLOP/s", "--json"));
  assert(tiny.networks.find(({ name }: { name: string }) => name === "reward").parameters > 49408 * 16);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what is not there or does not fit is refused by its key, before anything is trained", async () => {
  const folder = await prepared("sd15");
  const refused = async (expected: string, ...sets: string[]) => {
    const args = ["train", `${folder}/align.json`, "--out", `${folder}/run`];
    const { code, said } = await run(...args, ...sets.flatMap((set) => ["--set", set]));
    assertStringIncludes(said, expected);
    assertEquals(code, 2);
  };
  await refused(`model is ${folder}/none: Cannot`, "model=none");
  await refused(`model is ${DATA}onnx: Cannot`, `model=${DATA}onnx`);
  await refused(`prompts is ${folder}/none.safetensors: `, "prompts=none.safetensors");
  await refused("generator.checkpoint is", `generator.checkpoint=${DATA}diffusers/pixart`, "generator.t=625");
  await refused('reward.name is "beauty", expected "imagereward"', "reward.name=beauty");
  await refused("there is no /none/THUDM/ImageReward", "reward.name=imagereward", "reward.weights=/none");
  await refused('objective.time is "log_normal", which draws noise levels', "objective.time.name=log_normal");
  await refused("fake.loss.time goes up to 1000, expected at most 999", 'fake.loss.time={"name":"uniform","max":1000}');
  await refused("generator.t is 1000, expected at most 999", "generator.t=1000");
  await refused("expected one of them", "generator.t=1", "generator.sigma_init=2.5");
  await refused("Image height is 9, expected a multiple of 2", 'size={"height":9,"width":8}');
  await refused("draft1 trains no fake score", 'objective={"name":"draft1","alpha_rew":1}', "fake.export=x");
  assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "run"), false);
  await Deno.remove(folder, { recursive: true });
});
