import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { compile, grad, init, key, scalar, type Tensor, tensor, uniform } from "@dipp/tensor";
import { assertClose } from "@dipp/tensor/testing";
import {
  brightnessReward,
  colorfulnessReward,
  compressibilityReward,
  describeReward,
  linearReward,
  marginReward,
  memberGradientNorms,
  type Reward,
  RewardEnsemble,
  routeByToken,
  routedReward,
  RunningNormalization,
  weightedSum,
} from "./mod.ts";

await init();

const prompts = { ids: tensor([[1, 0], [2, 3]], [2, 2], "i32") };
const images = await uniform(key(0), [2, 3, 9, 10]).realize();
const values = async (x: Tensor) => [...await x.data()];
const times = (n: number) => linearReward(tensor([n]));

for (const [name, reward] of Object.entries({ colourfulness: colorfulnessReward(), bits: compressibilityReward() })) {
  Deno.test(`${name}: the gradient agrees with differences`, async () => {
    const gradient = await grad(reward.score(images, prompts).sum(), [images])[0].data();
    const data = await images.data() as Float32Array, h = 0.01;
    for (const i of [3, 100, 400]) {
      const at = async (delta: number) => {
        const moved = data.slice();
        moved[i] += delta;
        return (await values(reward.score(tensor(moved, [...images.shape]), prompts))).reduce((a, b) => a + b);
      };
      assertAlmostEquals(gradient[i], (await at(h) - await at(-h)) / (2 * h), 2e-3);
    }
  });
}

Deno.test("colourfulness is Hasler and Suesstrunk's of the same pixels", async () => {
  const data = await images.slice([[0, 1]]).data(), n = 90;
  const rg = Array.from({ length: n }, (_, i) => data[i] - data[n + i]);
  const yb = Array.from({ length: n }, (_, i) => (data[i] + data[n + i]) / 2 - data[2 * n + i]);
  const mean = (x: number[]) => x.reduce((a, b) => a + b) / n;
  const variance = (x: number[]) => mean(x.map((v) => v * v)) - mean(x) ** 2;
  const expected = Math.sqrt(variance(rg) + variance(yb)) + 0.3 * Math.hypot(mean(rg), mean(yb));
  assertAlmostEquals((await values(colorfulnessReward().score(images, prompts)))[0], expected, 1e-5);
});

Deno.test("running normalisation follows the formula, within one compiled step and from step to step", async () => {
  const reward = new RunningNormalization(times(1), { decay: 0.5 });
  const step = compile(({ x }: { x: Tensor }) => reward.track(x, prompts));
  const batches = [[1, 3], [10, 20], [-4, 6]];
  let [mean, square, seen] = [0, 0, 0];
  for (const batch of batches) {
    const got = await values(step({ x: tensor(batch, [2, 1]) }));
    mean = 0.5 * mean + 0.5 * (batch[0] + batch[1]) / 2;
    square = 0.5 * square + 0.5 * (batch[0] ** 2 + batch[1] ** 2) / 2;
    seen = 0.5 * seen + 0.5;
    const std = Math.sqrt(square / seen - (mean / seen) ** 2);
    assertClose(got, batch.map((x) => (x - mean / seen) / std), 1e-4, "normalised scores");
  }
  const later = await values(reward.score(tensor([[5], [7]]), prompts));
  assertAlmostEquals(later[1] - later[0], 2 / Math.sqrt(square / seen - (mean / seen) ** 2), 1e-4);
  assertEquals(await values(new RunningNormalization(times(1)).score(tensor([[5], [7]]), prompts)), [5, 7]);
});

Deno.test("a margin pays up to it", async () => {
  const x = tensor([[0], [3]]), reward = marginReward(times(2), 4);
  assertEquals(await values(reward.score(x, prompts)), [-4, 0]);
  assertEquals(await values(grad(reward.score(x, prompts).sum(), [x])[0]), [2, 0]);
});

Deno.test("ensembles: mean, worst, uncertainty; the held-out member takes no part and shows the gap", async () => {
  const members = { a: times(1), b: times(3), c: times(-5) };
  const x = tensor([[1], [2]]);
  const of = (options: ConstructorParameters<typeof RewardEnsemble>[1]) => new RewardEnsemble(members, options);
  assertEquals(await values(of({ heldOut: "c" }).score(x, prompts)), [2, 4]);
  assertEquals(await values(of({ rule: "worst" }).score(x, prompts)), [-5, -10]);
  assertEquals(await values(of({ heldOut: "c", rule: "uncertainty", uncertainty: 2 }).score(x, prompts)), [0, -4]);
  assertEquals(await values(of({ heldOut: "c" }).gap(x, prompts)), [7, 14]);
  assertEquals(await values(of({}).memberScores(x, prompts).c), [-5, -10]);
  assertThrows(() => of({ heldOut: "d" }), RangeError, 'heldOut is "d", expected one of a, b, c');
  assertThrows(() => new RewardEnsemble({ a: times(1) }, { heldOut: "a" }), RangeError, "no member to train on");
  assertThrows(() => of({}).gap(x, prompts), RangeError, "no member is held out");
});

Deno.test("routes go to the first member whose token a prompt holds", async () => {
  const ids = tensor([[1, 2], [3, 1], [4, 4]], [3, 2], "i32");
  const reward = routedReward([times(1), times(10), times(100)], routeByToken([[2, 9], [1]]));
  assertEquals(await values(reward.score(tensor([[1], [1], [1]]), { ids })), [1, 10, 100]);
  const wrong = routedReward([times(1)], () => scalar(1));
  assertThrows(() => wrong.score(tensor([[1]]), { ids }), RangeError, "the route has shape []");
});

Deno.test("norms of members and descriptions name what a sum is made of", async () => {
  const members: Record<string, Reward> = { a: times(3), b: times(-4) };
  const norms = memberGradientNorms(members, tensor([[1], [2]]), prompts);
  assertEquals([await norms.a.item(), await norms.b.item()], [3, 4]);
  const sum = weightedSum([{ reward: marginReward(brightnessReward()), weight: 0.5 }]);
  assertEquals(describeReward(sum), {
    name: "weighted sum",
    options: { weights: [0.5] },
    members: [{
      name: "margin",
      options: { margin: 2 },
      members: [{ name: "brightness", options: { sign: 1 } }],
    }],
  });
  assertEquals(describeReward({ score: (x) => x }).name, "unnamed");
});
