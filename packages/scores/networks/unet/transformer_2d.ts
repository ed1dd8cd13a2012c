import {
  conv2d,
  type Conv2dParams,
  groupNorm,
  type GroupNormParams,
  linear,
  type LinearParams,
  zerosLike,
} from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { blockRunner, type RunBlock } from "../run_block.ts";
import * as block from "./basic_transformer_block.ts";
import type { BasicTransformerBlockParams } from "./basic_transformer_block.ts";

/** Parameters of the spatial transformer of the UNet, with diffusers' names. */
export type Transformer2DParams = {
  /** Group norm of the input, epsilon 1e-6. */
  norm: GroupNormParams;
  /** Projection in: a 1x1 convolution or a linear layer. */
  proj_in: Conv2dParams | LinearParams;
  /** The blocks. */
  transformer_blocks: BasicTransformerBlockParams[];
  /** Projection out, of the same kind. */
  proj_out: Conv2dParams | LinearParams;
};

/** The shape of a spatial transformer. */
export interface Transformer2DOptions {
  /** Width of its input. */
  readonly channels: number;
  /** Attention heads. */
  readonly heads: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Width of the condition. */
  readonly crossAttentionDim: number;
  /** Whether the projections are linear layers. */
  readonly linearProjection: boolean;
}

/**
 * Draws the parameters; the projection out starts at zero, as in latent
 * diffusion.
 *
 * @param key The random key.
 * @param options Its shape.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  options: Transformer2DOptions,
): Transformer2DParams {
  const { channels, heads, layers, crossAttentionDim } = options;
  const projection = (k: Tensor) =>
    options.linearProjection ? linear.init(k, channels, channels) : conv2d.init(k, channels, channels, 1);
  return {
    norm: groupNorm.init(channels),
    proj_in: projection(fold(key, 0)),
    transformer_blocks: Array.from(
      { length: layers },
      (_, i) => block.init(fold(key, i + 1), channels, heads, crossAttentionDim),
    ),
    proj_out: zerosLike(projection(key)),
  };
}

/** What a spatial transformer is run with. */
export interface Transformer2DInputs {
  /** Attention heads. */
  readonly heads: number;
  /** Groups of the norm. */
  readonly groups: number;
  /** The condition, `[B, L, D]`. */
  readonly context: Tensor;
  /** Added to the cross-attention logits, `[B, L]`. */
  readonly mask?: Tensor;
  /** How blocks are run. */
  readonly run: RunBlock;
}

/**
 * Runs the blocks over the pixels as tokens, and adds the input.
 *
 * @param params The parameters.
 * @param x Features, `[B, C, H, W]`.
 * @param inputs See {@linkcode Transformer2DInputs}.
 * @returns `[B, C, H, W]`.
 */
export function apply(params: Transformer2DParams, x: Tensor, inputs: Transformer2DInputs): Tensor {
  const { run, context } = inputs;
  if (params.transformer_blocks.length > 1) return transform(params, x, inputs);
  // A single block is run together with the projections around it, whose intermediates are as large
  const once = blockRunner();
  return run((p, x, context) => transform(p, x, { ...inputs, context, run: once }), params, x, context);
}

function transform(params: Transformer2DParams, x: Tensor, inputs: Transformer2DInputs): Tensor {
  const { heads, mask, run } = inputs;
  const [batch, channels, height, width] = x.shape;
  let tokens = groupNorm.apply(params.norm, x, inputs.groups, 1e-6)
    .reshape([batch, channels, height * width]).permute([0, 2, 1]);
  tokens = linear.apply(asLinear(params.proj_in), tokens);
  for (const layer of params.transformer_blocks) {
    tokens = run((p, x, context) => block.apply(p, x, heads, context, mask), layer, tokens, inputs.context);
  }
  tokens = linear.apply(asLinear(params.proj_out), tokens);
  return tokens.permute([0, 2, 1]).reshape([...x.shape]).add(x);
}

/** A 1x1 convolution is a linear layer over the pixels, and so is each half of its low-rank update. */
function asLinear({ bias, lora_A, lora_B, ...params }: Conv2dParams | LinearParams): LinearParams {
  const flat = ({ weight }: { weight: Tensor }) => ({ weight: weight.reshape(weight.shape.slice(0, 2)) });
  return { ...flat(params), bias, ...(lora_A && lora_B && { lora_A: flat(lora_A), lora_B: flat(lora_B) }) };
}
