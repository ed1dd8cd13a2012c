/** The four models of the example: schedule, analytic teacher, learned fake score, linear generator. */
import { arange, indexSelect, type Tensor, tensor } from "@dipp/tensor";
import { noiseLevel, type NoiseSchedule, predictionFromEps, type ScoreModel } from "@dipp/scores";
import type { Gaussian, GaussianProblem } from "./problem.ts";

/** A schedule of a few levels; time is the level's index. */
export function levelSchedule({ alpha, sigma }: GaussianProblem): NoiseSchedule {
  const tables = { alpha: tensor([...alpha]), sigma: tensor([...sigma]) };
  const at = (table: Tensor, t: Tensor) => indexSelect(table, 0, t.cast("i32"));
  return {
    kind: alpha.every((a) => a === 1) ? "ve" : "vp",
    alpha: (t) => at(tables.alpha, t),
    sigma: (t) => at(tables.sigma, t),
    snr: (t) => at(tables.alpha.div(tables.sigma).square(), t),
    timeOfRatio: (ratio) => {
      const distance = sigma.map((s, k) => Math.abs(s / alpha[k] - ratio));
      return distance.indexOf(Math.min(...distance));
    },
  };
}

/** The condition and the null condition of `batch` samples: one id, 1 or 0. */
export function conditions(batch: number): { cond: { ids: Tensor }; nullCond: { ids: Tensor } } {
  const ids = (id: number) => tensor(new Int32Array(batch).fill(id), [batch, 1]);
  return { cond: { ids: ids(1) }, nullCond: { ids: ids(0) } };
}

/** Exact scores of the diffused reference: eps = sigma (x_t - alpha mean) / (alpha^2 variance + sigma^2). */
export function analyticTeacher(problem: GaussianProblem, schedule: NoiseSchedule): ScoreModel {
  const { reference, unconditional } = problem;
  const table = (get: (g: Gaussian) => readonly number[]) => tensor([[...get(unconditional)], [...get(reference)]]);
  const [means, variances] = [table((g) => g.mean), table((g) => g.variance)];
  return {
    schedule,
    predict(xt, t, cond) {
      const level = noiseLevel(schedule, t);
      const [alpha, sigma] = [level.alpha.unsqueeze(1), level.sigma.unsqueeze(1)];
      const ids = cond.ids!.flatten(0);
      const mean = indexSelect(means, 0, ids), variance = indexSelect(variances, 0, ids);
      const total = alpha.square().mul(variance).add(sigma.square());
      return predictionFromEps(xt, xt.sub(alpha.mul(mean)).mul(sigma).div(total), level);
    },
  };
}

/** Parameters of the fake score: one affine map a noise level. */
export type FakeParams = {
  /** `[levels, d, d]`. */
  weight: Tensor;
  /** `[levels, d]`. */
  bias: Tensor;
};

/**
 * The learned fake score: eps = W_t x_t / sqrt(alpha^2 + sigma^2) + b_t, the family that the true score of a linear
 * generator lies in. It is learned from samples alone.
 */
export function linearScore(params: FakeParams, schedule: NoiseSchedule): ScoreModel {
  const [levels, d] = params.bias.shape;
  return {
    schedule,
    predict(xt, t) {
      const level = noiseLevel(schedule, t);
      // One-hot products rather than look-ups: their gradients are products too.
      const at = t.unsqueeze(1).eq(arange(levels).reshape([1, levels])).cast("f32");
      const weight = at.matmul(params.weight.reshape([levels, d * d])).reshape([xt.shape[0], d, d]);
      const scale = level.alpha.square().add(level.sigma.square()).rsqrt();
      const x = xt.mul(scale.unsqueeze(1)).unsqueeze(1);
      return predictionFromEps(xt, weight.mul(x).sum(2).add(at.matmul(params.bias)), level);
    },
  };
}

/** The fake score that equals the teacher's conditional score: where DI++ starts it. */
export function teacherCopy({ alpha, sigma, reference }: GaussianProblem): FakeParams {
  const d = reference.mean.length;
  const weight = alpha.map((a, k) => {
    const scale = sigma[k] * Math.hypot(a, sigma[k]);
    return reference.variance.map((v, i) =>
      reference.variance.map((_, j) => i === j ? scale / (a * a * v + sigma[k] ** 2) : 0)
    );
  });
  const bias = alpha.map((a, k) =>
    reference.mean.map((m, i) => -sigma[k] * a * m / (a * a * reference.variance[i] + sigma[k] ** 2))
  );
  return { weight: tensor(weight.flat(2), [alpha.length, d, d]), bias: tensor(bias.flat(), [alpha.length, d]) };
}

/** Parameters of the generator x0 = A z + b. */
export type GeneratorParams = {
  /** `[d, d]`. */
  weight: Tensor;
  /** `[d]`. */
  bias: Tensor;
};

/** x0 = A z + b for z `[B, d]`. */
export function generate({ weight, bias }: GeneratorParams, z: Tensor): Tensor {
  return z.matmul(weight.transpose(0, 1)).add(bias);
}
