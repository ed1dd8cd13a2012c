import { z } from "zod";
import { ACTIVATION_NAMES, type ActivationName } from "../activation.ts";
import { parseTextConfig } from "../config.ts";

/** The configuration of {@linkcode T5EncoderModel}: transformers' own `config.json`, with its names and defaults. */
export interface T5Config {
  /** Number of token ids. */
  vocab_size: number;
  /** Width. */
  d_model: number;
  /** Width of an attention head; heads times this need not be `d_model`. */
  d_kv: number;
  /** Width of the hidden layer of each feed-forward. */
  d_ff: number;
  /** Number of blocks. */
  num_layers: number;
  /** Attention heads. */
  num_heads: number;
  /** Classes of distances between tokens. */
  relative_attention_num_buckets: number;
  /** From which distance on all are of one class. */
  relative_attention_max_distance: number;
  /** Epsilon of the norms. */
  layer_norm_epsilon: number;
  /** Activation of the feed-forwards. */
  activation: ActivationName;
  /** Whether the activation of one projection multiplies another. */
  gated: boolean;
}

const positive = z.number().int().positive();

/** "relu", "gated-gelu" and so on; the gated GELU is the tanh approximation. */
const feedForward = z.string().transform((name, context) => {
  const gated = name.startsWith("gated-");
  const act = gated ? name.slice("gated-".length) : name;
  const activation = ACTIVATION_NAMES.find((known) => known === (name === "gated-gelu" ? "gelu_new" : act));
  if (activation) return { activation, gated };
  context.addIssue({
    code: "custom",
    message: `expected ${ACTIVATION_NAMES.join(", ")}, or one of them after "gated-"`,
  });
  return z.NEVER;
});

const schema = z.strictObject({
  vocab_size: positive.default(32128),
  d_model: positive.default(512),
  d_kv: positive.default(64),
  d_ff: positive.default(2048),
  num_layers: positive.default(6),
  num_heads: positive.default(8),
  relative_attention_num_buckets: positive.multipleOf(4).default(32),
  relative_attention_max_distance: positive.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: feedForward.default({ activation: "relu", gated: false }),
  model_type: z.literal("t5").optional(),
  // Without effect here: derived from feed_forward_proj, or the decoder's.
  dense_act_fn: z.string().optional(),
  is_gated_act: z.boolean().optional(),
  num_decoder_layers: z.number().nullable().optional(),
  n_positions: z.number().optional(),
  eos_token_id: z.number().nullable().optional(),
}).transform((c): T5Config => ({
  vocab_size: c.vocab_size,
  d_model: c.d_model,
  d_kv: c.d_kv,
  d_ff: c.d_ff,
  num_layers: c.num_layers,
  num_heads: c.num_heads,
  relative_attention_num_buckets: c.relative_attention_num_buckets,
  relative_attention_max_distance: c.relative_attention_max_distance,
  layer_norm_epsilon: c.layer_norm_epsilon,
  ...c.feed_forward_proj,
})).superRefine((c, context) => {
  const exact = c.relative_attention_num_buckets / 4;
  if (c.relative_attention_max_distance > exact) return;
  context.addIssue({
    code: "custom",
    path: ["relative_attention_max_distance"],
    message: `expected more than the ${exact} distances with a bucket of their own`,
  });
});

/**
 * Checks a configuration of the T5 encoder and fills in transformers' defaults.
 *
 * @param value A `config.json` of transformers, or part of one.
 * @returns The complete configuration.
 * @throws {TypeError} When a field is wrong, unknown or not supported.
 *
 * @example
 * ```ts
 * import { assertEquals, assertThrows } from "@std/assert";
 * import { parseT5Config } from "@dipp/scores";
 *
 * assertEquals(parseT5Config({ feed_forward_proj: "gated-gelu" }).activation, "gelu_new");
 * assertThrows(() => parseT5Config({ d_model: 0 }), TypeError, "d_model is 0");
 * ```
 */
export function parseT5Config(value: unknown): T5Config {
  return parseTextConfig(schema, value, "T5EncoderModel");
}
