import { assert, assertEquals } from "@std/assert";
import { hashText, permutation, randomBits, randomUniform } from "./counter_random.ts";

Deno.test("hashes are fixed values: splits and orders must never change", () => {
  assertEquals([hashText(""), hashText("red apple"), hashText("日")], [
    2872998923,
    1346098820,
    3069277635,
  ]);
  assertEquals([randomBits(0), randomBits(0, 0), randomBits(1, 2, 3)], [
    3651375328,
    3330166145,
    89003178,
  ]);
});

Deno.test("uniform numbers pass a chi-squared test over counters and over seeds", () => {
  for (
    const draw of [
      (i: number) => randomUniform(7, i),
      (i: number) => randomUniform(i, 0, 3),
    ]
  ) {
    const bins = new Float64Array(64);
    for (let i = 0; i < 64_000; i++) bins[Math.floor(draw(i) * 64)]++;
    const chi2 = bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    // 63 degrees of freedom: mean 63, standard deviation 11.2; five of them on either side.
    assert(chi2 > 7 && chi2 < 119, `chi-squared ${chi2}`);
  }
});

Deno.test("a permutation holds every index once, and every place is as likely as another", () => {
  assertEquals(
    [...permutation(100, 1, 2)].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  const places = new Float64Array(10);
  for (let seed = 0; seed < 10_000; seed++) {
    places[permutation(10, seed).indexOf(3)]++;
  }
  const chi2 = places.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert(chi2 < 9 + 5 * Math.sqrt(18), `chi-squared ${chi2}`);
});
