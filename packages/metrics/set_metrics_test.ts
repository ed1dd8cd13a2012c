// What the reference cases leave out: limits of the formulas, merging, and what is refused.

import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { key, randn, tensor, zeros } from "@dipp/tensor";
import {
  clipScores,
  cmmd,
  inceptionScore,
  kernelInceptionDistance,
  lpipsLayers,
  pixelFeatures,
  precisionRecall,
  SetMetric,
  vendiScore,
} from "./mod.ts";

const line = (count: number, start: number) => Array.from({ length: count }, (_, i) => [start + i * 0.1, 1]);

Deno.test("a set measured against itself is at no distance, and covers itself", () => {
  const set = line(12, 0);
  assertEquals(cmmd(set, set), 0);
  const { precision, recall, coverage } = precisionRecall(set, set, 3);
  assertEquals([precision, recall, coverage], [1, 1, 1]);
});

Deno.test("distances grow as sets move apart", () => {
  const at = (start: number) => line(10, start);
  assert(kernelInceptionDistance(at(0), at(1)) < kernelInceptionDistance(at(0), at(3)));
  assert(cmmd(at(0), at(1)) < cmmd(at(0), at(3)));
  assertEquals(precisionRecall(at(0), at(50), 3).precision, 0);
});

Deno.test("kernelInceptionDistance() is unbiased: zero on average between samples of one distribution", async () => {
  const data = await randn(key(1), [400, 3]).data();
  const row = (i: number) => data.subarray(3 * i, 3 * i + 3);
  const rows = (from: number, count: number) => Array.from({ length: count }, (_, i) => row(from + i));
  const trials = Array.from({ length: 20 }, (_, t) => kernelInceptionDistance(rows(20 * t, 10), rows(20 * t + 10, 10)));
  const mean = trials.reduce((a, b) => a + b, 0) / trials.length;
  const error = Math.sqrt(trials.reduce((s, x) => s + (x - mean) ** 2, 0) / trials.length / trials.length);
  assert(Math.abs(mean) < 3 * error, `${mean} is no zero, with a standard error of ${error}`);
});

Deno.test("vendiScore() counts different images, and every order agrees on equal shares", () => {
  const set = [[1, 0, 0], [0, 5, 0], [0, 0, 2], [3, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (const order of [0, 0.5, 1, 2, Infinity]) assertAlmostEquals(vendiScore(set, order), 3, 1e-9);
  assertAlmostEquals(vendiScore([[1, 2], [2, 4]]), 1, 1e-9);
});

Deno.test("inceptionScore() is one where every image has the same classes", () => {
  const { mean, std } = inceptionScore([[1, 2, 3], [1, 2, 3], [2, 3, 4], [0, 1, 2]], 2);
  assertAlmostEquals(mean, 1, 1e-12);
  assertAlmostEquals(std, 0, 1e-12);
});

Deno.test("a SetMetric in two parts, merged, is the metric of the whole", async () => {
  const make = () => new SetMetric("vendi", pixelFeatures(), (rows) => ({ vendi: vendiScore(rows), n: rows.length }));
  const [whole, one, other] = [make(), make(), make()];
  const images = await randn(key(2), [5, 3, 2, 2]).realize();
  const prompts = { ids: zeros([5, 1], "i32") };
  await whole.update(images, prompts);
  await one.update(images.slice([[0, 2]]), prompts);
  await other.update(images.slice([[2, 5]]), prompts);
  one.merge(JSON.parse(JSON.stringify(other.state())));
  assertEquals(await one.compute(), await whole.compute());
});

Deno.test("what can not be measured is refused by name, count and expectation", () => {
  const refusals: [() => unknown, string][] = [
    [
      () => kernelInceptionDistance([[1]], line(3, 0)),
      "Cannot compute kernelInceptionDistance of 1 images: expected at",
    ],
    [() => cmmd([], []), "Cannot compute cmmd of 0 images: expected at least 1"],
    [() => cmmd([[1, 2]], [[1]]), "Cannot compute cmmd of features of 2 and 1 numbers: expected one length"],
    [
      () => precisionRecall(line(3, 0), line(9, 0), 3),
      "Cannot compute precisionRecall of 3 images: expected at least 4",
    ],
    [() => inceptionScore([[1, 2]], 2), "Cannot compute inceptionScore of 1 images: expected at least 2"],
    [() => vendiScore([[1]], -1), "Cannot compute vendiScore of order -1: expected 0 or more"],
    [() => clipScores(line(2, 0), line(3, 0)), "Cannot compute CLIPScore of 2 images and 3 texts: expected pairs"],
    [() => lpipsLayers([tensor([1])], [], []), "Cannot compute LPIPS of 1 and 0 layers with 0 weights"],
  ];
  for (const [act, message] of refusals) assertThrows(act, RangeError, message);
});
