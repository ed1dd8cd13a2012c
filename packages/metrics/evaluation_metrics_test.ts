import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { brightnessReward } from "@dipp/rewards";
import { key, ones, tensor, uniform, zeros } from "@dipp/tensor";
import { bootstrap } from "./bootstrap.ts";
import { Diversity } from "./diversity.ts";
import { pixelFeatures } from "./features.ts";
import { mergeMetric, saveMetric } from "./metric_state.ts";
import { PerceptualDiversity } from "./perceptual_diversity.ts";
import { chunkMeans, StyledReward } from "./styled_reward.ts";

const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

Deno.test("bootstrap() of a mean agrees with the closed form of its standard error", () => {
  const n = 400, values = Array.from({ length: n }, (_, i) => Math.sin(i * i));
  const center = mean(values), variance = mean(values.map((x) => (x - center) ** 2));
  const found = bootstrap(n, (chosen) => mean(chosen.map((i) => values[i])), { resamples: 4000, seed: 3 });
  const stderr = Math.sqrt(variance / n);
  assertAlmostEquals(found.stderr, stderr, 0.05 * stderr);
  assertAlmostEquals(found.low, center - 1.96 * stderr, 0.2 * stderr);
  assertAlmostEquals(found.high, center + 1.96 * stderr, 0.2 * stderr);
  assertEquals(found.estimate, center);
});

Deno.test("bootstrap() covers the truth as often as it says", async () => {
  const trials = 400, n = 60;
  const data = await uniform(key(7), [trials, n]).data();
  let covered = 0;
  for (let trial = 0; trial < trials; trial++) {
    const values = [...data.subarray(trial * n, (trial + 1) * n)];
    const { low, high } = bootstrap(n, (c) => mean(c.map((i) => values[i])), { resamples: 300, seed: trial });
    if (low <= 0.5 && 0.5 <= high) covered++;
  }
  // Three binomial standard deviations about 0.95
  assertAlmostEquals(covered / trials, 0.95, 3 * Math.sqrt(0.95 * 0.05 / trials));
});

Deno.test("bootstrap() refuses what it cannot resample", () => {
  assertThrows(() => bootstrap(0, () => 0), RangeError, "units are 0");
  assertThrows(() => bootstrap(2, () => 0, { resamples: 0 }), RangeError, "resamples are 0");
  assertThrows(() => bootstrap(2, () => 0, { level: 1 }), RangeError, "level is 1");
});

Deno.test("StyledReward cuts by the order of the prompts, whatever the order of batches and shards", async () => {
  const styles = { anime: Array.from({ length: 20 }, (_, i) => `anime ${i}`), photo: ["p 0", "p 1", "p 2", "p 3"] };
  const all = Object.values(styles).flat();
  const value = (text: string) => all.indexOf(text) / 64;
  const make = () => new StyledReward(brightnessReward(), styles, { chunks: 4 });
  const feed = async (metric: StyledReward, texts: string[]) => {
    const pixels = texts.flatMap((text) => new Array<number>(3).fill(value(text)));
    await metric.update(tensor(pixels, [texts.length, 3, 1, 1]), {
      ids: tensor(texts.map(() => 1), [texts.length, 1]),
      texts,
    });
  };
  const whole = make(), left = make(), right = make();
  await feed(whole, all);
  await feed(right, all.toReversed().filter((_, i) => i % 3 > 0));
  await feed(left, all.toReversed().filter((_, i) => i % 3 === 0));
  mergeMetric(left, saveMetric(right));
  assertEquals(await left.compute(), await whole.compute());
  const { anime, anime_std, average, count } = await whole.compute();
  assertAlmostEquals(anime, 100 * 9.5 / 64, 1e-4);
  assertAlmostEquals(anime_std, 100 * Math.sqrt((2.5 ** 2 + 7.5 ** 2) / 2) / 64, 1e-4);
  assertAlmostEquals(average, (100 * 9.5 / 64 + 100 * 21.5 / 64) / 2, 1e-4);
  assertEquals(count, 24);
  await assertRejects(() => feed(whole, ["other"]), RangeError, 'Prompt "other" is in no style');
  assertThrows(() => new StyledReward(brightnessReward(), { a: ["x"], b: ["x"] }), RangeError, "styles a and b");
});

Deno.test("chunkMeans() of unequal chunks weighs chunks, not values", () => {
  assertEquals(chunkMeans([1, 2, 3], 2), { mean: 1.75, std: 0.75 });
});

Deno.test("PerceptualDiversity with pixels as features is the diversity of unit pixels", async () => {
  const backbone = { layers: (x: ReturnType<typeof ones>) => [x], weights: [ones([1, 3, 1, 1])] };
  const metric = new PerceptualDiversity(backbone), other = new PerceptualDiversity(backbone);
  const vectors = [[3, 4, 0], [0, 1, 0], [1, 0, 0], [0, 0, 2]];
  const feed = (m: PerceptualDiversity, rows: number[][], ids: number[]) =>
    m.update(tensor(rows.flat(), [rows.length, 3, 1, 1]), { ids: tensor(ids, [ids.length, 1]) });
  await feed(metric, vectors.slice(0, 2), [5, 7]);
  await feed(other, vectors.slice(2), [5, 5]);
  mergeMetric(metric, saveMetric(other));
  const unit = vectors.map((v) => v.map((x) => x / Math.hypot(...v)));
  const distance = (a: number[], b: number[]) => a.reduce((s, x, i) => s + (x - b[i]) ** 2, 0);
  const expected = mean([distance(unit[0], unit[2]), distance(unit[0], unit[3]), distance(unit[2], unit[3])]);
  assertAlmostEquals(await metric.compute(), expected, 1e-6);
  await assertRejects(() => metric.update(zeros([1, 3, 2, 2]), { ids: tensor([1], [1, 1]) }), RangeError, "[3,2,2]");
});

Deno.test("mergeMetric() takes only what the same metric saved", () => {
  const metric = new Diversity(pixelFeatures());
  assertThrows(() => mergeMetric(metric, "{}"), TypeError, 'expected "dipp.metric"');
  assertThrows(() => mergeMetric(metric, saveMetric(new Diversity(pixelFeatures(), "x"))), TypeError, 'is "x"');
  assertThrows(() => mergeMetric(metric, "nonsense"), SyntaxError);
});
