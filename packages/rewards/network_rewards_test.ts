import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parameterCount } from "@dipp/nn";
import { compile, grad, init, key, type Tensor, tensor, treeLeaves, uniform } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import {
  AestheticHead,
  aestheticReward,
  CLIP_CONFIGS,
  CLIPModel,
  clipScoreReward,
  describeReward,
  hpsv2Reward,
  IMAGE_REWARD_CONFIG,
  imageReward,
  ImageRewardNetwork,
  pickScoreReward,
  toRgbImages,
} from "./mod.ts";
import { asOpenClip, entriesOf, SMALL_CLIP } from "./testing_weights.ts";

await init();

const clip = new CLIPModel(SMALL_CLIP);
const weights = await entriesOf(clip.init(key(3)));
const config = SMALL_CLIP;
const clipIds = tensor([[1, 5, 19, 0], [1, 8, 4, 19]], [2, 4], "i32");
const prompts = { ids: clipIds, tokens: { clip: clipIds, clip_photo: clipIds } };
const images = await uniform(key(0), [2, 3, 21, 30]).realize();
const values = async (x: Tensor) => [...await x.data()];

Deno.test("released sizes give the released tensors and parameters", () => {
  const sizeOf = (params: Parameters<typeof treeLeaves<Tensor>>[0]) => [
    treeLeaves<Tensor>(params).length,
    parameterCount(params),
  ];
  assertEquals(sizeOf(new CLIPModel(CLIP_CONFIGS["ViT-H/14"]).init(key(0))), [910, 986_109_441]);
  assertEquals(sizeOf(new CLIPModel(CLIP_CONFIGS["ViT-L/14"]).init(key(0))), [590, 427_616_513]);
  assertEquals(sizeOf(new ImageRewardNetwork().init(key(0)))[0], 625 - 5); // position_ids, vision_proj, text_proj
  assertEquals(sizeOf(new AestheticHead().init(key(0))), [10, 927_969]);
});

Deno.test("both layouts of CLIP give one score, and a tensor that is none of it is refused", async () => {
  const stored = asOpenClip(weights);
  const [a, b] = await Promise.all([hpsv2Reward(weights, { config }), hpsv2Reward(stored, { config })]);
  assertEquals(await values(a.score(images, prompts)), await values(b.score(images, prompts)));
  const more = new Map([...stored, ["visual.attn_pool.query", stored.get("logit_scale")!]]);
  await assertRejects(() => hpsv2Reward(more, { config }), RangeError, '"visual.attn_pool.query"');
});

Deno.test("the scores of one CLIP differ as their definitions do", async () => {
  const same = { config, preprocess: { fit: "stretch", crop: "torchvision" } } as const;
  const [cosine] = await values((await hpsv2Reward(weights, same)).score(images, prompts));
  const first = async (reward: Promise<{ score(x: Tensor, p: typeof prompts): Tensor }>) =>
    (await values((await reward).score(images, prompts)))[0];
  assertAlmostEquals(await first(hpsv2Reward(weights, { ...same, output: "benchmark" })), 100 * cosine, 1e-4);
  assertAlmostEquals(await first(pickScoreReward(weights, { ...same, output: "cosine" })), cosine, 1e-6);
  assertAlmostEquals(await first(pickScoreReward(weights, same)), Math.exp(2.6592) * cosine, 1e-4);
  assertAlmostEquals(await first(clipScoreReward(weights, same)), 2.5 * Math.max(0, cosine), 1e-6);
  assertAlmostEquals(await first(clipScoreReward(weights, { ...same, variant: "percent" })), 100 * cosine, 1e-4);
  await assertRejects(
    () => clipScoreReward(weights, { variant: "best" as "hessel" }),
    RangeError,
    'variant is "best", expected hessel, image_reward, dmd2, percent',
  );
});

Deno.test("16-bit weights score and pull as their f32 values do", async () => {
  const full = await pickScoreReward(weights, { config });
  const half = await pickScoreReward(weights, { config, dtype: "f16" });
  const pull = async (reward: typeof full) => await grad(reward.score(images, prompts).sum(), [images])[0].data();
  assertClose(await half.score(images, prompts).data(), await full.score(images, prompts).data(), 5e-3, "scores");
  const [a, b] = [await pull(half), await pull(full)];
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).reduce((s, v, i) => s + v * y[i], 0);
  assert(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) > 0.9999);
});

Deno.test("prompts: padding is nothing, what is too long ends early, a tokenizer stands in, and none is an error", async () => {
  const reward = await pickScoreReward(weights, {
    config,
    tokenizer: (texts) => texts.map((text) => [1, text.length, 19]),
  });
  const of = (rows: number[][]) => tensor(Int32Array.from(rows.flat()), [rows.length, rows[0].length]);
  const score = (tokens: number[]) =>
    values(reward.score(images.slice([[0, 1]]), { ids: clipIds, tokens: { clip: of([tokens]) } }));
  assertClose(await score([1, 5, 19, 0, 0, 0]), await score([1, 5, 19, 19, 19, 19]), 1e-6, "padding");
  assertClose(await score([1, 2, 3, 4, 5, 6, 7, 19]), await score([1, 2, 3, 4, 5, 19]), 1e-5, "the end");
  const texts = reward.score(images, { ids: clipIds, texts: ["sun", "a car"] });
  const ids = reward.score(images, { ids: clipIds, tokens: { clip: of([[1, 3, 19], [1, 5, 19]]) } });
  assertEquals(await values(texts), await values(ids));
  assertThrows(() => reward.score(images, { ids: clipIds }), TypeError, 'PickScore needs prompts.tokens["clip"]');
});

Deno.test("the exact way is the differentiable one but for rounding to 8 bits", async () => {
  const reward = await hpsv2Reward(weights, { config });
  const pictures = await toRgbImages(images);
  const [exact, smooth] = [
    await values(reward.scoreExact(pictures, prompts)),
    await values(reward.score(images, prompts)),
  ];
  assertClose(exact, smooth, 2e-2, "scores");
});

Deno.test("ImageReward reads 35 tokens, and its gradient agrees with differences", async () => {
  const small: typeof IMAGE_REWARD_CONFIG = {
    ...IMAGE_REWARD_CONFIG,
    vision_config: {
      ...IMAGE_REWARD_CONFIG.vision_config,
      image_size: 16,
      patch_size: 8,
      embed_dim: 16,
      depth: 1,
      num_heads: 2,
    },
    med_config: {
      vocab_size: 110,
      hidden_size: 12,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 16,
    },
  };
  const reward = await imageReward(await entriesOf(new ImageRewardNetwork(small).init(key(5))), { config: small });
  const long = Array.from({ length: 40 }, (_, i) => i === 0 ? 101 : i === 39 ? 102 : 3 + i);
  const ids = (row: number[]) => ({ ids: clipIds, tokens: { bert: tensor(Int32Array.from(row), [1, row.length]) } });
  const image = images.slice([[0, 1]]);
  const cut = [...long.slice(0, 34), 102];
  assertEquals(await values(reward.score(image, ids(long))), await values(reward.score(image, ids(cut))));
  assertEquals(describeReward(reward).options.maxLength, 35);

  const x = await image.realize();
  const gradient = await grad(reward.score(x, ids(cut)).sum(), [x])[0].data() as Float32Array;
  const at = gradient.reduce(
    (best: number, g: number, i: number) => Math.abs(g) > Math.abs(gradient[best]) ? i : best,
    0,
  );
  const data = await x.data() as Float32Array;
  const h = 0.05;
  const score = compile((x: Tensor) => reward.score(x, ids(cut)));
  const moved = async (delta: number) => {
    const copy = data.slice();
    copy[at] += delta;
    return (await values(score(tensor(copy, [...x.shape]))))[0];
  };
  const numeric = (await moved(h) - await moved(-h)) / (2 * h);
  assertAlmostEquals(gradient[at] / numeric, 1, 0.02);
});

Deno.test("the aesthetic reward takes the vision tower out of a whole CLIP, of either layout", async () => {
  const head = await entriesOf(new AestheticHead(12).init(key(7)));
  const score = async (clip: typeof weights) =>
    await values((await aestheticReward({ clip, head }, { config: config.vision_config })).score(images, prompts));
  assertEquals(await score(weights), await score(asOpenClip(weights)));
});
