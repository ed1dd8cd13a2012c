/** What the blocks of the UNet share: the settings of a level and the signals of a call. */
import { cat, type Tensor } from "@dipp/tensor";
import * as resnet from "../resnet_block_2d.ts";
import type { ResnetBlock2DParams } from "../resnet_block_2d.ts";
import type { RunBlock } from "../run_block.ts";
import type { Transformer2DOptions } from "./transformer_2d.ts";
import { atLevel, type UNet2DConditionConfig } from "./config.ts";

/** The signals that every block of one call sees. */
export interface BlockInputs {
  /** Time embedding, `[B, T]`. */
  readonly time: Tensor;
  /** The condition, `[B, L, D]`. */
  readonly context: Tensor;
  /** Added to the cross-attention logits, `[B, L]`. */
  readonly mask?: Tensor;
  /** Attention heads at this level. */
  readonly heads: number;
  /** Groups of every group norm. */
  readonly groups: number;
  /** Epsilon of the resnets' norms. */
  readonly eps: number;
  /** How blocks are run. */
  readonly run: RunBlock;
}

/**
 * Runs a resnet on what is joined along the channels: on the way up, the features and a skip connection.
 *
 * @param params Its parameters.
 * @param parts Features, `[B, C, H, W]` each.
 * @param inputs The call's signals.
 * @returns `[B, C', H, W]`.
 */
export function runResnet(params: ResnetBlock2DParams, parts: readonly Tensor[], inputs: BlockInputs): Tensor {
  const { run, time, groups, eps } = inputs;
  return run(
    (p, time, ...parts) => resnet.apply(p, parts.length > 1 ? cat(parts, 1) : parts[0], time, groups, eps),
    params,
    ...[time, ...parts],
  );
}

/**
 * The shape of the attentions at a level.
 *
 * @param config The network's configuration.
 * @param level The level, 0 at full resolution.
 * @returns The transformer's shape.
 */
export function transformerOptions(
  config: UNet2DConditionConfig,
  level: number,
): Transformer2DOptions {
  return {
    channels: config.block_out_channels[level],
    heads: atLevel(config.attention_head_dim, level),
    layers: atLevel(config.transformer_layers_per_block, level),
    crossAttentionDim: config.cross_attention_dim,
    linearProjection: config.use_linear_projection,
  };
}

/**
 * Width of the time embedding.
 *
 * @param config The network's configuration.
 * @returns Four times the first level's width.
 */
export function timeEmbedDim(config: UNet2DConditionConfig): number {
  return 4 * config.block_out_channels[0];
}
