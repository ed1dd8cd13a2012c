/**
 * Rewards: numbers that say how much an image is liked under a prompt, differentiable in the image.
 *
 * A {@linkcode Reward} is one function. This package has analytic ones for tests and first steps, a network learned
 * from preference pairs ({@linkcode BradleyTerryReward}), a small contrastive image-text model
 * ({@linkcode ContrastiveModel}), and ways to combine rewards: {@linkcode weightedSum}, {@linkcode clipReward},
 * {@linkcode standardizeReward}, {@linkcode augmentedReward}.
 *
 * @example A reward from parts
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { brightnessReward, clipReward } from "@dipp/rewards";
 * import { full, tensor } from "@dipp/tensor";
 *
 * const reward = clipReward(brightnessReward(), { max: 0.9 });
 * const prompts = { ids: tensor([[1, 2, 0]], [1, 3], "i32"), texts: ["red apple"] };
 * assertAlmostEquals(await reward.score(full([1, 3, 8, 8], 0.5), prompts).item(), 0.5, 1e-6);
 * ```
 *
 * @module
 */

export * from "./reward.ts";
export * from "./prompts.ts";
export * from "./linear_reward.ts";
export * from "./quadratic_reward.ts";
export * from "./brightness_reward.ts";
export * from "./target_color_reward.ts";
export * from "./compose.ts";
export * from "./augment.ts";
export * from "./image_encoder.ts";
export * from "./word_encoder.ts";
export * from "./preference_head.ts";
export * from "./bradley_terry.ts";
export * from "./contrastive.ts";
export * from "./preprocess/rgb_image.ts";
export * from "./preprocess/pillow_resize.ts";
export * from "./preprocess/geometry.ts";
export * from "./preprocess/preprocess.ts";
export * from "./networks/clip_config.ts";
export * from "./networks/clip_vision.ts";
export * from "./networks/clip_model.ts";
export * from "./networks/open_clip.ts";
export * from "./networks/clip_presets.ts";
export * as linearStack from "./networks/linear_stack.ts";
export type { LinearStackParams } from "./networks/linear_stack.ts";
export * from "./networks/aesthetic.ts";
export * from "./networks/blip_vision.ts";
export * from "./networks/image_reward_network.ts";
export * from "./description.ts";
export * from "./pixel_reward.ts";
export * from "./prompt_tokens.ts";
export type { RewardWeights, WeightDType } from "./networks/frozen.ts";
export type { ClipRewardOptions } from "./clip_rewards.ts";
export * from "./clip_encoder.ts";
export * from "./image_reward.ts";
export * from "./hpsv2_reward.ts";
export * from "./pick_score_reward.ts";
export * from "./aesthetic_reward.ts";
export * from "./clip_score_reward.ts";
export * from "./colorfulness_reward.ts";
export * from "./compressibility_reward.ts";
export * from "./margin_reward.ts";
export * from "./running_normalization.ts";
export * from "./ensemble.ts";
export * from "./routed_reward.ts";
export * from "./member_gradients.ts";
export * from "./onnx_reward.ts";
