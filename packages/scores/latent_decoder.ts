import type { Tensor } from "@dipp/tensor";
import type { AutoencoderKL, AutoencoderKLParams, DecodeOptions } from "./networks/autoencoder_kl.ts";
import type { Decoder } from "./types.ts";

/**
 * The decoder of latent models: from a diffusion model's latents to images in the [0, 1] that rewards and metrics take.
 * It does not clamp, so that a reward's gradient reaches pixels that are out of range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, zeros } from "@dipp/tensor";
 * import { AutoencoderKL, LatentDecoder } from "@dipp/scores";
 *
 * const vae = new AutoencoderKL({ block_out_channels: [8], norm_num_groups: 4 });
 * const decoder = new LatentDecoder(vae, vae.init(key(0)), { checkpoint: true });
 * assertEquals(decoder.decode(zeros([2, 4, 6, 5])).shape, [2, 3, 6, 5]);
 * ```
 */
export class LatentDecoder implements Decoder {
  readonly #decode: (latents: Tensor) => Tensor;

  /**
   * Binds parameters to an autoencoder.
   *
   * @param vae The autoencoder.
   * @param params Its parameters.
   * @param options Tiles and checkpoints.
   */
  constructor(vae: AutoencoderKL, params: AutoencoderKLParams, options: DecodeOptions = {}) {
    this.#decode = (latents) => vae.decode(params, vae.unscale(latents), options);
  }

  /**
   * Decodes.
   *
   * @param latents As the diffusion model has them, `[B, latent_channels, h, w]`.
   * @returns Images in [0, 1], `[B, 3, H, W]`.
   */
  decode(latents: Tensor): Tensor {
    return this.#decode(latents).mul(0.5).add(0.5);
  }
}
