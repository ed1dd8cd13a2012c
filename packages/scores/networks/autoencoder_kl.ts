import { conv2d, type Conv2dParams } from "@dipp/nn";
import { fold, type Tensor, tensor } from "@dipp/tensor";
import { blockRunner } from "./run_block.ts";
import { type AutoencoderKLConfig, parseAutoencoderKLConfig } from "./vae/config.ts";
import * as decoder from "./vae/decoder.ts";
import type { DecoderParams } from "./vae/decoder.ts";
import { DiagonalGaussian } from "./vae/diagonal_gaussian.ts";
import * as encoder from "./vae/encoder.ts";
import type { EncoderParams } from "./vae/encoder.ts";
import { decodeTiles } from "./vae/tiles.ts";

/** Parameters of {@linkcode AutoencoderKL}, with diffusers' names. */
export type AutoencoderKLParams = {
  /** Pixels to moments. */
  encoder: EncoderParams;
  /** Latents to pixels. */
  decoder: DecoderParams;
  /** 1x1 convolution of the moments. */
  quant_conv?: Conv2dParams;
  /** 1x1 convolution of the latents. */
  post_quant_conv?: Conv2dParams;
};

/** How {@linkcode AutoencoderKL} encodes. */
export interface EncodeOptions {
  /** Whether the backward pass computes every block again instead of keeping its intermediates. */
  readonly checkpoint?: boolean;
}

/** How {@linkcode AutoencoderKL} decodes. */
export interface DecodeOptions extends EncodeOptions {
  /**
   * Side of the tiles, in latents, that larger latents are decoded by; diffusers takes `sample_size` over the factor.
   * Without it, all at once.
   */
  readonly tile?: number;
  /** Part of a tile's side that it shares with the next, by default 0.25. */
  readonly overlap?: number;
}

/**
 * The autoencoder between pixels and the latents of Stable Diffusion and PixArt (Rombach et al. 2022, section 3.1), at
 * any size. Configuration, parameter names and results are those of diffusers' `AutoencoderKL`; the attention names of
 * older files are mapped by {@linkcode currentVaeNames}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, zeros } from "@dipp/tensor";
 * import { AutoencoderKL } from "@dipp/scores";
 *
 * const vae = new AutoencoderKL({
 *   block_out_channels: [8, 16],
 *   down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
 *   up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
 *   norm_num_groups: 4,
 * });
 * const params = vae.init(key(0));
 * const latents = vae.encode(params, zeros([1, 3, 16, 12])).mean;
 * assertEquals(latents.shape, [1, 4, 8, 6]);
 * assertEquals(vae.decode(params, latents).shape, [1, 3, 16, 12]);
 * ```
 */
export class AutoencoderKL {
  /** The complete configuration. */
  readonly config: AutoencoderKLConfig;
  /** Pixels to a latent along a side. */
  readonly factor: number;

  /**
   * Checks the configuration.
   *
   * @param config diffusers' `config.json`, or part of it; see {@linkcode AutoencoderKLConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseAutoencoderKLConfig(config);
    this.factor = 2 ** (this.config.block_out_channels.length - 1);
  }

  /**
   * Draws parameters: PyTorch's defaults, with the last layer of every resnet at zero.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): AutoencoderKLParams {
    const { config } = this;
    const latent = config.latent_channels;
    return {
      encoder: encoder.init(fold(key, 0), config),
      decoder: decoder.init(fold(key, 1), config),
      ...(config.use_quant_conv ? { quant_conv: conv2d.init(fold(key, 2), 2 * latent, 2 * latent, 1) } : {}),
      ...(config.use_post_quant_conv ? { post_quant_conv: conv2d.init(fold(key, 3), latent, latent, 1) } : {}),
    };
  }

  /**
   * Encodes pixels.
   *
   * @param params The parameters.
   * @param pixels In [-1, 1], `[B, in_channels, H, W]`.
   * @param options See {@linkcode EncodeOptions}.
   * @returns The latents' distribution, `[B, latent_channels, floor(H / factor), floor(W / factor)]`.
   * @throws {TypeError} When the pixels have another shape.
   * @throws {RangeError} When they are too small for one latent.
   */
  encode(params: AutoencoderKLParams, pixels: Tensor, options: EncodeOptions = {}): DiagonalGaussian {
    const { in_channels, norm_num_groups } = this.config;
    checkChannels("encode", "pixels", pixels, in_channels);
    if (Math.min(pixels.shape[2], pixels.shape[3]) < this.factor) {
      throw new RangeError(
        `AutoencoderKL cannot encode pixels [${pixels.shape}]: expected at least ${this.factor} along each side`,
      );
    }
    const moments = encoder.apply(params.encoder, pixels, norm_num_groups, blockRunner(options.checkpoint));
    return new DiagonalGaussian(params.quant_conv ? conv2d.apply(params.quant_conv, moments) : moments);
  }

  /**
   * Decodes latents as the encoder gives them; see {@linkcode AutoencoderKL.unscale} for a diffusion model's.
   *
   * @param params The parameters.
   * @param latents `[B, latent_channels, h, w]`.
   * @param options See {@linkcode DecodeOptions}.
   * @returns Pixels, about [-1, 1], `[B, out_channels, h factor, w factor]`.
   * @throws {TypeError} When the latents have another shape.
   * @throws {RangeError} When tile and overlap leave no step between tiles.
   */
  decode(params: AutoencoderKLParams, latents: Tensor, options: DecodeOptions = {}): Tensor {
    checkChannels("decode", "latents", latents, this.config.latent_channels);
    const run = blockRunner(options.checkpoint);
    const decode = (p: AutoencoderKLParams, z: Tensor) => {
      if (p.post_quant_conv) z = conv2d.apply(p.post_quant_conv, z);
      return decoder.apply(p.decoder, z, this.config.norm_num_groups, run);
    };
    const { tile: size, overlap = 0.25 } = options;
    if (size === undefined || Math.max(latents.shape[2], latents.shape[3]) <= size) return decode(params, latents);
    const { encoder: _, quant_conv: __, ...used } = params;
    return decodeTiles(
      latents,
      (tile) => run((p, z) => decode({ ...params, ...p }, z), used, tile),
      { size, overlap, factor: this.factor },
    );
  }

  /**
   * Brings latents to the scale of the diffusion model: `(latents - mean) scaling_factor / std`, with the mean and
   * deviation of the configuration, or `shift_factor`, where it has them.
   *
   * @param latents As the encoder gives them, `[B, latent_channels, h, w]`.
   * @returns `[B, latent_channels, h, w]`.
   */
  scale(latents: Tensor): Tensor {
    const { mean, std } = this.#channels();
    return latents.sub(mean).mul(this.config.scaling_factor).div(std);
  }

  /**
   * The inverse of {@linkcode AutoencoderKL.scale}.
   *
   * @param latents As the diffusion model has them, `[B, latent_channels, h, w]`.
   * @returns As the decoder takes them, `[B, latent_channels, h, w]`.
   */
  unscale(latents: Tensor): Tensor {
    const { mean, std } = this.#channels();
    return latents.mul(std).div(this.config.scaling_factor).add(mean);
  }

  #channels(): { mean: Tensor | number; std: Tensor | number } {
    const { latents_mean, latents_std, shift_factor } = this.config;
    const each = (values: number[]) => tensor(values, [values.length, 1, 1]);
    return {
      mean: latents_mean ? each(latents_mean) : shift_factor ?? 0,
      std: latents_std ? each(latents_std) : 1,
    };
  }
}

function checkChannels(verb: string, what: string, x: Tensor, channels: number): void {
  if (x.ndim === 4 && x.shape[1] === channels) return;
  throw new TypeError(`AutoencoderKL cannot ${verb} ${what} [${x.shape}]: expected [B, ${channels}, H, W]`);
}
