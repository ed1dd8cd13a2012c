import type { SafetensorsEntry } from "@dipp/nn";
import { key } from "@dipp/tensor";
import type { ImageTextEncoder } from "./contrastive.ts";
import { CLIPModel } from "./networks/clip_model.ts";
import { loadFrozen, type WeightDType, widened } from "./networks/frozen.ts";
import { type Preprocess, preprocess, type PreprocessOptions } from "./preprocess/preprocess.ts";
import { promptTokens, type Tokenizer } from "./prompt_tokens.ts";

/** Settings of {@linkcode clipEncoder}. */
export interface ClipEncoderOptions {
  /** transformers' `config.json`. */
  readonly config: unknown;
  /** How the weights are stored. Default f32. */
  readonly dtype?: WeightDType;
  /** What differs from CLIP's preprocessing. */
  readonly preprocess?: Partial<PreprocessOptions>;
  /** Makes token ids of the texts where the prompts bring none in `prompts.tokens.clip`. */
  readonly tokenizer?: Tokenizer;
}

/** A frozen CLIP. */
export interface ClipEncoder extends ImageTextEncoder {
  /** The way of images into it; features of images take the differentiable one. */
  readonly preprocess: Preprocess;
  /** Length of a feature vector. */
  readonly features: number;
}

/**
 * A CLIP with its weights bound, frozen: features of unit length, differentiable in the images.
 *
 * @param weights the checkpoint, of transformers or open_clip
 * @param options see {@linkcode ClipEncoderOptions}
 * @returns the encoder of both
 * @throws {RangeError} listing weights that do not fit
 * @throws {TypeError} when the configuration is wrong
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { clipEncoder, CLIPModel } from "@dipp/rewards";
 * import { paramsToSafetensors, parseSafetensors, serialiseSafetensors } from "@dipp/nn";
 * import { key, tensor, uniform } from "@dipp/tensor";
 *
 * const size = { hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 };
 * const config = {
 *   projection_dim: 6,
 *   text_config: { ...size, vocab_size: 10 },
 *   vision_config: { ...size, image_size: 8, patch_size: 4 },
 * };
 * const bytes = serialiseSafetensors(await paramsToSafetensors(new CLIPModel(config).init(key(0))));
 * const encoder = await clipEncoder(parseSafetensors(bytes).tensors, { config });
 * const ids = tensor([[1, 5, 9]], [1, 3], "i32");
 * assertEquals(encoder.imageFeatures(uniform(key(1), [2, 3, 20, 16])).shape, [2, 6]);
 * assertEquals(encoder.textFeatures({ ids, tokens: { clip: ids } }).shape, [1, 6]);
 * ```
 */
export async function clipEncoder(
  weights: ReadonlyMap<string, SafetensorsEntry>,
  options: ClipEncoderOptions,
): Promise<ClipEncoder> {
  const { dtype = "f32", tokenizer } = options;
  const network = new CLIPModel(options.config);
  const params = await loadFrozen(network.init(key(0)), weights, { dtype, ignore: network.ignored });
  const { text_config, vision_config, projection_dim } = network.config;
  const { vocab_size, max_position_embeddings: maxLength } = text_config;
  const source = { tokens: "clip", tokenizer, maxLength, end: vocab_size - 1 };
  const way = preprocess({ size: vision_config.image_size, ...options.preprocess });
  return {
    preprocess: way,
    features: projection_dim,
    imageFeatures: (images) => network.imageEmbeds(widened(params), way.differentiable(images)),
    textFeatures: (prompts) =>
      network.textEmbeds(widened(params), { inputIds: promptTokens("clipEncoder", prompts, source) }),
  };
}
