/** A small perceptron, as generator and as fake score. */
import { cat, fold, type Tensor } from "@dipp/tensor";
import { linear, type LinearParams } from "@dipp/nn";
import { edmModel, type ScoreModel } from "@dipp/scores";
import { SCHEDULE } from "./problem.ts";

/** Three linear layers. */
export type MLPParams = { first: LinearParams; second: LinearParams; third: LinearParams };

const WIDTH = 48;

/** Draws the parameters of a perceptron with two outputs. */
export function initMLP(key: Tensor, inputs: number): MLPParams {
  return {
    first: linear.init(fold(key, 0), inputs, WIDTH),
    second: linear.init(fold(key, 1), WIDTH, WIDTH),
    third: linear.init(fold(key, 2), WIDTH, 2),
  };
}

/** Applies it to `[B, inputs]`. */
export function mlp({ first, second, third }: MLPParams, x: Tensor): Tensor {
  const hidden = linear.apply(second, linear.apply(first, x).silu()).silu();
  return linear.apply(third, hidden);
}

/** The one-step generator: x0 = z / 2 + f(z), z `[B, 2]`. */
export function generate(params: MLPParams, z: Tensor): Tensor {
  return z.mul(0.5).add(mlp(params, z));
}

/** The fake score: an EDM denoiser that sees the point and the noise level. */
export function fakeScore(params: MLPParams): ScoreModel {
  return edmModel(
    (x, noise) => {
      const level = noise.unsqueeze(1).mul(4);
      return mlp(params, cat([x, level.mul(0.5), level.sin(), level.cos()], 1));
    },
    { sigmaData: 0.8, schedule: SCHEDULE },
  );
}

/** Inputs of {@linkcode fakeScore}'s perceptron. */
export const FAKE_INPUTS = 5;
