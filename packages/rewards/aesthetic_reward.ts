import type { Params, SafetensorsEntry } from "@dipp/nn";
import { key } from "@dipp/tensor";
import { AestheticHead } from "./networks/aesthetic.ts";
import type { CLIPVisionConfig } from "./networks/clip_config.ts";
import { CLIP_CONFIGS } from "./networks/clip_presets.ts";
import { CLIPVisionModel } from "./networks/clip_vision.ts";
import { loadFrozen, type RewardWeights, type WeightDType, widened } from "./networks/frozen.ts";
import { fromOpenClip, isOpenClip } from "./networks/open_clip.ts";
import { type PixelReward, pixelReward } from "./pixel_reward.ts";
import { preprocess, type PreprocessOptions } from "./preprocess/preprocess.ts";

/** Settings of {@linkcode aestheticReward}; every field that is left out is the official one. */
export interface AestheticOptions {
  /** Size and activation of the vision tower. Default ViT-L/14 with quick GELU. */
  readonly config?: CLIPVisionConfig;
  /** How the weights are stored. Default f32. */
  readonly dtype?: WeightDType;
  /** What differs from CLIP's preprocessing. */
  readonly preprocess?: Partial<PreprocessOptions>;
}

/**
 * LAION's improved aesthetic predictor (about 1 to 10): the embedding of CLIP ViT-L/14 at unit length under an affine
 * map. It does not look at the prompts.
 *
 * @param weights `clip`: OpenAI's ViT-L/14 in any layout, with or without its text tower; `head`:
 * sac+logos+ava1-l14-linearMSE
 * @param options see {@linkcode AestheticOptions}
 * @returns the reward
 * @throws {RangeError} listing weights that are missing, unexpected or of another shape
 */
export async function aestheticReward(
  weights: {
    readonly clip: RewardWeights;
    readonly head: RewardWeights;
  },
  options: AestheticOptions = {},
): Promise<PixelReward> {
  const { config = CLIP_CONFIGS["ViT-L/14"].vision_config, dtype = "f32" } = options;
  const vision = new CLIPVisionModel(config);
  const head = new AestheticHead(vision.config.projection_dim);
  const tower = weights.clip === "shapes" ? weights.clip : visionOf(weights.clip);
  const [visionParams, headParams] = await Promise.all([
    loadFrozen(vision.init(key(0)), tower, { dtype, ignore: vision.ignored }),
    loadFrozen(head.init(key(0)), weights.head, { dtype }),
  ]);
  const way = preprocess({ size: vision.config.image_size, ...options.preprocess });
  return pixelReward(
    "Aesthetic",
    way,
    (pixelValues) => {
      const { imageEmbeds } = vision.apply(widened(visionParams), pixelValues);
      return head.apply(widened(headParams), imageEmbeds).squeeze(1);
    },
    { dtype, gelu: vision.config.hidden_act },
    { clip: visionParams, head: headParams } as Params,
  );
}

function visionOf(tensors: ReadonlyMap<string, SafetensorsEntry>): ReadonlyMap<string, SafetensorsEntry> {
  const clip = isOpenClip(tensors) ? fromOpenClip(tensors) : tensors;
  return new Map([...clip].filter(([name]) => /^(vision_model|visual_projection)\./.test(name)));
}
