import { key } from "@dipp/tensor";
import { loadFrozen, type RewardWeights, type WeightDType, widened } from "./networks/frozen.ts";
import { IMAGE_REWARD_CONFIG, type ImageRewardConfig, ImageRewardNetwork } from "./networks/image_reward_network.ts";
import { type PixelReward, pixelReward } from "./pixel_reward.ts";
import { preprocess, type PreprocessOptions } from "./preprocess/preprocess.ts";
import { promptTokens, type Tokenizer } from "./prompt_tokens.ts";

/** Settings of {@linkcode imageReward}; every field that is left out is the official one. */
export interface ImageRewardOptions {
  /** Size of the network and scale of its scores. */
  readonly config?: ImageRewardConfig;
  /** How the weights are stored. Default f32. */
  readonly dtype?: WeightDType;
  /** What differs from the official preprocessing. */
  readonly preprocess?: Partial<PreprocessOptions>;
  /** How many tokens of a prompt are read, `[CLS]` and `[SEP]` included; the rest is cut off. Default 35. */
  readonly maxLength?: number;
  /** The name of BERT's token ids in `prompts.tokens`; "ids" for `prompts.ids`. Default "bert". */
  readonly tokens?: string;
  /** Makes token ids of the texts where the prompts bring none. */
  readonly tokenizer?: Tokenizer;
}

/** `[SEP]` of bert-base-uncased. */
const SEP = 102;

/**
 * ImageReward v1.0 (Xu et al. 2023), about normal in its units: 98 % of the images of Stable Diffusion 1.4 score between
 * -2 and 2. Ids are those of bert-base-uncased, `[CLS] ... [SEP]`, 0 is padding.
 *
 * @param weights ImageReward.pt
 * @param options see {@linkcode ImageRewardOptions}
 * @returns the reward
 * @throws {RangeError} listing weights that are missing, unexpected or of another shape
 */
export async function imageReward(
  weights: RewardWeights,
  options: ImageRewardOptions = {},
): Promise<PixelReward> {
  const { config = IMAGE_REWARD_CONFIG, dtype = "f32", maxLength = 35, tokens = "bert", tokenizer } = options;
  if (!Number.isInteger(maxLength) || maxLength < 2) {
    throw new RangeError(`imageReward: maxLength is ${maxLength}, expected an integer of at least 2`);
  }
  const network = new ImageRewardNetwork(config);
  const params = await loadFrozen(network.init(key(0)), weights, { dtype, ignore: network.ignored });
  const way = preprocess({ size: config.vision_config.image_size, ...options.preprocess });
  return pixelReward(
    "ImageReward",
    way,
    (pixelValues, prompts) => {
      const inputIds = promptTokens("ImageReward", prompts, { tokens, tokenizer, maxLength, end: SEP });
      const inputs = { inputIds, attentionMask: inputIds.ne(0) };
      return network.apply(widened(params), pixelValues, inputs).reward.squeeze(1);
    },
    { dtype, gelu: network.text.hidden_act, maxLength, rewardMean: config.reward_mean, rewardStd: config.reward_std },
    params,
  );
}
