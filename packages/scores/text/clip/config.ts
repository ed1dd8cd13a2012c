import { z } from "zod";
import { ACTIVATION_NAMES, type ActivationName } from "../activation.ts";
import { parseTextConfig } from "../config.ts";

/** The configuration of {@linkcode CLIPTextModel}: transformers' own `config.json`, with its names and defaults. */
export interface CLIPTextConfig {
  /** Number of token ids. */
  vocab_size: number;
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
  /** Tokens of the longest text. */
  max_position_embeddings: number;
  /** Activation of the feed-forwards: quick_gelu in OpenAI's models, gelu in OpenCLIP's. */
  hidden_act: ActivationName;
  /** Epsilon of the layer norms. */
  layer_norm_eps: number;
  /** The token whose state stands for the text; 2, a value that old files hold by mistake, means the largest id. */
  eos_token_id: number;
}

const positive = z.number().int().positive();

const schema = z.strictObject({
  vocab_size: positive.default(49408),
  hidden_size: positive.default(512),
  intermediate_size: positive.default(2048),
  projection_dim: positive.default(512),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(8),
  max_position_embeddings: positive.default(77),
  hidden_act: z.enum(ACTIVATION_NAMES).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  eos_token_id: z.number().int().nonnegative().default(49407),
  model_type: z.literal("clip_text_model").optional(),
}).transform(({ model_type: _, ...config }): CLIPTextConfig => config).superRefine((c, context) => {
  if (c.hidden_size % c.num_attention_heads === 0) return;
  context.addIssue({
    code: "custom",
    path: ["num_attention_heads"],
    message: `expected a divisor of hidden_size = ${c.hidden_size}`,
  });
});

/**
 * Checks a configuration of CLIP's text encoder and fills in transformers' defaults.
 *
 * @param value A `config.json` of transformers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseCLIPTextConfig } from "@dipp/scores";
 *
 * assertEquals(parseCLIPTextConfig({ hidden_size: 768 }).max_position_embeddings, 77);
 * assertThrows(() => parseCLIPTextConfig({ hidden_act: "mish" }), TypeError, 'hidden_act is "mish"');
 * ```
 */
export function parseCLIPTextConfig(value: unknown): CLIPTextConfig {
  return parseTextConfig(schema, value, "CLIPTextModel");
}
