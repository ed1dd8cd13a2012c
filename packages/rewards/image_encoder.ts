import { fold, type Tensor } from "@dipp/tensor";
import { conv2d, type Conv2dParams, groupNorm, type GroupNormParams, linear, type LinearParams } from "@dipp/nn";
import { z } from "zod";

/** The size of an {@linkcode ImageEncoder}. */
export interface ImageEncoderConfig {
  /** Channels of the images. */
  readonly in_channels: number;
  /** Channels of each stage; every stage halves height and width. */
  readonly channels: readonly number[];
  /** Residual blocks after each halving. */
  readonly blocks_per_stage: number;
  /** Groups of every group normalisation; divides every stage's channels. */
  readonly norm_groups: number;
  /** Length of a feature vector. */
  readonly features: number;
}

/** What an {@linkcode ImageEncoderConfig} must look like, and its defaults. */
export const imageEncoderSchema: z.ZodType<
  ImageEncoderConfig,
  Partial<ImageEncoderConfig>
> = z.strictObject({
  in_channels: z.int().positive().default(3),
  channels: z.array(z.int().positive()).min(1).default([32, 64, 128]),
  blocks_per_stage: z.int().nonnegative().default(1),
  norm_groups: z.int().positive().default(8),
  features: z.int().positive().default(128),
}).refine(
  (c) => c.channels.every((n) => n % c.norm_groups === 0),
  { error: "every stage's channels must be a multiple of norm_groups", path: ["channels"] },
);

/** Parameters of one residual block. */
export type ImageEncoderBlockParams = {
  /** Normalisation before the first convolution. */
  norm1: GroupNormParams;
  /** First 3x3 convolution. */
  conv1: Conv2dParams;
  /** Normalisation before the second convolution. */
  norm2: GroupNormParams;
  /** Second 3x3 convolution. */
  conv2: Conv2dParams;
};

/** Parameters of an {@linkcode ImageEncoder}. */
export type ImageEncoderParams = {
  /** Per stage: the halving convolution, its normalisation, the blocks. */
  stages: {
    downsample: Conv2dParams;
    norm: GroupNormParams;
    blocks: ImageEncoderBlockParams[];
  }[];
  /** Normalisation of the last stage. */
  norm_out: GroupNormParams;
  /** Projection to the features. */
  proj: LinearParams;
};

/**
 * A small convolutional image encoder: stages of a stride-2 convolution, group norm, SiLU and pre-activation residual
 * blocks (He et al. 2016), then the mean over positions and a projection. Any height and width of at least 2^stages.
 */
export class ImageEncoder {
  /** The size, complete. */
  readonly config: ImageEncoderConfig;

  /** Checks the configuration; see {@linkcode imageEncoderSchema}. */
  constructor(config: Partial<ImageEncoderConfig> = {}) {
    this.config = imageEncoderSchema.parse(config);
  }

  /** Fresh parameters from a random key. */
  init(key: Tensor): ImageEncoderParams {
    const { in_channels, channels, blocks_per_stage, features } = this.config;
    const stages = channels.map((width, s) => {
      const own = fold(key, s);
      const before = s === 0 ? in_channels : channels[s - 1];
      return {
        downsample: conv2d.init(fold(own, 0), before, width, 3),
        norm: groupNorm.init(width),
        blocks: Array.from({ length: blocks_per_stage }, (_, b) => ({
          norm1: groupNorm.init(width),
          conv1: conv2d.init(fold(own, 1 + 2 * b), width, width, 3),
          norm2: groupNorm.init(width),
          conv2: conv2d.init(fold(own, 2 + 2 * b), width, width, 3),
        })),
      };
    });
    const last = channels[channels.length - 1];
    return {
      stages,
      norm_out: groupNorm.init(last),
      proj: linear.init(fold(key, channels.length), last, features),
    };
  }

  /**
   * Encodes images.
   *
   * @param params the parameters
   * @param images `[B, C, H, W]` in [0, 1]
   * @returns `[B, features]`
   */
  apply(params: ImageEncoderParams, images: Tensor): Tensor {
    const groups = this.config.norm_groups;
    const activate = (norm: GroupNormParams, x: Tensor) => groupNorm.apply(norm, x, groups).silu();
    let x = images.mul(2).sub(1);
    for (const stage of params.stages) {
      x = conv2d.apply(stage.downsample, x, { stride: 2, padding: 1 });
      x = activate(stage.norm, x);
      for (const block of stage.blocks) {
        const h = conv2d.apply(block.conv1, activate(block.norm1, x), {
          padding: 1,
        });
        x = x.add(
          conv2d.apply(block.conv2, activate(block.norm2, h), { padding: 1 }),
        );
      }
    }
    return linear.apply(params.proj, activate(params.norm_out, x).mean([2, 3]));
  }
}
