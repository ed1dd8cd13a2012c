/** What the configurations of transformers have in common. */
import type { z } from "zod";
import { parseConfig } from "../networks/config_error.ts";

/** Fields that every configuration of transformers may hold, and that say nothing about an encoder's numbers. */
const COMMON = new Set(
  `architectures torch_dtype dtype transformers_version attention_dropout dropout dropout_rate classifier_dropout
   hidden_dropout_prob attention_probs_dropout_prob initializer_factor initializer_range use_cache output_past
   gradient_checkpointing return_dict output_hidden_states output_attentions torchscript use_bfloat16 tf_legacy_loss
   pruned_heads tie_word_embeddings chunk_size_feed_forward is_encoder_decoder is_decoder cross_attention_hidden_size
   add_cross_attention tie_encoder_decoder max_length min_length do_sample early_stopping num_beams num_beam_groups
   diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size
   encoder_no_repeat_ngram_size bad_words_ids num_return_sequences output_scores return_dict_in_generate
   forced_bos_token_id forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens
   begin_suppress_tokens finetuning_task id2label label2id tokenizer_class prefix sep_token_id bos_token_id
   pad_token_id decoder_start_token_id task_specific_params problem_type`.split(/\s+/),
);

/**
 * Checks the configuration of a text encoder and fills in its defaults. Fields about training, generating text and
 * storing are left out; any other that the schema does not know is an error.
 *
 * @param schema What the configuration must look like.
 * @param value The configuration, as parsed from JSON.
 * @param model The model's name, for the error.
 * @returns The complete configuration.
 * @throws {TypeError} With every wrong field's path, value and expectation.
 */
export function parseTextConfig<T>(schema: z.ZodType<T>, value: unknown, model: string): T {
  const own = value !== null && typeof value === "object"
    ? Object.fromEntries(Object.entries(value).filter(([name]) => !COMMON.has(name)))
    : value;
  return parseConfig(schema, own, model);
}
