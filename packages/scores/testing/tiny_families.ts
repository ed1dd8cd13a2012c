/** What tiny directories hold: the classes and settings of the released ones, at a few thousand parameters. */
import { tinyClipTokenizer, tinyT5Tokenizer } from "./tiny_tokenizers.ts";

/** A directory of diffusers as data. */
export interface TinyFamily {
  /** `model_index.json`. */
  readonly index: Readonly<Record<string, unknown>>;
  /** `config.json` of each network. */
  readonly networks: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Other files by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** The families that there are. */
export type TinyName = "sd15" | "pixart" | "sdxl";

const VERSION = { _diffusers_version: "0.30.0" };

const VAE = {
  _class_name: "AutoencoderKL",
  ...VERSION,
  in_channels: 3,
  out_channels: 3,
  down_block_types: ["DownEncoderBlock2D", "DownEncoderBlock2D"],
  up_block_types: ["UpDecoderBlock2D", "UpDecoderBlock2D"],
  block_out_channels: [4, 8],
  layers_per_block: 1,
  latent_channels: 4,
  norm_num_groups: 2,
  sample_size: 16,
  act_fn: "silu",
  scaling_factor: 0.18215,
};

const UNET = {
  _class_name: "UNet2DConditionModel",
  ...VERSION,
  sample_size: 8,
  in_channels: 4,
  out_channels: 4,
  down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
  block_out_channels: [8, 16],
  layers_per_block: 1,
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: 16,
};

const clipText = (vocabulary: number, className: string, projection: number) => ({
  architectures: [className],
  model_type: "clip_text_model",
  vocab_size: vocabulary,
  hidden_size: 16,
  intermediate_size: 32,
  projection_dim: projection,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 77,
  hidden_act: projection === 16 ? "quick_gelu" : "gelu",
  layer_norm_eps: 1e-5,
  bos_token_id: vocabulary - 2,
  eos_token_id: 2, // as in old files: the largest id ends a text
});

const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";

const SD_SCHEDULER = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
  steps_offset: 1,
};

function within(folder: string, files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));
}

function sd15(): TinyFamily {
  const { files, size } = tinyClipTokenizer();
  return {
    index: {
      _class_name: "StableDiffusionPipeline",
      ...VERSION,
      feature_extractor: [null, null],
      requires_safety_checker: false,
      safety_checker: [null, null],
      scheduler: ["diffusers", "PNDMScheduler"],
      text_encoder: ["transformers", "CLIPTextModel"],
      tokenizer: ["transformers", "CLIPTokenizer"],
      unet: ["diffusers", "UNet2DConditionModel"],
      vae: ["diffusers", "AutoencoderKL"],
    },
    networks: { text_encoder: clipText(size, "CLIPTextModel", 16), unet: UNET, vae: VAE },
    files: {
      ...within("tokenizer", files),
      "scheduler/scheduler_config.json": json({
        _class_name: "PNDMScheduler",
        ...VERSION,
        ...SD_SCHEDULER,
        set_alpha_to_one: false,
        skip_prk_steps: true,
      }),
    },
  };
}

function pixart(): TinyFamily {
  const { files, size } = tinyT5Tokenizer();
  return {
    index: {
      _class_name: "PixArtAlphaPipeline",
      ...VERSION,
      scheduler: ["diffusers", "DPMSolverMultistepScheduler"],
      text_encoder: ["transformers", "T5EncoderModel"],
      tokenizer: ["transformers", "T5Tokenizer"],
      transformer: ["diffusers", "PixArtTransformer2DModel"],
      vae: ["diffusers", "AutoencoderKL"],
    },
    networks: {
      text_encoder: {
        architectures: ["T5EncoderModel"],
        model_type: "t5",
        vocab_size: size,
        d_model: 16,
        d_kv: 8,
        d_ff: 32,
        num_layers: 2,
        num_heads: 2,
        feed_forward_proj: "gated-gelu",
        relative_attention_num_buckets: 8,
        relative_attention_max_distance: 16,
      },
      transformer: {
        _class_name: "PixArtTransformer2DModel",
        ...VERSION,
        num_attention_heads: 2,
        attention_head_dim: 12,
        in_channels: 4,
        out_channels: 8,
        num_layers: 2,
        cross_attention_dim: 24,
        attention_bias: true,
        sample_size: 8,
        patch_size: 2,
        activation_fn: "gelu-approximate",
        norm_type: "ada_norm_single",
        norm_elementwise_affine: false,
        norm_eps: 1e-6,
        caption_channels: 16,
      },
      vae: VAE,
    },
    files: {
      ...within("tokenizer", files),
      "scheduler/scheduler_config.json": json({
        _class_name: "DPMSolverMultistepScheduler",
        ...VERSION,
        algorithm_type: "dpmsolver++",
        solver_order: 2,
        beta_start: 0.0001,
        beta_end: 0.02,
        beta_schedule: "linear",
        num_train_timesteps: 1000,
      }),
    },
  };
}

function sdxl(): TinyFamily {
  const first = tinyClipTokenizer(), second = tinyClipTokenizer("!");
  return {
    index: {
      _class_name: "StableDiffusionXLPipeline",
      ...VERSION,
      force_zeros_for_empty_prompt: true,
      scheduler: ["diffusers", "EulerDiscreteScheduler"],
      text_encoder: ["transformers", "CLIPTextModel"],
      text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
      tokenizer: ["transformers", "CLIPTokenizer"],
      tokenizer_2: ["transformers", "CLIPTokenizer"],
      unet: ["diffusers", "UNet2DConditionModel"],
      vae: ["diffusers", "AutoencoderKL"],
    },
    networks: {
      text_encoder: clipText(first.size, "CLIPTextModel", 16),
      text_encoder_2: clipText(second.size, "CLIPTextModelWithProjection", 12),
      unet: {
        ...UNET,
        cross_attention_dim: 32,
        use_linear_projection: true,
        transformer_layers_per_block: [1, 2],
        addition_embed_type: "text_time",
        addition_time_embed_dim: 4,
        projection_class_embeddings_input_dim: 12 + 6 * 4,
      },
      vae: { ...VAE, scaling_factor: 0.13025 },
    },
    files: {
      ...within("tokenizer", first.files),
      ...within("tokenizer_2", second.files),
      "scheduler/scheduler_config.json": json({
        _class_name: "EulerDiscreteScheduler",
        ...VERSION,
        ...SD_SCHEDULER,
        timestep_spacing: "leading",
      }),
    },
  };
}

/** The families, made when asked for. */
export const TINY: Readonly<Record<TinyName, () => TinyFamily>> = { sd15, pixart, sdxl };
