import {
  embedding,
  type EmbeddingParams,
  linear,
  type LinearParams,
  timestepEmbedding as mlp,
  type TimestepEmbeddingParams,
  zerosLike,
} from "@dipp/nn";
import { fold, type Tensor, timestepEmbedding } from "@dipp/tensor";
import { normalWeight } from "../normal_weight.ts";

/** Parameters of a block's own modulation (`AdaLayerNormZero`), with diffusers' names. */
export type AdaLNZeroParams = {
  /** The embedders. */
  emb: {
    /** Of the timestep. */
    timestep_embedder: TimestepEmbeddingParams;
    /** Of the class, `[classes + 1, D]`; the last row stands for none. */
    class_embedder: { embedding_table: EmbeddingParams };
  };
  /** Embedding to six modulations. */
  linear: LinearParams;
};

const SINUSOIDS = 256;

/**
 * Draws the parameters; the modulations start at zero, so that the block starts as the identity.
 *
 * @param key The random key.
 * @param width Width of the network.
 * @param classes Number of classes.
 * @returns The parameters.
 */
export function init(key: Tensor, width: number, classes: number): AdaLNZeroParams {
  return {
    emb: {
      timestep_embedder: {
        linear_1: normalWeight(fold(key, 0), SINUSOIDS, width),
        linear_2: normalWeight(fold(key, 1), width, width),
      },
      class_embedder: { embedding_table: embedding.init(fold(key, 2), classes + 1, width, 0.02) },
    },
    linear: zerosLike(linear.init(key, width, 6 * width)),
  };
}

/**
 * Embeds timestep and class. The sinusoids' frequencies reach 1 / 10000, unlike PixArt's.
 *
 * @param params The parameters.
 * @param t Timestep, f32 `[B]`.
 * @param labels Class, integers `[B]`.
 * @returns `[B, D]`.
 */
export function embed(params: AdaLNZeroParams, t: Tensor, labels: Tensor): Tensor {
  const { timestep_embedder, class_embedder } = params.emb;
  const sinusoids = timestepEmbedding(t, SINUSOIDS, { flipSinToCos: true, downscaleFreqShift: 1 });
  return mlp.apply(timestep_embedder, sinusoids).add(embedding.apply(class_embedder.embedding_table, labels));
}

/**
 * The six modulations of a block (Peebles and Xie 2023, section 3.2): shift, scale and gate of the attention, then of
 * the feed-forward.
 *
 * @param params The parameters.
 * @param t Timestep, f32 `[B]`.
 * @param labels Class, integers `[B]`.
 * @returns Six times `[B, 1, D]`.
 */
export function apply(params: AdaLNZeroParams, t: Tensor, labels: Tensor): Tensor[] {
  return linear.apply(params.linear, embed(params, t, labels).silu()).unsqueeze(1).chunk(6, 2);
}
