import { assert, assertEquals, assertThrows } from "@std/assert";
import { goldenMetric, goldenNames, relativeError } from "./golden.ts";
import { frechetDistance } from "./frechet.ts";
import { GaussianFit } from "./gaussian_fit.ts";

function fitOf(features: Float32Array, dim: number): GaussianFit {
  const fit = new GaussianFit(dim);
  fit.update(features);
  return fit;
}

for (const name of goldenNames(/^fid_/)) {
  Deno.test(`frechetDistance agrees with torchmetrics on ${name}`, () => {
    const golden = goldenMetric(name);
    const real = golden.inputs.get("features_real")!;
    const fake = golden.inputs.get("features_fake")!;
    const a = fitOf(real.toFloat32(), real.shape[1]);
    const b = fitOf(fake.toFloat32(), fake.shape[1]);
    const terms = frechetDistance(a, b);
    const actual: Record<string, ArrayLike<number>> = {
      fid: [terms.distance],
      mean_term: [terms.meanTerm],
      trace_sqrt: [terms.traceSqrt],
      mean_real: a.mean,
      cov_trace_real: [terms.traceA],
      cov_trace_fake: [terms.traceB],
    };
    for (const [key, expected] of golden.outputs) {
      assert(key in actual, `${key} is not compared`);
      const error = relativeError(actual[key], expected.toFloat32());
      assert(
        error <= golden.tolerance[key],
        `${name} ${key}: error ${error}, tolerance ${golden.tolerance[key]}`,
      );
    }
  });
}

Deno.test("frechetDistance is symmetric and zero against itself", () => {
  const golden = goldenMetric("fid_rank_deficient_both");
  const [a, b] = ["features_real", "features_fake"].map((name) => {
    const t = golden.inputs.get(name)!;
    return fitOf(t.toFloat32(), t.shape[1]);
  });
  const forth = frechetDistance(a, b).distance;
  const back = frechetDistance(b, a).distance;
  assert(Math.abs(forth - back) < 1e-9 * forth, `${forth} ${back}`);
  assert(frechetDistance(a, a).distance < 1e-5);
});

Deno.test("GaussianFit does not depend on how the stream is cut", () => {
  const golden = goldenMetric("fid_small");
  const t = golden.inputs.get("features_real")!;
  const x = t.toFloat32(), dim = t.shape[1];
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
