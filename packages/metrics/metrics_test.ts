import { assert, assertEquals, assertRejects } from "@std/assert";
import { init, key, randn, type Tensor, tensor, uniform, zeros } from "@dipp/tensor";
import { linearReward, type Prompts } from "@dipp/rewards";
import { Diversity } from "./diversity.ts";
import { pixelFeatures, sharedFeatures } from "./features.ts";
import { fitFeatures, FrechetDistance } from "./frechet_distance.ts";
import { MeanReward } from "./mean_reward.ts";
import { Retrieval } from "./retrieval.ts";

await init();

/** Prompts "1", "2", ... as one-token ids. */
function promptsOf(...ids: number[]): Prompts {
  return { ids: tensor(ids, [ids.length, 1], "i32") };
}

/** Vectors as images [B, 3, 1, 1]. */
function images(...rows: number[][]): Tensor {
  return tensor(rows).reshape([rows.length, 3, 1, 1]);
}

const identity = { imageFeatures: (x: Tensor) => x.flatten(1) };

Deno.test("MeanReward gives mean, deviation and error over batches of any size", async () => {
  const reward = linearReward(tensor([1, 10, 100]).reshape([3, 1, 1]));
  const whole = new MeanReward(reward), left = new MeanReward(reward), right = new MeanReward(reward);
  const a = images([1, 0, 0], [0, 1, 0], [0, 0, 1]), b = images([2, 2, 0]);
  await whole.update(a, promptsOf(1, 2, 3));
  await whole.update(b, promptsOf(1));
  await left.update(a, promptsOf(1, 2, 3));
  await right.update(b, promptsOf(1));
  left.merge(right.state());
  // scores 1, 10, 100, 22
  const mean = 133 / 4;
  const std = Math.sqrt([1, 10, 100, 22].reduce((s, x) => s + (x - mean) ** 2, 0) / 3);
  for (const metric of [whole, left]) {
    const r = await metric.compute();
    assertEquals(r.count, 4);
    assert(Math.abs(r.mean - mean) < 1e-9 && Math.abs(r.std - std) < 1e-9, JSON.stringify(r));
    assert(Math.abs(r.stderr - std / 2) < 1e-9);
  }
});

Deno.test("MeanReward refuses a reward that is not one number an image", async () => {
  const metric = new MeanReward({ score: (x) => x.flatten(1) });
  await assertRejects(() => metric.update(images([1, 2, 3]), promptsOf(1)), RangeError, "expected one each");
});

Deno.test("Retrieval ranks each image's own prompt, with half ranks for ties", async () => {
  const gallery = promptsOf(1, 2, 3, 4);
  const texts = tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]);
  const features = { ...identity, textFeatures: () => texts };
  const metric = new Retrieval(features, gallery, [1, 2, 3]);
  await metric.update(
    images([1, 0, 0], [0.9, 0.5, 0], [0, 0, 1], [1, 0.5, 0.2]),
    promptsOf(1, 2, 3, 4), // ranks 1, 2, 1.5 (a tie), 3.5 (behind two, tied with one)
  );
  assertEquals(metric.state().ranks, [1, 2, 1.5, 3.5]);
  assertEquals(await metric.compute(), { at_1: 0.25, at_2: 0.75, at_3: 0.75, count: 4 });

  const collapsed = new Retrieval(features, gallery, [1, 2, 4]);
  await collapsed.update(zeros([4, 3, 1, 1]), gallery);
  assertEquals(await collapsed.compute(), { at_1: 0, at_2: 0, at_4: 1, count: 4 });
  collapsed.merge(metric.state());
  assertEquals((await collapsed.compute()).count, 8);
});

Deno.test("Retrieval names a prompt that the gallery lacks, or has twice", async () => {
  const features = { ...identity, textFeatures: () => tensor([[1, 0, 0], [0, 1, 0]]) };
  await assertRejects(
    () => new Retrieval(features, promptsOf(1, 2)).update(images([1, 0, 0]), promptsOf(9)),
    RangeError,
    'Prompt "9" is not in the gallery',
  );
  await assertRejects(
    () => new Retrieval(features, promptsOf(1, 1)).update(images([1, 0, 0]), promptsOf(1)),
    RangeError,
    "repeats a prompt",
  );
});

Deno.test("Diversity averages pairwise distances within prompts", async () => {
  const whole = new Diversity(identity), part = new Diversity(identity);
  await whole.update(images([0, 0, 0], [3, 4, 0], [1, 1, 1], [9, 9, 9]), promptsOf(1, 1, 2, 3));
  await part.update(images([1, 1, 2]), promptsOf(2));
  whole.merge(part.state());
  // prompt 1: 5; prompt 2: 1; prompt 3 has one image and does not count
  assertEquals(await whole.compute(), 3);
  assert(Number.isNaN(await new Diversity(identity).compute()));
});

Deno.test("FrechetDistance of two Gaussians meets the closed form", async () => {
  const real = randn(key(1), [4000, 2, 1, 1]);
  const shifted = randn(key(2), [4000, 2, 1, 1]).mul(2).add(3);
  const metric = new FrechetDistance(identity, await fitFeatures(identity, [real]));
  for (let i = 0; i < 4; i++) await metric.update(shifted.slice([[1000 * i, 1000 * (i + 1)]]));
  const distance = await metric.compute(); // |mean|^2 + sum (2 - 1)^2
  assert(Math.abs(distance - 20) < 0.4, `${distance}`);

  const split = new FrechetDistance(identity, await fitFeatures(identity, [real]));
  split.merge(metric.state());
  assert(Math.abs(await split.compute() - distance) < 1e-9);
  await assertRejects(
    async () => void await new FrechetDistance(identity, await fitFeatures(identity, [real])).compute(),
    RangeError,
    "at least 2 samples",
  );
});

Deno.test("sharedFeatures encodes a batch once and pixelFeatures measures rms differences", async () => {
  let calls = 0;
  const features = sharedFeatures({
    imageFeatures: (x: Tensor) => (calls++, pixelFeatures().imageFeatures(x)),
  });
  const batch = uniform(key(3), [2, 3, 4, 4]);
  const diversity = new Diversity(features);
  await diversity.update(batch, promptsOf(1, 1));
  await new Diversity(features).update(batch, promptsOf(1, 1));
  assertEquals(calls, 1);
  const x = await batch.data();
  let squares = 0;
  for (let i = 0; i < 48; i++) squares += (x[i] - x[48 + i]) ** 2;
  assert(Math.abs(await diversity.compute() - Math.sqrt(squares / 48)) < 1e-6);
});
