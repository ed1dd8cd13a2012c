import { key, type Tensor } from "@dipp/tensor";
import type { CLIPConfig } from "./networks/clip_config.ts";
import { CLIPModel } from "./networks/clip_model.ts";
import { loadFrozen, type RewardWeights, type WeightDType, widened } from "./networks/frozen.ts";
import { type PixelReward, pixelReward } from "./pixel_reward.ts";
import { preprocess, type PreprocessOptions } from "./preprocess/preprocess.ts";
import { promptTokens, type Tokenizer } from "./prompt_tokens.ts";

/** What all rewards that are a CLIP may be given; every field that is left out is the official one. */
export interface ClipRewardOptions {
  /** Size and activation of the network. */
  readonly config?: CLIPConfig;
  /** How the weights are stored. Default f32. */
  readonly dtype?: WeightDType;
  /** What differs from the official preprocessing. */
  readonly preprocess?: Partial<PreprocessOptions>;
  /** The name of CLIP's token ids in `prompts.tokens`; "ids" for `prompts.ids`. Default "clip". */
  readonly tokens?: string;
  /** Makes token ids of the texts where the prompts bring none. */
  readonly tokenizer?: Tokenizer;
}

/** What tells one reward of a CLIP from another. */
interface ClipScore {
  readonly name: string;
  readonly config: CLIPConfig;
  readonly preprocess: Partial<PreprocessOptions>;
  /** Cosine of image and text, and exp(logit_scale), to the score. */
  readonly scale: (cosine: Tensor, inverseTemperature: Tensor) => Tensor;
  /** What it is, for reports. */
  readonly described: Readonly<Record<string, string | number | boolean>>;
}

/**
 * A reward that is a function of the cosine of a CLIP.
 *
 * @param weights the checkpoint, of transformers or open_clip
 * @param score what it is
 * @param options see {@linkcode ClipRewardOptions}
 * @returns the reward
 */
export async function clipCosineReward(
  weights: RewardWeights,
  score: ClipScore,
  options: ClipRewardOptions,
): Promise<PixelReward> {
  const { config = score.config, dtype = "f32", tokens = "clip", tokenizer } = options;
  const network = new CLIPModel(config);
  const params = await loadFrozen(network.init(key(0)), weights, { dtype, ignore: network.ignored });
  const { vocab_size, max_position_embeddings: maxLength } = network.config.text_config;
  const source = { tokens, tokenizer, maxLength, end: vocab_size - 1 };
  const way = preprocess({ ...score.preprocess, size: network.config.vision_config.image_size, ...options.preprocess });
  return pixelReward(score.name, way, (pixelValues, prompts) => {
    const wide = widened(params);
    const inputIds = promptTokens(score.name, prompts, source);
    const cosine = network.imageEmbeds(wide, pixelValues).mul(network.textEmbeds(wide, { inputIds })).sum(1);
    return score.scale(cosine, wide.logit_scale.exp());
  }, {
    ...score.described,
    dtype,
    gelu: network.config.vision_config.hidden_act,
    maxLength,
  }, params);
}
