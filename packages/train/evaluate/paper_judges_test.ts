import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { LpipsNetwork } from "@dipp/metrics";
import { type Params, saveParams } from "@dipp/nn";
import { CLIPModel, hpsv2Reward, parseCLIPConfig } from "@dipp/rewards";
import { loadTokenizer } from "@dipp/scores";
import { init, key, randn, type Tensor, tensor, treeMap } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { readImage, type RgbImage, writePng } from "../images.ts";
import { readWeights } from "../models/paper_rewards.ts";
import { measure } from "./measure.ts";
import { type MetricRequest, parseMetrics } from "./metric_names.ts";
import { inceptionJudge, lpipsJudge, paperRewardJudge } from "./paper_judges.ts";

await init();

const TOKENIZER = new URL("../../../testdata/tokenizers/clip/", import.meta.url).pathname;
const SMALL = { hidden_size: 16, intermediate_size: 24, num_attention_heads: 2, num_hidden_layers: 1 };
const CONFIG = {
  projection_dim: 12,
  text_config: { ...SMALL, vocab_size: 49408, max_position_embeddings: 77, hidden_act: "gelu", eos_token_id: 2 },
  vision_config: { ...SMALL, image_size: 16, patch_size: 8, hidden_act: "gelu" },
};

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
}

function picture(width: number, height: number, seed: number): RgbImage {
  return { width, height, rgb: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37 + seed * 91) % 256) };
}

Deno.test("a paper's reward scores pictures from its released files, and says all that changes its scores", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await assertRejects(
      () => paperRewardJudge("hpsv2.1", folder),
      ConfigError,
      `Metric hpsv2.1 needs weights that are not on this machine: there is no ${folder}/xswu/HPSv2/HPS_v2.1_compressed.pt`,
    );
    // PickScore's checkpoint is safetensors in transformers' layout
    const pick = `${folder}/yuvalkirstain/PickScore_v1`;
    await Deno.mkdir(pick, { recursive: true });
    const params = new CLIPModel(parseCLIPConfig(CONFIG)).init(key(3));
    await saveParams(`${pick}/model.safetensors`, params as Params, {});
    await Deno.writeTextFile(`${pick}/config.json`, JSON.stringify(CONFIG));
    await assertRejects(
      () => paperRewardJudge("pickscore", folder),
      ConfigError,
      "openai/clip-vit-large-patch14/vocab.json",
    );
    await copyFolder(TOKENIZER, `${folder}/openai/clip-vit-large-patch14`);

    const judge = await paperRewardJudge("pickscore", folder);
    const images = [picture(21, 30, 1), picture(16, 16, 2)], texts = ["a photo of a cat", "a"];
    const scores = await judge.score(images, texts);
    // The cosine of the same network, asked directly, times exp(logit_scale)
    const tokenizer = await loadTokenizer(TOKENIZER, { className: "CLIPTokenizer" });
    const { ids, length } = tokenizer.encode(texts);
    const direct = await hpsv2Reward(await readWeights(`${pick}/model.safetensors`), {
      config: parseCLIPConfig(CONFIG),
      preprocess: { fit: "crop", resize: "picture", crop: "transformers" },
    });
    const cosines = await direct.scoreExact(images, {
      ids: tensor(ids, [2, length]),
      tokens: { clip: tensor(ids, [2, length]) },
    }).data();
    scores.forEach((score, i) => assertAlmostEquals(score, Math.exp(2.6592) * cosines[i], 1e-4));
    assertEquals(judge.label, "PickScore");
    assertMatch(judge.facts.variant, /^PickScore, output pickscore, .*gelu gelu, maxLength 77$/);
    assertMatch(
      judge.preprocessing,
      /^picture, antialiased bicubic, crop to 16 \(transformers's centre\), mean 0\.4815 /,
    );
    assertMatch(judge.facts.sha256, /^[0-9a-f]{64}$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("LPIPS of pictures of a prompt, from the release's files", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const network = new LpipsNetwork("alex", { divisor: 16 });
    const random = treeMap<Tensor, Tensor>(network.init(), (leaf, path) => {
      const scale = Math.sqrt(2 / Math.max(1, leaf.size / leaf.shape[0]));
      const values = randn(key(path.length), leaf.shape).mul(scale);
      return path.startsWith("lin") ? values.abs() : values;
    }) as Params;
    await assertRejects(() => lpipsJudge("alex", folder), ConfigError, "alexnet-owt-7be5be79.pth");
    await saveParams(`${folder}/alex.safetensors`, random, {});
    const judge = await lpipsJudge("alex", folder, { files: [`${folder}/alex.safetensors`], network });
    const a = picture(8, 8, 1), b = picture(8, 8, 2);
    const [same, apart, other] = await judge.pairs([a, a, b]);
    assertAlmostEquals(same, 0, 1e-6);
    assert(apart > 0.01);
    assertAlmostEquals(apart, other, 1e-5);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("FID, KID and the Inception Score by an ONNX model", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/means.onnx`;
    await Deno.writeFile(path, meansModel());
    const judge = await inceptionJudge(path, "pytorch-fid");
    const shade = (value: number): RgbImage => ({ width: 2, height: 2, rgb: new Uint8Array(12).fill(value) });
    const { rows, logits } = await judge.classify([shade(0), shade(255)]);
    assertEquals(rows.map((row) => [...row]), [[-1, -1, -1], [1, 1, 1]]);
    assertEquals(logits.map((row) => [...row]), rows.map((row) => [...row]));
    assertMatch(judge.preprocessing, /^pytorch-fid: bilinear/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("parseMetrics() knows rewards, papers' metrics and feature spaces, and names what it does not know", () => {
  const names = (list: MetricRequest[]) => list.map(({ name }) => name);
  assertEquals(names(parseMetrics(undefined, ["reward"], false)), ["reward"]);
  assertEquals(names(parseMetrics(undefined, ["reward"], true)).slice(0, 3), ["reward", "clipscore", "retrieval"]);
  assertEquals(parseMetrics("fid, kid@inception,kid,hpsv2,fid", [], true), [
    { kind: "features", name: "fid", base: "frechet", space: "inception" },
    { kind: "features", name: "kid@inception", base: "kid", space: "inception" },
    { kind: "features", name: "kid", base: "kid", space: "clip" },
    { kind: "paper", name: "hpsv2" },
  ]);
  const refused = (list: string, hasClip: boolean, message: string) => {
    try {
      parseMetrics(list, ["reward"], hasClip);
    } catch (error) {
      return assert(error instanceof ConfigError && error.message.includes(message), `${error}`);
    }
    throw new Error(`${list} is taken`);
  };
  refused("beauty", true, 'Metric "beauty" is not known, expected one of reward, clipscore');
  refused("clipscore@inception", true, 'Metric "clipscore@inception" is not known');
  refused("vendi", false, 'Metric "vendi" needs a contrastive model, but clip is null');
});

Deno.test("measure() weighs prompts alike and gives every style its own number", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const values = [10, 30, 50, 200];
    const files = values.map((value) => `${folder}/${value}.png`);
    for (const [i, value] of values.entries()) {
      await writePng(files[i], { width: 1, height: 1, rgb: new Uint8Array(3).fill(value) });
    }
    const items = ["a", "a", "b", "c"].map((prompt, index) => ({
      index,
      prompt,
      copy: index === 1 ? 1 : 0,
      stream: index,
      style: prompt === "c" ? "photo" : "anime",
    }));
    const seen: number[] = [];
    const brightness = {
      facts: { weights: "", sha256: "", variant: "", dtype: "" },
      preprocessing: "",
      score(images: readonly RgbImage[]) {
        seen.push(images.length);
        return Promise.resolve(Float64Array.from(images, ({ rgb }) => rgb[0]));
      },
    };
    const numbers = await measure({ items, image: (i) => readImage(files[i]) }, [{ kind: "reward", name: "bright" }], {
      rewards: { bright: brightness },
      gallery: [],
      real: {},
      batchSize: 3,
    });
    const all = (n: number) => Array.from({ length: n }, (_, i) => i);
    assertEquals(numbers.map(({ name, count, statistic }) => [name, count, statistic(all(3))]), [
      ["bright", 4, (20 + 50 + 200) / 3],
      ["bright/anime", 3, 35],
      ["bright/photo", 1, 200],
    ]);
    assertEquals(seen, [3, 3], "every batch has one number of images");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** GlobalAveragePool of x as "features", and Identity of it as "logits". */
function meansModel(): Uint8Array {
  const text = (s: string) => [...new TextEncoder().encode(s)];
  const field = (tag: number, bytes: number[]) => [tag, bytes.length, ...bytes];
  // A name, and that it is a tensor of floats
  const value = (name: string) => [...field(10, text(name)), ...field(18, field(10, [8, 1]))];
  const node = (input: string, output: string, op: string) =>
    field(10, [...field(10, text(input)), ...field(18, text(output)), ...field(34, text(op))]);
  const graph = [
    ...node("x", "features", "GlobalAveragePool"),
    ...node("features", "logits", "Identity"),
    ...field(90, value("x")),
    ...field(98, value("features")),
    ...field(98, value("logits")),
  ];
  return Uint8Array.of(8, 8, ...field(58, graph), ...field(66, [16, 17]));
}
