import { assert } from "@std/assert";
import { align, DEFAULTS } from "./align.ts";
import { closedFormCase, closedFormNames, gaussianProblem, optimum } from "./problem.ts";

/** Enough for 2 % on these two problems, in seconds. */
const FAST = { ...DEFAULTS, steps: 400, lr: 0.05, fakeLr: 0.15, emaDecay: 0.98 };

function assertWithin(actual: readonly number[], expected: readonly number[], bound: number, what: string): void {
  const rms = Math.sqrt(expected.reduce((s, x) => s + x * x, 0) / expected.length);
  expected.forEach((x, i) => {
    const error = Math.abs(actual[i] - x) / Math.max(Math.abs(x), rms);
    assert(error <= bound, `${what} ${i} is ${actual[i]}, expected ${x}: error ${error}, bound ${bound}`);
  });
}

Deno.test("optimum reproduces every closed-form reference case", () => {
  for (const name of closedFormNames()) {
    const { problem, solution } = closedFormCase(name);
    const found = optimum(problem);
    assertWithin(found.mean, solution.mean, 1e-9, `${name}: mean`);
    assertWithin(found.variance, solution.variance, 1e-9, `${name}: variance`);
  }
});

Deno.test("optimum of a linear reward shifts the mean and leaves the variance", () => {
  const plain = optimum(gaussianProblem(0, 0)), rewarded = optimum(gaussianProblem(2, 0));
  assertWithin(rewarded.variance, plain.variance, 1e-9, "variance");
  assert(rewarded.mean[0] > plain.mean[0] && rewarded.mean[1] < plain.mean[1]);
});

for (const name of ["ve_linear_reward_alpha_1p0", "ve_cfg_1p5"]) {
  Deno.test(`DI++ with a learned fake score reaches the analytic optimum of ${name}`, async () => {
    const { problem, solution } = closedFormCase(name);
    const reached = await align(problem, FAST);
    assertWithin(reached.mean, solution.mean, 0.02, "mean");
    assertWithin(reached.variance, solution.variance, 0.02, "variance");
    assert(reached.crossCovariance < 0.05, `coordinates stay correlated: ${reached.crossCovariance}`);
  });
}
