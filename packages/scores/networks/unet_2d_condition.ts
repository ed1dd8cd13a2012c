import {
  conv2d,
  type Conv2dParams,
  groupNorm,
  type GroupNormParams,
  timestepEmbedding as timeMlp,
  type TimestepEmbeddingParams,
  zerosLike,
} from "@dipp/nn";
import { fold, type Tensor, timestepEmbedding } from "@dipp/tensor";
import type { Cond, ForwardOptions, Network } from "../types.ts";
import { batchTimestep } from "./batch_timestep.ts";
import { maskBias } from "./mask_bias.ts";
import { blockRunner } from "./run_block.ts";
import { atLevel, parseUNetConfig, type UNet2DConditionConfig } from "./unet/config.ts";
import * as down from "./unet/down_block.ts";
import type { DownBlockParams } from "./unet/down_block.ts";
import { type BlockInputs, timeEmbedDim } from "./unet/level.ts";
import * as mid from "./unet/mid_block.ts";
import type { MidBlockParams } from "./unet/mid_block.ts";
import { textTime, type TextTimeCond } from "./unet/text_time.ts";
import * as up from "./unet/up_block.ts";
import type { UpBlockParams } from "./unet/up_block.ts";

/** Parameters of {@linkcode UNet2DConditionModel}, with diffusers' names. */
export type UNet2DConditionParams = {
  /** 3x3 convolution of the sample. */
  conv_in: Conv2dParams;
  /** Network on the timestep sinusoids. */
  time_embedding: TimestepEmbeddingParams;
  /** Network on the added condition, with `addition_embed_type: "text_time"`. */
  add_embedding?: TimestepEmbeddingParams;
  /** The levels on the way down. */
  down_blocks: DownBlockParams[];
  /** The middle. */
  mid_block: MidBlockParams;
  /** The levels on the way up. */
  up_blocks: UpBlockParams[];
  /** Group norm before the output. */
  conv_norm_out: GroupNormParams;
  /** 3x3 convolution to the output. */
  conv_out: Conv2dParams;
};

/** The inputs of {@linkcode UNet2DConditionModel}. */
export interface UNet2DConditionInputs {
  /** Noisy sample, `[B, C, H, W]`, any H and W. */
  readonly sample: Tensor;
  /** A number, or one a sample, `[B]`. */
  readonly timestep: Tensor | number;
  /** Encoded prompt, `[B, L, cross_attention_dim]`. */
  readonly encoderHiddenStates: Tensor;
  /** Which positions of the prompt count, `[B, L]`, true or 1 = keep. */
  readonly encoderAttentionMask?: Tensor;
  /** SDXL's added condition, for networks with `addition_embed_type: "text_time"`. */
  readonly addedCondKwargs?: TextTimeCond;
}

/**
 * The text-conditioned UNet of Stable Diffusion 1.x, 2.x and XL at any size:
 * resnets with time shifts, spatial transformers with cross-attention, skip
 * connections (Rombach et al. 2022). Configuration, parameter names and
 * results are those of diffusers' `UNet2DConditionModel`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, zeros } from "@dipp/tensor";
 * import { UNet2DConditionModel } from "@dipp/scores";
 *
 * const unet = new UNet2DConditionModel({
 *   block_out_channels: [8, 16],
 *   down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
 *   up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
 *   layers_per_block: 1,
 *   norm_num_groups: 4,
 *   attention_head_dim: 2,
 *   cross_attention_dim: 12,
 * });
 * const out = unet.apply(unet.init(key(0)), {
 *   sample: zeros([1, 4, 9, 7]),
 *   timestep: 10,
 *   encoderHiddenStates: zeros([1, 5, 12]),
 * });
 * assertEquals(out.shape, [1, 4, 9, 7]);
 * ```
 */
export class UNet2DConditionModel implements Network {
  /** The complete configuration. */
  readonly config: UNet2DConditionConfig;

  /**
   * Checks the configuration.
   *
   * @param config diffusers' `config.json`, or part of it; see
   *   {@linkcode UNet2DConditionConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseUNetConfig(config);
  }

  /**
   * Draws parameters: PyTorch's defaults, with the last layer of every residual
   * branch and of the network at zero.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): UNet2DConditionParams {
    const { config } = this;
    const widths = config.block_out_channels;
    const [keyIn, keyTime, keyDown, keyMid, keyUp, keyAdd] = [0, 1, 2, 3, 4, 5].map((n) => fold(key, n));
    const addedWidth = config.projection_class_embeddings_input_dim;
    return {
      conv_in: conv2d.init(keyIn, config.in_channels, widths[0], 3),
      time_embedding: timeMlp.init(keyTime, widths[0], timeEmbedDim(config)),
      ...(addedWidth ? { add_embedding: timeMlp.init(keyAdd, addedWidth, timeEmbedDim(config)) } : {}),
      down_blocks: widths.map((_, i) => down.init(fold(keyDown, i), config, i)),
      mid_block: mid.init(keyMid, config),
      up_blocks: widths.map((_, i) => up.init(fold(keyUp, i), config, i)),
      conv_norm_out: groupNorm.init(widths[0]),
      conv_out: zerosLike(
        conv2d.init(key, widths[0], config.out_channels, 3),
      ),
    };
  }

  /**
   * Runs the network.
   *
   * @param params The parameters.
   * @param inputs Sample, timestep and condition.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The output, `[B, out_channels, H, W]`.
   */
  apply(params: UNet2DConditionParams, inputs: UNet2DConditionInputs, options: ForwardOptions = {}): Tensor {
    const { config } = this;
    const { sample, encoderAttentionMask } = inputs;
    const t = batchTimestep(inputs.timestep, sample.shape[0]);
    const sinusoids = timestepEmbedding(t, config.block_out_channels[0], {
      flipSinToCos: config.flip_sin_to_cos,
      downscaleFreqShift: config.freq_shift,
    });
    const time = timeMlp.apply(params.time_embedding, sinusoids);
    const { add_embedding } = params;
    const signals: Omit<BlockInputs, "heads"> = {
      time: add_embedding ? time.add(textTime(add_embedding, inputs.addedCondKwargs, config)) : time,
      context: inputs.encoderHiddenStates,
      mask: encoderAttentionMask && maskBias(encoderAttentionMask),
      groups: config.norm_num_groups,
      eps: config.norm_eps,
      run: blockRunner(options.checkpoint),
    };
    const at = (level: number): BlockInputs => ({
      ...signals,
      heads: atLevel(config.attention_head_dim, level),
    });
    const last = config.block_out_channels.length - 1;

    let x = conv2d.apply(params.conv_in, sample, { padding: 1 });
    const skips = [x];
    params.down_blocks.forEach((block, i) => {
      skips.push(...down.apply(block, x, at(i)));
      x = skips[skips.length - 1];
    });
    x = mid.apply(params.mid_block, x, at(last));
    params.up_blocks.forEach((block, i) => {
      x = up.apply(block, x, skips, at(last - i));
    });
    x = groupNorm.apply(
      params.conv_norm_out,
      x,
      config.norm_num_groups,
      config.norm_eps,
    );
    return conv2d.apply(params.conv_out, x.silu(), { padding: 1 });
  }

  /**
   * The same for score models: needs `cond.embeds`, uses `cond.mask` and, where the configuration asks for them,
   * `cond.textEmbeds` and `cond.timeIds`.
   *
   * @param params The parameters.
   * @param x Sample, `[B, C, H, W]`.
   * @param t Timestep, `[B]`.
   * @param cond The condition.
   * @param options See {@linkcode ForwardOptions}.
   * @returns The output, `[B, out_channels, H, W]`.
   */
  forward(
    params: UNet2DConditionParams,
    x: Tensor,
    t: Tensor,
    cond: Cond,
    options: ForwardOptions = {},
  ): Tensor {
    if (!cond.embeds) {
      throw new TypeError(
        `UNet2DConditionModel needs a condition with embeds, got [${Object.keys(cond)}]`,
      );
    }
    return this.apply(params, {
      sample: x,
      timestep: t,
      encoderHiddenStates: cond.embeds,
      encoderAttentionMask: cond.mask,
      addedCondKwargs: cond.textEmbeds && cond.timeIds && { textEmbeds: cond.textEmbeds, timeIds: cond.timeIds },
    }, options);
  }
}
