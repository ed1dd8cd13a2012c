/**
 * Score models and what surrounds them: noise schedules, parameterisations,
 * classifier-free guidance, samplers, the networks (a text-conditioned UNet and
 * a diffusion transformer) and the one-step generator inside each of them; the
 * autoencoder and the text encoders that they work between.
 *
 * Everything composes through the interfaces {@linkcode NoiseSchedule},
 * {@linkcode ScoreModel} and {@linkcode Generator}: a network is bound to
 * parameters, a parameterisation makes it a score model, guidance wraps that,
 * and a sampler or a generator draws from it.
 *
 * @example Draw from a guided model
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { init, key, ones, randn } from "@dipp/tensor";
 * import { bind, ddim, epsModel, guided, sample, UNet2DConditionModel, VPSchedule } from "@dipp/scores";
 *
 * await init();
 * const schedule = new VPSchedule(); // SD 1.5's
 * const unet = new UNet2DConditionModel({
 *   block_out_channels: [8, 16],
 *   down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
 *   up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
 *   norm_num_groups: 4,
 *   attention_head_dim: 2,
 *   cross_attention_dim: 12,
 * });
 * const model = epsModel(bind(unet, unet.init(key(0))), schedule);
 * const nullCond = { embeds: ones([1, 5, 12]) };
 * const images = await sample(guided(model, 7.5, nullCond), {
 *   noise: randn(key(1), [2, 4, 8, 8]),
 *   cond: { embeds: ones([2, 5, 12]) },
 *   sampler: ddim(schedule, { steps: 2, stepsOffset: 1, setAlphaToOne: false }),
 * });
 * assertEquals(images.shape, [2, 4, 8, 8]);
 * ```
 *
 * @module
 */
export * from "./types.ts";
export * from "./cond.ts";
export * from "./conversions.ts";
export { type BetaSchedule, linspace, makeBetas } from "./schedules/beta_schedule.ts";
export * from "./schedules/vp.ts";
export * from "./schedules/edm.ts";
export * from "./parameterisations/prediction.ts";
export * from "./parameterisations/eps.ts";
export * from "./parameterisations/v.ts";
export * from "./parameterisations/x0.ts";
export * from "./parameterisations/edm.ts";
export * from "./guidance.ts";
export * from "./samplers/sampler.ts";
export type { TimestepSpacing } from "./samplers/timesteps.ts";
export * from "./samplers/ddim.ts";
export * from "./samplers/dpm_solver.ts";
export * from "./samplers/euler.ts";
export * from "./samplers/heun.ts";
export * from "./networks/unet_2d_condition.ts";
export { parseUNetConfig, type UNet2DConditionConfig } from "./networks/unet/config.ts";
export type { DownBlockParams } from "./networks/unet/down_block.ts";
export type { MidBlockParams } from "./networks/unet/mid_block.ts";
export type { UpBlockParams } from "./networks/unet/up_block.ts";
export type { ResampleParams } from "./networks/resample.ts";
export type { ResnetBlock2DParams } from "./networks/resnet_block_2d.ts";
export type { TextTimeCond } from "./networks/unet/text_time.ts";
export type { Transformer2DParams } from "./networks/unet/transformer_2d.ts";
export type { BasicTransformerBlockParams } from "./networks/unet/basic_transformer_block.ts";
export * from "./networks/dit_transformer_2d.ts";
export { type DiTTransformer2DConfig, parseDiTConfig } from "./networks/dit/config.ts";
export type { AdaLNZeroParams } from "./networks/dit/adaln_zero.ts";
export type { DiTBlockParams } from "./networks/dit/transformer_block.ts";
export * from "./networks/pixart_transformer_2d.ts";
export { parsePixArtConfig, type PixArtTransformer2DConfig } from "./networks/pixart/config.ts";
export * as patchEmbed from "./networks/patch_embed.ts";
export type { PatchEmbedParams } from "./networks/patch_embed.ts";
export { positionTable } from "./networks/position_table.ts";
export type { AdaLNSingleParams, AddedCond } from "./networks/pixart/adaln_single.ts";
export type { PixArtBlockParams } from "./networks/pixart/transformer_block.ts";
export type { TextProjectionParams } from "./networks/pixart/text_projection.ts";
export * from "./networks/autoencoder_kl.ts";
export { type AutoencoderKLConfig, parseAutoencoderKLConfig } from "./networks/vae/config.ts";
export { DiagonalGaussian } from "./networks/vae/diagonal_gaussian.ts";
export { currentVaeNames } from "./networks/vae/legacy_names.ts";
export type { DecoderParams } from "./networks/vae/decoder.ts";
export type { EncoderParams } from "./networks/vae/encoder.ts";
export type { VaeAttentionParams } from "./networks/vae/attention.ts";
export type { VaeMidBlockParams } from "./networks/vae/mid_block.ts";
export type { DownEncoderBlockParams } from "./networks/vae/down_encoder_block.ts";
export type { UpDecoderBlockParams } from "./networks/vae/up_decoder_block.ts";
export type { TextEncoding, TextInputs } from "./text/text_encoder.ts";
export { ACTIVATION_NAMES, type ActivationName, ACTIVATIONS } from "./text/activation.ts";
export { parseTextConfig } from "./text/config.ts";
export * from "./text/clip_text.ts";
export { type CLIPTextConfig, parseCLIPTextConfig } from "./text/clip/config.ts";
export * as clipEncoderLayer from "./text/clip/encoder_layer.ts";
export type {
  CLIPEncoderLayerConfig,
  CLIPEncoderLayerInputs,
  CLIPEncoderLayerParams,
} from "./text/clip/encoder_layer.ts";
export * from "./text/t5_encoder.ts";
export { parseT5Config, type T5Config } from "./text/t5/config.ts";
export { relativeBucket } from "./text/t5/relative_bias.ts";
export type { T5BlockParams, T5NormParams } from "./text/t5/block.ts";
export type { T5AttentionParams } from "./text/t5/self_attention.ts";
export type { T5FeedForwardParams } from "./text/t5/feed_forward.ts";
export * from "./text/bert.ts";
export { type BertConfig, parseBertConfig } from "./text/bert/config.ts";
export * as bertLayer from "./text/bert/layer.ts";
export type {
  BertAttentionParams,
  BertLayerConfig,
  BertLayerInputs,
  BertLayerParams,
  BertOutputParams,
} from "./text/bert/layer.ts";
export * from "./decoder.ts";
export * from "./latent_decoder.ts";
export * from "./one_step_generator.ts";
export * from "./word_embedder.ts";
export * from "./text_conditioned_model.ts";
export * from "./diffusers/architectures.ts";
export * from "./diffusers/directory.ts";
export * from "./diffusers/load_component.ts";
export * from "./diffusers/save_directory.ts";
export type { ComponentNetwork } from "./diffusers/components.ts";
export * from "./diffusers/scheduler.ts";
export * from "./diffusers/prompt_encoder.ts";
export * from "./diffusers/latent_diffusion.ts";
export * from "./diffusers/original_pixart_names.ts";
export * from "./tokenizers/load_tokenizer.ts";
