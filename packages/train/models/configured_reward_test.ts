import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { writeOnnx } from "@dipp/onnx";
import { loadTokenizer } from "@dipp/scores";
import { compile, init, key, type Tensor, tensor, uniform } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import { ConfigError } from "../config/config_error.ts";
import type { RewardConfig } from "../config/reward_schema.ts";
import { RewardPrompts } from "../run/reward_prompts.ts";
import { Vocabulary } from "../vocabulary.ts";
import { makeReward } from "./configured_reward.ts";

await init();

const texts = ["red heart", "blue sky", "heart of gold"];
const vocabulary = Vocabulary.fromNames(texts);
const context = { vocabulary, imageSize: 8, batchSize: 3 };
const ids = tensor(vocabulary.encodeAll(texts), [3, vocabulary.maxLength]);
const images = await uniform(key(3), [3, 3, 8, 8]).realize();
const bright: RewardConfig = { type: "brightness", sign: 1 };
const dark: RewardConfig = { type: "brightness", sign: -1 };
const values = async (t: Tensor) => [...await t.data()];
const light = await values((await makeReward(bright, context)).reward.score(images, { ids }));

Deno.test("words of a prompt choose the member, and a word that nobody knows is refused", async () => {
  const routed = (words: Record<string, string[]>, otherwise = "rest"): RewardConfig => ({
    type: "routed",
    members: { hearts: bright, rest: dark },
    words,
    otherwise,
  });
  const { reward } = await makeReward(routed({ hearts: ["Heart"] }), context);
  assertClose(await values(reward.score(images, { ids })), [light[0], -light[1], light[2]], 1e-6, "scores");
  await assertRejects(
    () => makeReward(routed({ hearts: ["heart", "soul"] }), context),
    ConfigError,
    'reward.words.hearts has "soul", expected one of the 6 words',
  );
  await assertRejects(
    () => makeReward(routed({ hearts: ["heart"] }), { imageSize: 8, batchSize: 3 }),
    ConfigError,
    "expected a vocabulary",
  );
});

Deno.test("members of members are named by their path; what is within a held-out one is watched through it", async () => {
  const config: RewardConfig = {
    type: "ensemble",
    rule: "worst",
    uncertainty: 0.5,
    held_out: "judge",
    members: {
      pair: { type: "sum", members: { up: bright, down: dark }, weights: { down: 3 }, held_out: null },
      judge: {
        type: "sum",
        members: { inner: { type: "normalized", reward: bright, decay: 0.5, min_std: 1e-4 } },
        weights: { inner: 2 },
        held_out: null,
      },
    },
  };
  const { reward, members, metrics, state } = await makeReward(config, context);
  assertEquals(Object.entries(members).map(([name, { isHeldOut }]) => [name, isHeldOut]), [
    ["pair.up", false],
    ["pair.down", false],
    ["pair", false],
    ["judge.inner", true],
    ["judge", true],
  ]);
  const whole = light.map((x) => x - 3 * x);
  assertClose(await values(reward.score(images, { ids })), whole, 1e-5, "scores");
  const step = compile((x: { images: Tensor }) => metrics(x.images, { ids }));
  const names = Object.keys(step({ images }));
  assertEquals(names.filter((name) => /grad_norm|gap/.test(name)), [
    "reward_grad_norm/pair.up",
    "reward_grad_norm/pair.down",
    "reward_grad_norm/pair",
    "reward_gap/judge",
  ]);
  const seen = step({ images });
  // d brightness / d pixels is one vector of luma weights over all pixels
  const norm = Math.hypot(0.299, 0.587, 0.114) / 8;
  assertClose([await seen["reward_grad_norm/pair"].item()], [2 * norm], 1e-3, "norm");
  assertClose([await state.normalized_0.rest.item()], [0.25], 1e-6, "two steps, each once");
  assertClose([await seen["reward/judge"].item()], [0], 1e-3, "normalised by this batch");
});

/** A model whose score is the sum of its tokens plus the mean of the pixels. */
function summing(): Uint8Array {
  return writeOnnx({
    opset: 17,
    inputs: [
      { name: "pixels", type: "float32", shape: ["batch", 3, "h", "w"] },
      { name: "tokens", type: "int64", shape: ["batch", "length"] },
      { name: "mask", type: "int64", shape: ["batch", "length"] },
    ],
    outputs: [{ name: "score", type: "float32", shape: ["batch"] }],
    nodes: [
      {
        opType: "ReduceMean",
        inputs: ["pixels"],
        outputs: ["mean"],
        attributes: { axes: { ints: [1, 2, 3] }, keepdims: { int: 0 } },
      },
      { opType: "Mul", inputs: ["tokens", "mask"], outputs: ["kept"] },
      { opType: "Cast", inputs: ["kept"], outputs: ["real"], attributes: { to: { int: 1 } } },
      { opType: "ReduceSum", inputs: ["real", "axis"], outputs: ["words"], attributes: { keepdims: { int: 0 } } },
      { opType: "Add", inputs: ["mean", "words"], outputs: ["score"] },
    ],
    initializers: { axis: { type: "int64", shape: [1], data: [1] } },
  });
}

Deno.test("an ONNX model with a tokenizer of its own is given its tokens, in steps and where there are texts", async () => {
  const folder = new URL("../../../testdata/tokenizers/clip/", import.meta.url).pathname;
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  try {
    await Deno.writeFile(path, summing());
    const onnx = {
      type: "onnx",
      path,
      input: null,
      output: null,
      index: null,
      layout: "nchw",
      preprocess: null,
    } as const;
    const config: RewardConfig = { ...onnx, prompt: { input: "tokens", mask: "mask", tokenizer: folder } };
    const { reward, tokens } = await makeReward(config, context);
    const { ids: clip, mask, length } = (await loadTokenizer(folder)).encode(texts);
    const means = await values(images.mean([1, 2, 3]));
    const expected = means.map((mean, i) =>
      mean + clip.subarray(i * length, (i + 1) * length).reduce((sum, id, k) => sum + id * mask[i * length + k], 0)
    );
    const asks = new RewardPrompts(tokens, texts, vocabulary);
    const inputs = asks.inputs(vocabulary.encodeAll(texts), 3);
    const scores = await values(reward.score(images, RewardPrompts.of(ids, inputs)));
    assertClose(scores, expected, 1e-5, "in a step");
    assertClose(await values(asks.ofTexts(reward).score(images, { ids, texts })), expected, 1e-5, "of texts");

    const own = await makeReward({ ...onnx, prompt: { input: "tokens", mask: "mask", tokenizer: null } }, context);
    const sums = texts.map((text, i) => means[i] + vocabulary.encode(text).reduce((a, b) => a + b));
    assertClose(await values(own.reward.score(images, { ids })), sums, 1e-5, "ids of words");

    for (
      const [change, message] of [
        [{ prompt: null }, `sum.members.a is ${path}: onnxReward: nothing is given to the model's input "tokens"`],
        [{ output: "logits" }, 'the model has no output "logits", expected "score"'],
        [{ prompt: { input: "tokens", mask: "mask", tokenizer: "/nowhere" } }, "/nowhere"],
      ] as const
    ) {
      const wrong = {
        type: "sum",
        members: { a: { ...config, ...change } },
        weights: {},
        held_out: null,
      } as RewardConfig;
      const { message: said } = await assertRejects(() => makeReward(wrong, context, "sum"), ConfigError);
      assertStringIncludes(said, message);
    }
    await Deno.writeFile(path, summing().slice(0, 99));
    await assertRejects(() => makeReward(config, context), ConfigError, "is no ONNX model or is truncated");
  } finally {
    await Deno.remove(path);
  }
});
