/**
 * The narrow interfaces that everything above this package composes through.
 */
import type { Params } from "@dipp/nn";
import type { Tensor } from "@dipp/tensor";

/**
 * What a network is conditioned on. Every field has the batch as its first
 * axis; a network takes the fields it knows and says so when one is missing.
 */
export interface Cond {
  /** Encoded prompt, `[B, L, C]`. */
  readonly embeds?: Tensor;
  /** Which of the `L` positions hold a token, `[B, L]`, true or 1 = keep. */
  readonly mask?: Tensor;
  /** Token ids `[B, L]` (i32, 0 = padding), for networks that embed them themselves. */
  readonly ids?: Tensor;
  /** Micro-condition of PixArt-alpha 1024-MS: image height and width in pixels, `[B, 2]`. */
  readonly resolution?: Tensor;
  /** Micro-condition of PixArt-alpha 1024-MS: height / width, `[B, 1]`. */
  readonly aspectRatio?: Tensor;
  /** SDXL's pooled prompt, `[B, D]`. */
  readonly textEmbeds?: Tensor;
  /** SDXL's original size, crop and target size in pixels, `[B, 6]`. */
  readonly timeIds?: Tensor;
  /** Class of each sample, integers `[B]`; DiT's null condition is the number of classes. */
  readonly classLabels?: Tensor;
}

/** A noise schedule: `x_t = alpha(t) x_0 + sigma(t) eps`. */
export interface NoiseSchedule {
  /** `"vp"`: alpha² + sigma² = 1 and `t` is a timestep index; `"ve"`: alpha = 1 and `t` is sigma. */
  readonly kind: "vp" | "ve";
  /** Signal scale at `t` (f32 `[B]`); returns `[B]`. */
  alpha(t: Tensor): Tensor;
  /** Noise scale at `t` (f32 `[B]`); returns `[B]`. */
  sigma(t: Tensor): Tensor;
  /** Signal-to-noise ratio alpha² / sigma² at `t` (f32 `[B]`); returns `[B]`. */
  snr(t: Tensor): Tensor;
  /** The `t` whose sigma / alpha is `ratio` (nearest index for a discrete schedule). */
  timeOfRatio(ratio: number): number;
}

/**
 * Three views of one network output at `x_t`. They are lazy: a view that is
 * never used costs nothing.
 */
export interface Prediction {
  /** The denoised image `E[x_0 | x_t]`, shaped like `x_t`. */
  readonly x0: Tensor;
  /** The predicted noise, shaped like `x_t`. */
  readonly eps: Tensor;
  /** The score `∇ log p_t(x_t)` = -eps / sigma, shaped like `x_t`. */
  readonly score: Tensor;
}

/** A model of the scores of a diffused distribution. */
export interface ScoreModel {
  /** The forward process that the model belongs to. */
  readonly schedule: NoiseSchedule;
  /** Predicts at `xt` (`[B, C, H, W]`) and `t` (f32 `[B]`) under `cond`. */
  predict(xt: Tensor, t: Tensor, cond: Cond): Prediction;
}

/** A one-step generator: noise in, `x_0` out. */
export interface Generator {
  /** Maps noise `z` (`[B, C, H, W]`, N(0, I)) and a condition to `x_0` of the same shape. */
  generate(z: Tensor, cond: Cond): Tensor;
}

/** What turns a model's space into pixels. */
export interface Decoder {
  /** Maps `[B, C, h, w]` to images `[B, 3, H, W]` in [0, 1]. */
  decode(latents: Tensor): Tensor;
}

/**
 * A network with its parameters bound: (input `[B, C, H, W]`, network time
 * `[B]`, condition) to the raw output, before any parameterisation.
 */
export type NetworkFn = (x: Tensor, t: Tensor, cond: Cond) => Tensor;

/** How a network is run. */
export interface ForwardOptions {
  /**
   * Whether the backward pass computes every block again instead of keeping its intermediates: less memory for about a
   * third more work (Chen et al., arXiv 1604.06174). Default false.
   */
  readonly checkpoint?: boolean;
}

/** A network that is its configuration: parameters are passed in, so one object serves many sets. */
export interface Network {
  /** Fresh parameters drawn from a random key. */
  init(key: Tensor): Params;
  /** The raw output for these parameters; the signature of a {@linkcode NetworkFn} otherwise. */
  forward(params: Params, x: Tensor, t: Tensor, cond: Cond, options?: ForwardOptions): Tensor;
}

/**
 * Binds parameters to a network. The parameters may be expressions (for
 * instance, those of an optimiser step in the same compiled step).
 *
 * @param network The network.
 * @param params Its parameters.
 * @param options See {@linkcode ForwardOptions}.
 * @returns The network as a function of input, time and condition.
 */
export function bind(network: Network, params: Params, options?: ForwardOptions): NetworkFn {
  return (x, t, cond) => network.forward(params, x, t, cond, options);
}
