import {
  ACTIVATION_NAMES,
  type ActivationName,
  type CLIPTextConfig,
  parseCLIPTextConfig,
  parseTextConfig,
} from "@dipp/scores";
import { z } from "zod";

/** The configuration of {@linkcode CLIPVisionModel}: transformers' own, with its names and defaults. */
export interface CLIPVisionConfig {
  /** Width. */
  hidden_size: number;
  /** Width of the hidden layer of each feed-forward. */
  intermediate_size: number;
  /** Width of the projection, where there is one. */
  projection_dim: number;
  /** Number of layers. */
  num_hidden_layers: number;
  /** Attention heads. */
  num_attention_heads: number;
  /** Channels of an image. */
  num_channels: number;
  /** Side of an image. */
  image_size: number;
  /** Side of a patch. */
  patch_size: number;
  /** Activation of the feed-forwards: quick_gelu in OpenAI's models, gelu in OpenCLIP's. */
  hidden_act: ActivationName;
  /** Epsilon of the layer norms. */
  layer_norm_eps: number;
}

/** The configuration of {@linkcode CLIPModel}: transformers' own `config.json`. */
export interface CLIPConfig {
  /** Width of the space that texts and images share. */
  projection_dim: number;
  /** Logarithm of the inverse temperature that training starts from. */
  logit_scale_init_value: number;
  /** The text encoder. */
  text_config: CLIPTextConfig;
  /** The vision encoder. */
  vision_config: CLIPVisionConfig;
}

const positive = z.number().int().positive();

const visionSchema = z.strictObject({
  hidden_size: positive.default(768),
  intermediate_size: positive.default(3072),
  projection_dim: positive.default(512),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  num_channels: positive.default(3),
  image_size: positive.default(224),
  patch_size: positive.default(32),
  hidden_act: z.enum(ACTIVATION_NAMES).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  model_type: z.literal("clip_vision_model").optional(),
}).transform(({ model_type: _, ...config }): CLIPVisionConfig => config).superRefine((c, context) => {
  const mustDivide = (field: "num_attention_heads" | "patch_size", whole: "hidden_size" | "image_size") => {
    if (c[whole] % c[field] === 0) return;
    context.addIssue({ code: "custom", path: [field], message: `expected a divisor of ${whole} = ${c[whole]}` });
  };
  mustDivide("num_attention_heads", "hidden_size");
  mustDivide("patch_size", "image_size");
});

const part = z.record(z.string(), z.unknown());

const schema = z.strictObject({
  projection_dim: positive.default(512),
  logit_scale_init_value: z.number().default(2.6592),
  text_config: part.default({}),
  vision_config: part.default({}),
  text_config_dict: part.nullish(),
  vision_config_dict: part.nullish(),
  model_type: z.literal("clip").optional(),
});

/**
 * Checks a configuration of CLIP's vision encoder and fills in transformers' defaults.
 *
 * @param value A `config.json` of transformers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 */
export function parseCLIPVisionConfig(value: unknown): CLIPVisionConfig {
  return parseTextConfig(visionSchema, value, "CLIPVisionModel");
}

/**
 * Checks a configuration of CLIP and fills in transformers' defaults. Both encoders take the model's own
 * `projection_dim`; `text_config_dict` and `vision_config_dict` of old files go over the fields without `_dict`.
 *
 * @param value A `config.json` of transformers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseCLIPConfig } from "@dipp/rewards";
 *
 * assertEquals(parseCLIPConfig({ projection_dim: 768 }).vision_config.projection_dim, 768);
 * assertThrows(() => parseCLIPConfig({ vision_config: { patch_size: 15 } }), TypeError, "divisor of image_size = 224");
 * ```
 */
export function parseCLIPConfig(value: unknown): CLIPConfig {
  const { projection_dim, logit_scale_init_value, ...parts } = parseTextConfig(schema, value, "CLIPModel");
  return {
    projection_dim,
    logit_scale_init_value,
    text_config: parseCLIPTextConfig({ ...parts.text_config, ...parts.text_config_dict, projection_dim }),
    vision_config: parseCLIPVisionConfig({ ...parts.vision_config, ...parts.vision_config_dict, projection_dim }),
  };
}
