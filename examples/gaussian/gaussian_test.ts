import { assert, assertThrows } from "@std/assert";
import { align, DEFAULTS } from "./align.ts";
import { optimum } from "./optimum.ts";
import { closedFormCase, closedFormNames, familyProblems, gaussianProblem } from "./problem.ts";

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

Deno.test("optimum knows the squared distance at one noise level as the guided score itself", () => {
  const one = { ...gaussianProblem(0, 0.5), objective: "sim", alpha: [0.8], sigma: [0.6], weights: [1] } as const;
  const { reference: r, unconditional: u } = one;
  const found = optimum(one);
  found.variance.forEach((variance, i) => {
    const [vr, vu] = [r.variance[i], u.variance[i]].map((v) => 0.64 * v + 0.36);
    const precision = 1.5 / vr - 0.5 / vu;
    assertWithin([0.64 * variance + 0.36], [1 / precision], 1e-9, "variance");
    assertWithin([found.mean[i]], [(1.5 * r.mean[i] / vr - 0.5 * u.mean[i] / vu) / precision], 1e-9, "mean");
  });
});

Deno.test("optimum refuses what has none", () => {
  assertThrows(() => optimum({ ...gaussianProblem(1, 0), objective: "draft1" }), RangeError, "unbounded");
  assertThrows(
    () => optimum({ ...gaussianProblem(1, 0), objective: "sid" }),
    RangeError,
    "without guidance and reward",
  );
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

for (const problem of familyProblems().filter(({ objective }) => ["vsd", "dmd2", "sds"].includes(objective))) {
  Deno.test(`${problem.objective} reaches its analytic optimum`, async () => {
    const reached = await align(problem, FAST), expected = optimum(problem);
    assertWithin(reached.mean, expected.mean, 0.02, "mean");
    // where the variance is to vanish, 2 % of the reference's
    const offset = problem.objective === "sds" ? problem.reference.variance : expected.variance.map(() => 0);
    const lifted = (v: readonly number[]) => v.map((x, i) => x + offset[i]);
    assertWithin(lifted(reached.variance), lifted(expected.variance), 0.02, "variance");
  });
}
