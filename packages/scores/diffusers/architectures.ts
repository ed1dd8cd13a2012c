/** The released latent diffusions as data, for plans of models that are not on the machine. */
import { DiffusersDirectory } from "./directory.ts";

interface Architecture {
  readonly pipeline: string;
  readonly scheduler: readonly [className: string, config: Readonly<Record<string, unknown>>];
  readonly network: readonly [
    component: "unet" | "transformer",
    className: string,
    config: Readonly<Record<string, unknown>>,
  ];
  readonly vae?: Readonly<Record<string, unknown>>;
}

const VAE = {
  block_out_channels: [128, 256, 512, 512],
  down_block_types: new Array<string>(4).fill("DownEncoderBlock2D"),
  up_block_types: new Array<string>(4).fill("UpDecoderBlock2D"),
  layers_per_block: 2,
  latent_channels: 4,
  norm_num_groups: 32,
  sample_size: 512,
  scaling_factor: 0.18215,
};

const SD_SCHEDULER = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
  steps_offset: 1,
  set_alpha_to_one: false,
};

const SD_UNET = {
  sample_size: 64,
  in_channels: 4,
  out_channels: 4,
  down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
  block_out_channels: [320, 640, 1280, 1280],
  layers_per_block: 2,
  norm_num_groups: 32,
};

const PIXART = {
  num_attention_heads: 16,
  attention_head_dim: 72,
  in_channels: 4,
  out_channels: 8,
  num_layers: 28,
  cross_attention_dim: 1152,
  attention_bias: true,
  patch_size: 2,
  activation_fn: "gelu-approximate",
  norm_type: "ada_norm_single",
  norm_elementwise_affine: false,
  norm_eps: 1e-6,
  caption_channels: 4096,
};

const pixart = (sampleSize: number): Architecture => ({
  pipeline: "PixArtAlphaPipeline",
  scheduler: ["DPMSolverMultistepScheduler", {
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    num_train_timesteps: 1000,
    algorithm_type: "dpmsolver++",
  }],
  network: ["transformer", "PixArtTransformer2DModel", { ...PIXART, sample_size: sampleSize }],
});

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  "stable-diffusion-v1-5": {
    pipeline: "StableDiffusionPipeline",
    scheduler: ["PNDMScheduler", SD_SCHEDULER],
    network: ["unet", "UNet2DConditionModel", { ...SD_UNET, attention_head_dim: 8, cross_attention_dim: 768 }],
  },
  "stable-diffusion-2-1": {
    pipeline: "StableDiffusionPipeline",
    scheduler: ["DDIMScheduler", { ...SD_SCHEDULER, prediction_type: "v_prediction" }],
    network: ["unet", "UNet2DConditionModel", {
      ...SD_UNET,
      sample_size: 96,
      attention_head_dim: [5, 10, 20, 20],
      cross_attention_dim: 1024,
      use_linear_projection: true,
    }],
  },
  "stable-diffusion-xl-base-1.0": {
    pipeline: "StableDiffusionXLPipeline",
    scheduler: ["EulerDiscreteScheduler", { ...SD_SCHEDULER, timestep_spacing: "leading" }],
    network: ["unet", "UNet2DConditionModel", {
      ...SD_UNET,
      sample_size: 128,
      down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
      up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
      block_out_channels: [320, 640, 1280],
      attention_head_dim: [5, 10, 20],
      transformer_layers_per_block: [1, 2, 10],
      cross_attention_dim: 2048,
      use_linear_projection: true,
      addition_embed_type: "text_time",
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: 2816,
    }],
    vae: { ...VAE, sample_size: 1024, scaling_factor: 0.13025 },
  },
  "pixart-alpha-512": pixart(64),
  "pixart-alpha-1024": pixart(128),
};

/** The names of {@linkcode architecture}. */
export const ARCHITECTURE_NAMES: readonly string[] = Object.keys(ARCHITECTURES);

/**
 * A released model as a directory that is only described: network, autoencoder and scheduler with the settings of the
 * release, without weights, tokenizers or text encoders.
 *
 * @param name One of {@linkcode ARCHITECTURE_NAMES}.
 * @returns The directory.
 * @throws {RangeError} If there is no such architecture.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parameterCount } from "@dipp/nn";
 * import { key } from "@dipp/tensor";
 * import { architecture, LatentDiffusion } from "@dipp/scores";
 *
 * const { network } = await LatentDiffusion.describe(architecture("stable-diffusion-v1-5"));
 * assertEquals(parameterCount(network.init(key(0))), 859_520_964);
 * ```
 */
export function architecture(name: string): DiffusersDirectory {
  if (!Object.hasOwn(ARCHITECTURES, name)) {
    throw new RangeError(`There is no architecture "${name}", expected ${ARCHITECTURE_NAMES.join(", ")}`);
  }
  const { pipeline, scheduler, network, vae = VAE } = ARCHITECTURES[name];
  const [component, className, config] = network;
  return DiffusersDirectory.of(name, {
    _class_name: pipeline,
    scheduler: ["diffusers", scheduler[0]],
    [component]: ["diffusers", className],
    vae: ["diffusers", "AutoencoderKL"],
  }, { scheduler: scheduler[1], [component]: config, vae });
}
