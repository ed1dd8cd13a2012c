import { linear, type LinearParams, timestepEmbedding as mlp, type TimestepEmbeddingParams } from "@dipp/nn";
import { cat, fold, type Tensor, timestepEmbedding } from "@dipp/tensor";
import { normalWeight } from "../normal_weight.ts";

/** Parameters of the shared modulation (`AdaLayerNormSingle`). */
export type AdaLNSingleParams = {
  /** The embedders. */
  emb: {
    /** Of the timestep. */
    timestep_embedder: TimestepEmbeddingParams;
    /** Of height and width, with size conditions. */
    resolution_embedder?: TimestepEmbeddingParams;
    /** Of height / width, with size conditions. */
    aspect_ratio_embedder?: TimestepEmbeddingParams;
  };
  /** Embedding to six modulations. */
  linear: LinearParams;
};

/** Image size that a 1024-MS model is told. */
export interface AddedCond {
  /** Height and width in pixels, `[B, 2]`. */
  readonly resolution: Tensor;
  /** Height / width, `[B, 1]`. */
  readonly aspectRatio: Tensor;
}

const SINUSOIDS = 256;

/**
 * Draws the parameters; see {@linkcode normalWeight}.
 *
 * @param key The random key.
 * @param width Width of the network.
 * @param sizeConditions Whether it takes {@linkcode AddedCond}.
 * @returns The parameters.
 */
export function init(
  key: Tensor,
  width: number,
  sizeConditions: boolean,
): AdaLNSingleParams {
  const embedder = (k: Tensor, out: number): TimestepEmbeddingParams => ({
    linear_1: normalWeight(fold(k, 0), SINUSOIDS, out),
    linear_2: normalWeight(fold(k, 1), out, out),
  });
  const emb: AdaLNSingleParams["emb"] = {
    timestep_embedder: embedder(fold(key, 0), width),
  };
  if (sizeConditions) {
    emb.resolution_embedder = embedder(fold(key, 1), width / 3);
    emb.aspect_ratio_embedder = embedder(fold(key, 2), width / 3);
  }
  return { emb, linear: normalWeight(fold(key, 3), width, 6 * width) };
}

/**
 * Embeds the timestep (and the image's size), and projects it to the six
 * modulations that all blocks share (PixArt-alpha, section 2.3).
 *
 * @param params The parameters.
 * @param t Timestep, f32 `[B]`.
 * @param added The image's size, for models with size conditions.
 * @returns `modulation` `[B, 6, D]` and the embedding itself, `[B, D]`.
 */
export function apply(
  params: AdaLNSingleParams,
  t: Tensor,
  added?: AddedCond,
): { modulation: Tensor; embedding: Tensor } {
  const batch = t.shape[0];
  const { timestep_embedder, resolution_embedder, aspect_ratio_embedder } = params.emb;
  let embedding = mlp.apply(timestep_embedder, sinusoids(t));
  if (resolution_embedder && aspect_ratio_embedder) {
    if (!added) {
      throw new TypeError(
        "A PixArt model with size conditions needs resolution and aspectRatio, got none",
      );
    }
    const size = mlp.apply(resolution_embedder, sinusoids(added.resolution))
      .reshape([batch, -1]);
    const ratio = mlp.apply(aspect_ratio_embedder, sinusoids(added.aspectRatio))
      .reshape([batch, -1]);
    embedding = embedding.add(cat([size, ratio], 1));
  }
  const modulation = linear.apply(params.linear, embedding.silu());
  return { modulation: modulation.reshape([batch, 6, -1]), embedding };
}

/** Cosines, then sines of every number in `x`, `[n, 256]`. */
function sinusoids(x: Tensor): Tensor {
  return timestepEmbedding(x.flatten(), SINUSOIDS, {
    flipSinToCos: true,
    downscaleFreqShift: 0,
  });
}
