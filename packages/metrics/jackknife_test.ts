import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { key, uniform } from "@dipp/tensor";
import { jackknife, studentQuantile } from "./jackknife.ts";
import { precisionRecall } from "./precision_recall.ts";
import { bootstrap } from "./bootstrap.ts";

const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

Deno.test("studentQuantile() agrees with closed forms", () => {
  // One degree is Cauchy's distribution, two have P(|t| < x) = x / sqrt(2 + x^2)
  assertAlmostEquals(studentQuantile(1, 0.5), 1, 1e-12);
  assertAlmostEquals(studentQuantile(2, 0.95), 0.95 * Math.sqrt(2 / (1 - 0.95 ** 2)), 1e-9);
  assertAlmostEquals(studentQuantile(3, 0.95), 3.182446305, 1e-8);
  assertAlmostEquals(studentQuantile(10, 0.99), 3.169272673, 1e-8);
});

Deno.test("jackknife() of a mean over equal groups is the standard error of their means", () => {
  const values = Array.from({ length: 60 }, (_, i) => Math.sin(i * i));
  const { estimate, stderr, groups } = jackknife(60, (c) => mean(c.map((i) => values[i])), { groups: 12 });
  const means = Array.from({ length: 12 }, (_, g) => mean(values.filter((_, i) => i % 12 === g)));
  const variance = means.reduce((sum, x) => sum + (x - mean(means)) ** 2, 0) / 11;
  assertAlmostEquals(stderr, Math.sqrt(variance / 12), 1e-12);
  assertEquals([estimate, groups], [mean(values), 12]);
});

Deno.test("jackknife() over unequal groups covers the truth as often as it says", async () => {
  const trials = 400, n = 33;
  const data = await uniform(key(11), [trials, n]).data();
  let covered = 0;
  for (let trial = 0; trial < trials; trial++) {
    const values = [...data.subarray(trial * n, (trial + 1) * n)];
    const { low, high } = jackknife(n, (c) => mean(c.map((i) => values[i])), { groups: 10 });
    if (low <= 0.5 && 0.5 <= high) covered++;
  }
  // Three binomial standard deviations about 0.95
  assertAlmostEquals(covered / trials, 0.95, 3 * Math.sqrt(0.95 * 0.05 / trials));
});

Deno.test("jackknife() is about the set itself where repeated images mislead the bootstrap", async () => {
  const data = await uniform(key(5), [2, 120, 2]).data();
  const rows = (s: number) => Array.from({ length: 120 }, (_, i) => [...data.subarray((s * 120 + i) * 2).slice(0, 2)]);
  const [real, fake] = [rows(0), rows(1)];
  const recall = (chosen: number[]) => precisionRecall(real, chosen.map((i) => fake[i]), 3).recall;
  const left = jackknife(120, recall), drawn = bootstrap(120, recall, { resamples: 60 });
  assert(left.low < left.estimate && left.estimate < left.high);
  assert(drawn.high < drawn.estimate, "neighbours that are copies make balls small");
});

Deno.test("jackknife() refuses what it cannot leave out", () => {
  assertThrows(() => jackknife(1, () => 0), RangeError, "units are 1");
  assertThrows(() => jackknife(2, () => 0, { groups: 1 }), RangeError, "groups are 1");
  assertThrows(() => jackknife(2, () => 0, { level: 0 }), RangeError, "level is 0");
});
