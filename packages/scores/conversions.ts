/**
 * The algebra between x0, noise, velocity and score at a point
 * `x_t = alpha x_0 + sigma eps`. Every factor is `[B]` (or a scalar) and every
 * image `[B, ...]`.
 */
import { type Tensor, where } from "@dipp/tensor";
import { perSample } from "./broadcast.ts";
import type { NoiseSchedule } from "./types.ts";

/** alpha and sigma of a noise level, each `[B]`. */
export interface NoiseLevel {
  /** Signal scale. */
  readonly alpha: Tensor;
  /** Noise scale. */
  readonly sigma: Tensor;
}

/**
 * alpha and sigma of a schedule at `t`.
 *
 * @param schedule The schedule.
 * @param t Times, `[B]`.
 * @returns The noise level.
 */
export function noiseLevel(schedule: NoiseSchedule, t: Tensor): NoiseLevel {
  return { alpha: schedule.alpha(t), sigma: schedule.sigma(t) };
}

/**
 * The forward process: `alpha x_0 + sigma eps`.
 *
 * @param x0 Clean images, `[B, ...]`.
 * @param eps Standard normal noise, shaped like `x0`.
 * @param level Noise level.
 * @returns `x_t`, shaped like `x0`.
 */
export function addNoise(x0: Tensor, eps: Tensor, level: NoiseLevel): Tensor {
  return x0.mul(perSample(level.alpha, x0)).add(
    eps.mul(perSample(level.sigma, x0)),
  );
}

/**
 * `x_0 = (x_t - sigma eps) / alpha`.
 *
 * @param xt Noisy images, `[B, ...]`.
 * @param eps Noise, shaped like `xt`.
 * @param level Noise level.
 * @returns `x_0`.
 */
export function x0FromEps(xt: Tensor, eps: Tensor, level: NoiseLevel): Tensor {
  return xt.sub(eps.mul(perSample(level.sigma, xt))).div(
    perSample(level.alpha, xt),
  );
}

/**
 * `eps = (x_t - alpha x_0) / sigma`.
 *
 * @param xt Noisy images, `[B, ...]`.
 * @param x0 Clean images, shaped like `xt`.
 * @param level Noise level.
 * @returns The noise.
 */
export function epsFromX0(xt: Tensor, x0: Tensor, level: NoiseLevel): Tensor {
  return xt.sub(x0.mul(perSample(level.alpha, xt))).div(
    perSample(level.sigma, xt),
  );
}

/**
 * The velocity `v = alpha eps - sigma x_0` (Salimans and Ho 2022; needs
 * alpha² + sigma² = 1 for its inverses below).
 *
 * @param x0 Clean images, `[B, ...]`.
 * @param eps Noise, shaped like `x0`.
 * @param level Noise level.
 * @returns The velocity.
 */
export function velocity(x0: Tensor, eps: Tensor, level: NoiseLevel): Tensor {
  return eps.mul(perSample(level.alpha, x0)).sub(
    x0.mul(perSample(level.sigma, x0)),
  );
}

/**
 * `x_0 = alpha x_t - sigma v`.
 *
 * @param xt Noisy images, `[B, ...]`.
 * @param v Velocity, shaped like `xt`.
 * @param level Noise level with alpha² + sigma² = 1.
 * @returns `x_0`.
 */
export function x0FromV(xt: Tensor, v: Tensor, level: NoiseLevel): Tensor {
  return xt.mul(perSample(level.alpha, xt)).sub(
    v.mul(perSample(level.sigma, xt)),
  );
}

/**
 * `eps = sigma x_t + alpha v`.
 *
 * @param xt Noisy images, `[B, ...]`.
 * @param v Velocity, shaped like `xt`.
 * @param level Noise level with alpha² + sigma² = 1.
 * @returns The noise.
 */
export function epsFromV(xt: Tensor, v: Tensor, level: NoiseLevel): Tensor {
  return xt.mul(perSample(level.sigma, xt)).add(
    v.mul(perSample(level.alpha, xt)),
  );
}

/**
 * `v = (alpha x_t - x_0) / sigma`.
 *
 * @param xt Noisy images, `[B, ...]`.
 * @param x0 Clean images, shaped like `xt`.
 * @param level Noise level with alpha² + sigma² = 1.
 * @returns The velocity.
 */
export function vFromX0(xt: Tensor, x0: Tensor, level: NoiseLevel): Tensor {
  return xt.mul(perSample(level.alpha, xt)).sub(x0).div(
    perSample(level.sigma, xt),
  );
}

/**
 * The score `-eps / sigma`.
 *
 * @param eps Noise, `[B, ...]`.
 * @param level Noise level.
 * @returns `∇ log p_t(x_t)`.
 */
export function scoreFromEps(eps: Tensor, level: NoiseLevel): Tensor {
  return eps.div(perSample(level.sigma, eps)).neg();
}

/**
 * Min-SNR weights of a mean squared error on the network's target (Hang et al.
 * 2023): `min(snr, gamma)`, divided by snr for eps, by snr + 1 for v, and by 1
 * for x0.
 *
 * @param snr Signal-to-noise ratios, `[B]`.
 * @param target What the network predicts.
 * @param gamma The cap.
 * @returns `[B]`.
 */
export function minSnrWeight(
  snr: Tensor,
  target: "eps" | "v" | "x0",
  gamma = 5,
): Tensor {
  switch (target) {
    case "eps":
      // min(snr, gamma) / snr, without 0/0 where snr is 0.
      return where(snr.le(gamma), snr.mul(0).add(1), snr.reciprocal().mul(gamma));
    case "v":
      return snr.clamp(undefined, gamma).div(snr.add(1));
    case "x0":
      return snr.clamp(undefined, gamma);
  }
}
