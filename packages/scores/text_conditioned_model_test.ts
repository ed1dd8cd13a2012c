import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { adamw, assignTree, flattenParams, gradTree, realizeParams } from "@dipp/nn";
import { compile, fold, init, key, randn, scalar, type Tensor, tensor, treeMap, zeros } from "@dipp/tensor";
import {
  bind,
  dpmSolverPlusPlus,
  edmLossWeight,
  edmModel,
  EDMSchedule,
  guided,
  logNormalSigmas,
  sample,
  TextConditionedModel,
} from "./mod.ts";
import { perSample } from "./broadcast.ts";

await init();

const DIT = {
  network: "dit",
  config: {
    num_attention_heads: 2,
    attention_head_dim: 8,
    num_layers: 1,
    in_channels: 3,
    out_channels: 3,
    sample_size: 8,
    patch_size: 4,
    caption_channels: 12,
  },
  vocabulary_size: 9,
  max_length: 3,
};
const UNET = {
  network: "unet",
  config: {
    block_out_channels: [8, 16],
    down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
    up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
    layers_per_block: 1,
    in_channels: 3,
    out_channels: 3,
    norm_num_groups: 4,
    attention_head_dim: 2,
    cross_attention_dim: 12,
  },
  vocabulary_size: 9,
  max_length: 3,
};

const ids = tensor(new Int32Array([3, 1, 0, 2, 0, 0, 0, 0, 0, 5, 6, 7]), [4, 3]);
const image = (n: number) => randn(key(n), [4, 3, 8, 8]).clamp(-1, 1);

Deno.test("a few compiled steps teach a model its prompts, and it samples", async () => {
  const model = new TextConditionedModel(DIT);
  const params = await realizeParams(model.init(key(1)));
  const x0 = await image(5).realize();
  const optimiser = adamw({ betas: [0.9, 0.99], weightDecay: 0 });
  const state = await realizeParams(optimiser.init(params));
  const step = compile(({ step: n, lr }: { step: Tensor; lr: Tensor }) => {
    const sigma = logNormalSigmas(randn(n, [4]), -0.5, 1);
    const noisy = x0.add(randn(fold(n, 1), x0.shape).mul(perSample(sigma, x0)));
    const d = edmModel(bind(model, params)).predict(noisy, sigma, { ids }).x0;
    const loss = d.sub(x0).square().mul(perSample(edmLossWeight(sigma), x0)).mean();
    const next = optimiser.update(params, gradTree(loss, params), state, { lr });
    assignTree(params, next.params);
    assignTree(state, next.state);
    return { loss };
  });
  const losses: Tensor[] = [];
  for (let i = 0; i < 60; i++) {
    losses.push(step({ step: tensor(new Uint32Array([i, 11])), lr: scalar(0.02) }).loss);
  }
  const mean = async (some: Tensor[]) =>
    (await Promise.all(some.map((l) => l.item()))).reduce((a, b) => a + b) / some.length;
  const [before, after] = [await mean(losses.slice(0, 5)), await mean(losses.slice(-5))];
  assert(after < 0.8 * before, `loss went from ${before} to ${after}`);

  const teacher = guided(edmModel(bind(model, params)), 1.5, model.nullCond());
  const images = await sample(teacher, {
    noise: randn(key(3), [4, 3, 8, 8]),
    cond: { ids },
    sampler: dpmSolverPlusPlus(new EDMSchedule(), { steps: 4 }),
    compile: true,
  });
  assert((await images.data()).every(Number.isFinite));
});

for (const config of [DIT, UNET]) {
  Deno.test(`a ${config.network} has an embedder of its condition's width, stored beside it`, () => {
    const model = new TextConditionedModel(config);
    const params = flattenParams(model.init(key(1)));
    const embedder = [...params].filter(([name]) => name.startsWith("text_embedder."));
    assertEquals(embedder.map(([name, leaf]) => [name, leaf.shape]), [
      ["text_embedder.token_embedding.weight", [9, 12]],
      ["text_embedder.position_embedding.weight", [3, 12]],
      ["text_embedder.null_token", [12]],
    ]);
    const network = flattenParams(model.network.init(key(1)));
    assertEquals([...params.keys()].slice(0, network.size), [...network.keys()]);
  });
}

Deno.test("the condition reaches the output: prompts differ, an empty prompt is the null condition", async () => {
  const model = new TextConditionedModel(DIT);
  // Every parameter random, for the layers that start at zero are silent.
  let n = 0;
  const params = treeMap<Tensor, Tensor>(
    model.init(key(1)),
    (leaf) => randn(fold(key(2), n++), leaf.shape).mul(0.2),
  ) as ReturnType<typeof model.init>;
  const x = image(4).slice([[0, 1]]).expand([4, 3, 8, 8]);
  const out = model.forward(params, x, zeros([4]), { ids });
  const rows = await out.reshape([4, -1]).data();
  const row = (i: number) => [...rows.subarray(i * 192, (i + 1) * 192)];
  assertNotEquals(row(0), row(1));
  const nullOut = await model.forward(params, x.slice([[0, 1]]), zeros([1]), model.nullCond()).data();
  row(2).forEach((value, i) => assertAlmostEquals(value, nullOut[i], 1e-5));
});

Deno.test("wrong configurations and conditions are refused", () => {
  assertThrows(() => new TextConditionedModel({ ...DIT, network: "gan" }), TypeError, 'network is "gan"');
  assertThrows(() => new TextConditionedModel({ ...DIT, depth: 3 }), TypeError, "depth");
  const nested = { ...DIT, config: { ...DIT.config, patch_size: 0 } };
  assertThrows(() => new TextConditionedModel(nested), TypeError, "patch_size is 0");
  const model = new TextConditionedModel(DIT);
  assertThrows(
    () => model.forward(model.init(key(0)), image(1), randn(key(1), [4]), {}),
    TypeError,
    "condition with ids",
  );
});
