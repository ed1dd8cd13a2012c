/**
 * The five linear layers at the end of ImageReward and of the aesthetic predictor.
 *
 * @module
 */

import { linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";

/** Parameters of the head of ImageReward and of the aesthetic predictor; 1, 3 and 5 are the places of dropouts. */
export type LinearStackParams = {
  /** Widths 1024, 128, 64, 16 and 1. */
  layers: [
    LinearParams,
    Record<never, never>,
    LinearParams,
    Record<never, never>,
    LinearParams,
    Record<never, never>,
    LinearParams,
    LinearParams,
  ];
};

const WIDTHS = [1024, 128, 64, 16, 1];

/**
 * Draws the parameters.
 *
 * @param key The random key.
 * @param inputSize Width of the input.
 * @returns The parameters.
 */
export function init(key: Tensor, inputSize: number): LinearStackParams {
  const layer = (i: number) => linear.init(fold(key, i), i === 0 ? inputSize : WIDTHS[i - 1], WIDTHS[i]);
  return { layers: [layer(0), {}, layer(1), {}, layer(2), {}, layer(3), layer(4)] };
}

/**
 * Five linear layers without activations between them: one affine map.
 *
 * @param params The parameters.
 * @param x `[B, inputSize]`.
 * @returns `[B, 1]`.
 */
export function apply({ layers }: LinearStackParams, x: Tensor): Tensor {
  return [layers[0], layers[2], layers[4], layers[6], layers[7]].reduce((h, layer) => linear.apply(layer, h), x);
}
