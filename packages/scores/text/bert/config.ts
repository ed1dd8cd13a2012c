import { z } from "zod";
import { ACTIVATION_NAMES, type ActivationName } from "../activation.ts";
import { parseTextConfig } from "../config.ts";

/** The configuration of {@linkcode BertModel}: transformers' own `config.json`, with its names and defaults. */
export interface BertConfig {
  /** Number of token ids. */
  vocab_size: number;
  /** Width. */
  hidden_size: number;
  /** Number of layers. */
  num_hidden_layers: number;
  /** Attention heads. */
  num_attention_heads: number;
  /** Width of the hidden layer of each feed-forward. */
  intermediate_size: number;
  /** Activation of the feed-forwards. */
  hidden_act: ActivationName;
  /** Tokens of the longest text. */
  max_position_embeddings: number;
  /** Number of token types. */
  type_vocab_size: number;
  /** Epsilon of the layer norms. */
  layer_norm_eps: number;
}

const positive = z.number().int().positive();

const schema = z.strictObject({
  vocab_size: positive.default(30522),
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: z.enum(ACTIVATION_NAMES).default("gelu"),
  max_position_embeddings: positive.default(512),
  type_vocab_size: positive.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  model_type: z.literal("bert").optional(),
  position_embedding_type: z.literal("absolute").optional(),
  eos_token_id: z.number().nullable().optional(), // without effect here
}).transform(({ model_type: _, position_embedding_type: __, eos_token_id: ___, ...config }): BertConfig => config)
  .superRefine((c, context) => {
    if (c.hidden_size % c.num_attention_heads === 0) return;
    context.addIssue({
      code: "custom",
      path: ["num_attention_heads"],
      message: `expected a divisor of hidden_size = ${c.hidden_size}`,
    });
  });

/**
 * Checks a configuration of BERT and fills in transformers' defaults.
 *
 * @param value A `config.json` of transformers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseBertConfig } from "@dipp/scores";
 *
 * assertEquals(parseBertConfig({}).layer_norm_eps, 1e-12);
 * assertThrows(() => parseBertConfig({ num_attention_heads: 5 }), TypeError, "divisor of hidden_size = 768");
 * ```
 */
export function parseBertConfig(value: unknown): BertConfig {
  return parseTextConfig(schema, value, "BertModel");
}
