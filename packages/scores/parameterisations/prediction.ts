import type { Tensor } from "@dipp/tensor";
import { epsFromX0, type NoiseLevel, scoreFromEps, x0FromEps } from "../conversions.ts";
import type { Prediction } from "../types.ts";

/**
 * The three views of a noise prediction.
 *
 * @param xt Where it was made, `[B, ...]`.
 * @param eps The noise, shaped like `xt`.
 * @param level Noise level of `xt`.
 * @returns The prediction.
 */
export function predictionFromEps(
  xt: Tensor,
  eps: Tensor,
  level: NoiseLevel,
): Prediction {
  return {
    x0: x0FromEps(xt, eps, level),
    eps,
    score: scoreFromEps(eps, level),
  };
}

/**
 * The three views of a denoised image.
 *
 * @param xt Where it was made, `[B, ...]`.
 * @param x0 The denoised image, shaped like `xt`.
 * @param level Noise level of `xt`.
 * @returns The prediction.
 */
export function predictionFromX0(
  xt: Tensor,
  x0: Tensor,
  level: NoiseLevel,
): Prediction {
  const eps = epsFromX0(xt, x0, level);
  return { x0, eps, score: scoreFromEps(eps, level) };
}

/**
 * The part of a network's output that is the prediction. Networks with a
 * learned variance (PixArt-alpha, DiT) put it in the second half of twice the
 * channels; this is the first half.
 *
 * @param output Raw output, `[B, C or 2C, H, W]`.
 * @param xt The network's input, `[B, C, H, W]`.
 * @returns `[B, C, H, W]`.
 */
export function meanChannels(output: Tensor, xt: Tensor): Tensor {
  const channels = xt.shape[1];
  if (output.shape[1] === channels) return output;
  if (output.shape[1] !== 2 * channels) {
    throw new RangeError(
      `A network for ${channels} channels must return ${channels} or ${
        2 * channels
      } (with learned variance), got shape [${output.shape}]`,
    );
  }
  return output.slice([null, [0, channels]]);
}
