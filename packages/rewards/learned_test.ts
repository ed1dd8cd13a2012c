import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { compile, fold, grad, init, key, scalar, stack, type Tensor, tensor, uniform } from "@dipp/tensor";
import { adamw, assignTree, flattenParams, gradTree, realizeParams } from "@dipp/nn";
import { bradleyTerryLoss, BradleyTerryReward, bradleyTerryReward, pairAccuracy } from "./bradley_terry.ts";
import { contrastiveEncoder, ContrastiveModel, similarityReward } from "./contrastive.ts";
import { WordEncoder } from "./word_encoder.ts";

await init();

const SMALL = { channels: [8, 16], blocks_per_stage: 1, norm_groups: 4, features: 16 };
const TEXT = { vocab_size: 6, embed_dim: 8, features: 16 };

/** Images of one colour each plus noise, [B, 3, 8, 8]. */
function coloured(noise: Tensor, colours: Tensor): Tensor {
  const [batch] = colours.shape;
  return uniform(noise, [batch, 3, 8, 8], 0, 0.3).add(colours.reshape([batch, 3, 1, 1]).mul(0.7));
}

Deno.test("bradleyTerryLoss is -log sigmoid of the difference, without overflow", async () => {
  const win = tensor([2, 0, -200]), lose = tensor([0, 0, 200]);
  const expected = (Math.log1p(Math.exp(-2)) + Math.log(2) + 400) / 3;
  assertAlmostEquals(await bradleyTerryLoss(win, lose).item(), expected, 1e-4);
  assertAlmostEquals(await pairAccuracy(win, lose).item(), 1 / 3, 1e-6);
});

Deno.test("BradleyTerryReward learns a preference that depends on the prompt", async () => {
  // under word 1 red is preferred to blue, under word 2 blue to red
  const network = new BradleyTerryReward({ image: SMALL, text: TEXT, hidden: 16 });
  const params = await realizeParams(network.init(key(0)));
  const optimiser = adamw({ weightDecay: 0 });
  const state = await realizeParams(optimiser.init(params));
  const pair = (k: Tensor, ids: Tensor) => {
    const isRed = ids.slice([null, [0, 1]]).eq(1).cast("f32").squeeze(1);
    const zero = isRed.mul(0);
    const red = stack([isRed, zero, isRed.neg().add(1)], 1);
    const blue = stack([isRed.neg().add(1), zero, isRed], 1);
    return [
      network.apply(params, coloured(fold(k, 0), red), ids),
      network.apply(params, coloured(fold(k, 1), blue), ids),
    ];
  };
  const ids = tensor(Array.from({ length: 8 }, (_, i) => [1 + i % 2, 3 + i % 3]), [8, 2], "i32");
  const step = compile(({ k, lr }: { k: Tensor; lr: Tensor }) => {
    const [win, lose] = pair(k, ids);
    const loss = bradleyTerryLoss(win, lose);
    const next = optimiser.update(params, gradTree(loss, params), state, { lr });
    assignTree(params, next.params);
    assignTree(state, next.state);
    return { loss, accuracy: pairAccuracy(win, lose) };
  });
  const first = step({ k: tensor(Uint32Array.of(1, 0)), lr: scalar(0.003) });
  for (let i = 1; i < 60; i++) step({ k: tensor(Uint32Array.of(1, i)), lr: scalar(0.003) });
  const last = step({ k: tensor(Uint32Array.of(2, 0)), lr: scalar(0.003) });
  const [before, after] = [await first.loss.item(), await last.loss.item()];
  assert(after < 0.3 && after < before, `loss ${before} -> ${after}`);
  assertEquals(await last.accuracy.item(), 1);

  // as a reward, it can be climbed in the image
  const reward = bradleyTerryReward(network, params);
  const grey = uniform(key(5), [2, 3, 8, 8]);
  const prompts = { ids: tensor([[1, 3], [2, 3]], [2, 2], "i32") };
  const g = await grad(reward.score(grey, prompts).sum(), [grey])[0].mean([2, 3]).data();
  assert(g[0] > g[2] && g[5] > g[3], `mean colour gradient ${g}`);
});

Deno.test("ContrastiveModel's loss is the symmetric cross entropy of its logits", async () => {
  const model = new ContrastiveModel({ image: SMALL, text: TEXT });
  const params = model.init(key(0));
  const [u, v] = [[[1, 0], [0, 1]], [[0.6, 0.8], [0, 1]]];
  const actual = await model.loss(params, tensor(u), tensor(v)).item();
  const s = 1 / 0.07;
  const logits = u.map((a) => v.map((b) => s * (a[0] * b[0] + a[1] * b[1])));
  const nll = (row: number[], i: number) => Math.log(row.reduce((z, l) => z + Math.exp(l - row[i]), 0));
  const transposed = [0, 1].map((j) => logits.map((row) => row[j]));
  const expected = [logits, transposed].reduce((sum, m) => sum + (nll(m[0], 0) + nll(m[1], 1)) / 4, 0);
  assertAlmostEquals(actual, expected, 1e-4);
});

Deno.test("ContrastiveModel learns to tell its prompts' images apart", async () => {
  const model = new ContrastiveModel({ image: SMALL, text: TEXT });
  const params = await realizeParams(model.init(key(3)));
  const optimiser = adamw({ weightDecay: 0 });
  const state = await realizeParams(optimiser.init(params));
  const ids = tensor([[1], [2], [3]], [3, 1], "i32");
  const colours = tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
  const step = compile(({ k }: { k: Tensor }) => {
    const images = model.encodeImages(params, coloured(k, colours));
    const loss = model.loss(params, images, model.encodeTexts(params, ids));
    const next = optimiser.update(params, gradTree(loss, params), state, { lr: 0.003 });
    assignTree(params, next.params);
    assignTree(state, next.state);
    return loss;
  });
  for (let i = 0; i < 60; i++) step({ k: tensor(Uint32Array.of(7, i)) });
  const encoder = contrastiveEncoder(model, params);
  const images = coloured(key(99), colours);
  const similarity = await encoder.imageFeatures(images).matmul(encoder.textFeatures({ ids }).transpose(0, 1)).data();
  for (let i = 0; i < 3; i++) {
    const row = [...similarity.slice(3 * i, 3 * i + 3)];
    assertEquals(row.indexOf(Math.max(...row)), i, `${row}`);
  }
  const own = await similarityReward(encoder).score(images, { ids }).data();
  own.forEach((v, i) => assertAlmostEquals(v, similarity[4 * i], 1e-5));
});

Deno.test("WordEncoder ignores padding and survives an empty prompt", async () => {
  const encoder = new WordEncoder(TEXT);
  const params = await realizeParams(encoder.init(key(0)));
  const y = await encoder.apply(params, tensor([[1, 2, 0, 0], [2, 1, 0, 0], [0, 0, 0, 0]], [3, 4], "i32")).data();
  const short = await encoder.apply(params, tensor([[1, 2]], [1, 2], "i32")).data();
  for (let i = 0; i < 16; i++) {
    assertAlmostEquals(y[i], short[i], 1e-6);
    assertAlmostEquals(y[i], y[16 + i], 1e-6);
  }
  assert(y.every(Number.isFinite));
});

Deno.test("configurations are completed and refused by name", () => {
  const { config } = new BradleyTerryReward();
  assertEquals(config.image.channels, [32, 64, 128]);
  assertEquals(config.text.features, 128);
  assertThrows(() => new BradleyTerryReward({ image: { channels: [12], norm_groups: 8 } }), Error, "norm_groups");
  assertThrows(() => new ContrastiveModel({ image: { features: 32 } }), Error, "must be equal");
  const names = [...flattenParams(new ContrastiveModel({ image: SMALL, text: TEXT }).init(key(0))).keys()];
  assert(names.includes("image.stages.1.blocks.0.conv1.weight") && names.includes("logit_scale"), `${names}`);
});
