import { assert, assertEquals, assertThrows } from "@std/assert";
import { init, key, randn, uniform } from "@dipp/tensor";
import { frechetDistance } from "./frechet.ts";
import { GaussianFit } from "./gaussian_fit.ts";

await init();

function fitOf(features: Float32Array, dim: number): GaussianFit {
  const fit = new GaussianFit(dim);
  fit.update(features);
  return fit;
}

/** Features `[rows, dim]` of another mean and another scale on every axis. */
function features(seed: number, rows: number, dim: number): Promise<Float32Array> {
  const scale = uniform(key(seed), [dim]).add(0.5);
  return randn(key(seed + 1), [rows, dim]).add(randn(key(seed + 2), [dim])).mul(scale).data() as Promise<Float32Array>;
}

Deno.test("frechetDistance is symmetric and zero against itself, also with fewer samples than dimensions", async () => {
  const [a, b] = [fitOf(await features(1, 24, 64), 64), fitOf(await features(4, 30, 64), 64)];
  const forth = frechetDistance(a, b).distance;
  const back = frechetDistance(b, a).distance;
  assert(Math.abs(forth - back) < 1e-9 * forth, `${forth} ${back}`);
  assert(frechetDistance(a, a).distance < 1e-5);
});

Deno.test("GaussianFit does not depend on how the stream is cut", async () => {
  const dim = 8, x = await features(7, 60, dim);
  const whole = fitOf(x, dim);
  const parts = new GaussianFit(dim), other = new GaussianFit(dim);
  for (let r = 0; r < 20; r += 5) {
    parts.update(x.subarray(r * dim, (r + 5) * dim));
  }
  other.update(x.subarray(20 * dim));
  parts.merge(GaussianFit.fromState(other.state()));
  assertEquals(parts.count, whole.count);
  const close = (a: Float64Array, b: Float64Array) => a.forEach((v, i) => assert(Math.abs(v - b[i]) < 1e-12));
  close(parts.mean, whole.mean);
  close(parts.covariance(), whole.covariance());
});

Deno.test("GaussianFit keeps its accuracy far from zero", () => {
  const fit = new GaussianFit(1);
  for (let i = 0; i < 1000; i++) fit.update([1e8 + (i % 2)]);
  assert(Math.abs(fit.covariance()[0] - 250 / 999) < 1e-9);
});

Deno.test("GaussianFit names what it cannot take", () => {
  const fit = new GaussianFit(2);
  assertThrows(() => fit.update([1, 2, 3]), RangeError, "whole vectors");
  assertThrows(
    () => fit.update([1, 2, 3, Infinity]),
    RangeError,
    "feature 1 of sample 1 is Infinity",
  );
  assertThrows(() => fit.covariance(), RangeError, "at least 2 samples");
  assertThrows(() => fit.merge(new GaussianFit(3)), RangeError, "dimension 3");
});
