import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { grad, init, key, randn, tensor, uniform } from "@dipp/tensor";
import { realizeParams } from "@dipp/nn";
import { bradleyTerryLoss } from "./bradley_terry.ts";
import { clipEncoder } from "./clip_encoder.ts";
import { contrastiveEncoder, ContrastiveModel } from "./contrastive.ts";
import { CLIPModel } from "./networks/clip_model.ts";
import { featureReward, PreferenceHead, scaledFeatures } from "./preference_head.ts";
import { preprocess } from "./preprocess/preprocess.ts";
import { entriesOf, SMALL_CLIP } from "./testing_weights.ts";

await init();

Deno.test("bradleyTerryLoss() with targets is their cross entropy: a tie counts half for either", async () => {
  const win = tensor([2, 1, -90]), lose = tensor([0, 3, 10]);
  const loss = (d: number, t: number) => Math.log1p(Math.exp(-d)) + (1 - t) * d;
  const targets = [1, 0.5, 0.5];
  const expected = (loss(2, 1) + loss(-2, 0.5) + 50) / 3;
  assertAlmostEquals(await bradleyTerryLoss(win, lose, tensor(targets)).item(), expected, 1e-5);
  // At a tie the loss pulls both scores together
  const [g] = grad(bradleyTerryLoss(win, lose, tensor(targets)), [win]);
  const sigmoid = 1 / (1 + Math.exp(2));
  assertAlmostEquals((await g.data())[1], (sigmoid - 0.5) / 3, 1e-6);
});

Deno.test("a reward on features of a frozen CLIP is the head on them, and its gradient reaches the pixels", async () => {
  const config = { image: { channels: [8], features: 8 }, text: { vocab_size: 10, features: 8 } };
  const model = new ContrastiveModel(config);
  const params = await realizeParams(model.init(key(0)));
  const head = new PreferenceHead({ image_features: 8, text_features: 8, hidden: 4 });
  const own = await realizeParams(head.init(key(1)));
  const encoder = contrastiveEncoder(model, params);
  const images = await uniform(key(2), [2, 3, 8, 8]).realize(),
    prompts = { ids: tensor([[1, 2], [3, 0]], [2, 2], "i32") };
  const reward = featureReward(encoder, head, own);
  const [f, g] = [encoder.imageFeatures(images), encoder.textFeatures(prompts)].map(scaledFeatures);
  assertAlmostEquals(await f.square().mean().item(), 1, 1e-5);
  assertEquals(await reward.score(images, prompts).data(), await head.apply(own, f, g).data());

  const score = reward.score(images, prompts).sum();
  const direction = await randn(key(5), images.shape).realize();
  const slope = await grad(score, [images])[0].mul(direction).sum().item();
  const at = async (h: number) => await reward.score(images.add(direction.mul(h)), prompts).sum().item();
  const h = 1e-3, measured = (await at(h) - await at(-h)) / (2 * h);
  assert(Math.abs(slope) > 1e-3 && Math.abs(slope - measured) < 0.02 * Math.abs(slope) + 1e-3, `${slope} ${measured}`);
});

Deno.test("clipEncoder() gives what its CLIP gives, from transformers' weights and tokens by name", async () => {
  const network = new CLIPModel(SMALL_CLIP);
  const params = await realizeParams(network.init(key(0)));
  const tokenizer = (texts: readonly string[]) => texts.map((text) => [1, text.length, 19]);
  const encoder = await clipEncoder(await entriesOf(params), { config: SMALL_CLIP, tokenizer });
  assertEquals([encoder.features, encoder.preprocess.options.size], [12, 16]);
  const images = uniform(key(1), [2, 3, 24, 20]);
  const pixels = preprocess({ size: 16 }).differentiable(images);
  assertEquals(await encoder.imageFeatures(images).data(), await network.imageEmbeds(params, pixels).data());
  const ids = tensor([[1, 3, 19], [1, 4, 19]], [2, 3], "i32");
  const expected = await network.textEmbeds(params, { inputIds: ids }).data();
  assertEquals(await encoder.textFeatures({ ids, texts: ["red", "blue"] }).data(), expected);
  assertEquals(await encoder.textFeatures({ ids, tokens: { clip: ids } }).data(), expected);
});
