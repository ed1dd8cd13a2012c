/** SDXL's added condition: a vector of the whole prompt, and numbers about the image. */
import { timestepEmbedding as mlp, type TimestepEmbeddingParams } from "@dipp/nn";
import { cat, type Tensor, timestepEmbedding } from "@dipp/tensor";
import type { UNet2DConditionConfig } from "./config.ts";

/** What an SDXL UNet is told beside the prompt's tokens. */
export interface TextTimeCond {
  /** The pooled prompt, `[B, D]`. */
  readonly textEmbeds: Tensor;
  /** Original height and width, crop's top and left, target height and width, in pixels: `[B, 6]`. */
  readonly timeIds: Tensor;
}

/**
 * Embeds the added condition, diffusers' `addition_embed_type: "text_time"` (Podell et al. 2023, sections 2.1 and 2.2):
 * the sinusoids of every number beside the pooled prompt, through the two layers of a timestep embedding.
 *
 * @param params The two layers.
 * @param added The condition.
 * @param config The network's configuration.
 * @returns What is added to the timestep's embedding, `[B, 4 width]`.
 * @throws {TypeError} Where there is no condition, or it is not as wide as the network was made for.
 */
export function textTime(
  params: TimestepEmbeddingParams,
  added: TextTimeCond | undefined,
  config: UNet2DConditionConfig,
): Tensor {
  if (!added?.textEmbeds || !added.timeIds) {
    throw new TypeError("A UNet with text_time needs the added conditions textEmbeds and timeIds, got none");
  }
  const { textEmbeds, timeIds } = added;
  const sinusoids = timestepEmbedding(timeIds.flatten(), config.addition_time_embed_dim!, {
    flipSinToCos: config.flip_sin_to_cos,
    downscaleFreqShift: config.freq_shift,
  });
  const numbers = sinusoids.reshape([timeIds.shape[0], -1]);
  const width = textEmbeds.shape[1] + numbers.shape[1];
  if (width !== config.projection_class_embeddings_input_dim) {
    throw new TypeError(
      `Added conditions textEmbeds [${textEmbeds.shape}] and timeIds [${timeIds.shape}] give ${width} features, ` +
        `expected projection_class_embeddings_input_dim = ${config.projection_class_embeddings_input_dim}`,
    );
  }
  return mlp.apply(params, cat([textEmbeds, numbers], 1));
}
