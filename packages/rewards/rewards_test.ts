import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { full, grad, init, key, type Tensor, tensor, uniform } from "@dipp/tensor";
import { augment, augmentedReward } from "./augment.ts";
import { brightnessReward } from "./brightness_reward.ts";
import { clipReward, standardizeReward, weightedSum } from "./compose.ts";
import { linearReward } from "./linear_reward.ts";
import { promptKeys } from "./prompts.ts";
import { quadraticReward } from "./quadratic_reward.ts";
import type { Reward } from "./reward.ts";
import { targetColorReward } from "./target_color_reward.ts";

await init();

const prompts = { ids: tensor([[1, 0], [2, 3]], [2, 2], "i32") };
const images = await uniform(key(0), [2, 3, 4, 5]).realize();

/** Compares the gradient on the images with central differences of the summed score, in a few places. */
async function assertGradient(reward: Reward, x: Tensor, tolerance = 2e-3): Promise<void> {
  const analytic = await grad(reward.score(x, prompts).sum(), [x])[0].data();
  const values = await x.data() as Float32Array;
  const h = 0.01;
  for (const i of [0, 7, values.length - 1]) {
    const at = async (delta: number) => {
      const moved = values.slice();
      moved[i] += delta;
      return await reward.score(tensor(moved, [...x.shape]), prompts).sum().item();
    };
    const numeric = (await at(h) - await at(-h)) / (2 * h);
    assert(Math.abs(numeric - analytic[i]) <= tolerance, `gradient ${i}: ${analytic[i]}, differences ${numeric}`);
  }
}

Deno.test("analytic rewards: values", async () => {
  const x = tensor([1, 0, 0, 0, 1, 0]).reshape([2, 3, 1, 1]); // a red and a green pixel
  const scores = async (r: Reward) => [...await r.score(x, prompts).data()];
  const close = (a: number[], b: number[]) => a.forEach((v, i) => assertAlmostEquals(v, b[i], 1e-6));
  close(await scores(brightnessReward()), [0.299, 0.587]);
  close(await scores(brightnessReward(-1)), [-0.299, -0.587]);
  close(await scores(targetColorReward([1, 0, 0])), [0, -2]);
  close(await scores(linearReward(tensor([1, 2, 3]).reshape([3, 1, 1]))), [1, 2]);
  const [one, two] = [full([3, 1, 1], 1), full([3, 1, 1], 2)];
  close(await scores(quadraticReward(one, two)), [0, 0]);
});

Deno.test("analytic and composed rewards: gradients agree with differences", async () => {
  const color = targetColorReward([0.9, 0.1, 0.4]), bright = brightnessReward();
  await assertGradient(color, images);
  await assertGradient(bright, images);
  const mixed = weightedSum([{ reward: standardizeReward(color, { mean: -0.2, std: 0.1 }), weight: 0.5 }, {
    reward: bright,
    weight: -2,
  }]);
  await assertGradient(mixed, images, 1e-2);
});

Deno.test("clipReward pays nothing beyond its bounds", async () => {
  const reward = clipReward(linearReward(full([1], 1)), { min: -1, max: 1 });
  const x = tensor([[-2], [0.5], [3]]);
  assertEquals([...await reward.score(x, prompts).data()], [-1, 0.5, 1]);
  assertEquals([...await grad(reward.score(x, prompts).sum(), [x])[0].data()], [0, 1, 0]);
});

Deno.test("composition refuses nonsense", () => {
  assertThrows(() => weightedSum([]), RangeError, "at least one");
  assertThrows(() => weightedSum([{ reward: brightnessReward(), weight: NaN }]), RangeError, "NaN");
  assertThrows(() => clipReward(brightnessReward(), { min: 1, max: 0 }), RangeError, "not below");
  assertThrows(() => standardizeReward(brightnessReward(), { mean: 0, std: 0 }), RangeError, "std > 0");
  assertThrows(() => targetColorReward([1, 2, 0]), RangeError, "[0, 1]");
});

Deno.test("promptKeys tells prompts apart by text, or by ids without padding", async () => {
  assertEquals(await promptKeys(prompts), ["1", "2 3"]);
  assertEquals(await promptKeys({ ...prompts, texts: ["sun", "red car"] }), ["sun", "red car"]);
  await assertRejects(() => promptKeys({ ...prompts, texts: ["sun"] }), RangeError, "1 texts for 2 rows");
});

Deno.test("augment shifts and mirrors whole images, every pixel coming from the original", async () => {
  const size = 6, batch = 64;
  const ramp = Float32Array.from({ length: size * size }, (_, i) => i);
  const x = tensor(ramp, [1, 1, size, size]).expand([batch, 1, size, size]);
  const y = await augment(x, key(4), { shift: 2, flip: true }).data();
  const seen = new Set<string>();
  for (let b = 0; b < batch; b++) {
    const at = (r: number, c: number) => y[(b * size + r) * size + c];
    // read the transformation off two pixels of the middle, then predict all others
    const row = (r: number) => Math.floor(at(r, 2) / size), column = (c: number) => at(2, c) % size;
    const dy = row(2) - 2, step = column(3) - column(2);
    assert(Math.abs(dy) <= 2 && Math.abs(step) === 1, `dy ${dy}, step ${step}`);
    const clamp = (v: number) => Math.min(size - 1, Math.max(0, v));
    let matches = 0;
    for (const dx of [-2, -1, 0, 1, 2]) {
      const from = (c: number) => step === 1 ? clamp(c + dx) : size - 1 - clamp(c + dx);
      const all = Array.from({ length: size * size }, (_, i) => [Math.floor(i / size), i % size])
        .every(([r, c]) => at(r, c) === clamp(r + dy) * size + from(c));
      if (all) {
        matches++;
        seen.add(`${dy} ${dx} ${step}`);
      }
    }
    assertEquals(matches, 1);
  }
  assert(seen.size > 30, `only ${seen.size} of 50 transformations occurred`);
});

Deno.test("augment changes brightness, contrast and noise by what was asked, reproducibly", async () => {
  const grey = full([32, 3, 8, 8], 0.5);
  const brightness = await augment(grey, key(1), { brightness: 0.2 }).data();
  const offsets = Array.from({ length: 32 }, (_, b) => brightness[b * 192] - 0.5);
  assert(offsets.every((o) => Math.abs(o) <= 0.2) && Math.max(...offsets) - Math.min(...offsets) > 0.2);
  const noisy = await augment(grey, key(1), { noise: 0.1 }).data() as Float32Array;
  const std = Math.sqrt(noisy.reduce((s, v) => s + (v - 0.5) ** 2, 0) / noisy.length);
  assertAlmostEquals(std, 0.1, 0.005);
  assert((await augment(grey, key(1), { contrast: 0.5 }).data()).every((v) => v === 0.5));
  assertEquals(await augment(grey, key(1), { noise: 0.1 }).data(), noisy);
  assertThrows(() => augment(grey, key(1), { shift: 0.5 }), RangeError, "whole pixels");
});

Deno.test("augmentedReward is differentiable through the augmentation", async () => {
  const weight = uniform(key(8), [3, 4, 5]);
  const reward = augmentedReward(linearReward(weight), key(2), { shift: 1, flip: true, contrast: 0.3, noise: 0.1 });
  await assertGradient(reward, images, 1e-2);
});
