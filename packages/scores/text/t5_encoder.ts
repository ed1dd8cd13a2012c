import { embedding, type EmbeddingParams } from "@dipp/nn";
import { fold, ones, rmsNorm, type Tensor } from "@dipp/tensor";
import { maskBias } from "../networks/mask_bias.ts";
import * as block from "./t5/block.ts";
import type { T5BlockParams, T5NormParams } from "./t5/block.ts";
import { parseT5Config, type T5Config } from "./t5/config.ts";
import { relativeBias } from "./t5/relative_bias.ts";
import { checkIds, type TextEncoding, type TextInputs } from "./text_encoder.ts";

/** Parameters of {@linkcode T5EncoderModel}, with transformers' names. */
export type T5EncoderParams = {
  /** The tokens' table, `[V, d_model]`. */
  shared: EmbeddingParams;
  /** Blocks and last norm. */
  encoder: { block: T5BlockParams[]; final_layer_norm: T5NormParams };
};

/** Added to the logits of keys that do not count: no logit reaches it, and rows of such keys stay finite. */
const NEVER = 1e30;

/**
 * The encoder of T5 and T5 v1.1, that of PixArt (Raffel et al. 2020; Shazeer 2020). Configuration, parameter names and
 * results are those of transformers' `T5EncoderModel`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, tensor } from "@dipp/tensor";
 * import { T5EncoderModel } from "@dipp/scores";
 *
 * const encoder = new T5EncoderModel({ vocab_size: 10, d_model: 8, d_kv: 4, d_ff: 16, num_heads: 3, num_layers: 1 });
 * const inputIds = tensor(new Int32Array([5, 9, 1, 0]), [1, 4]);
 * const attentionMask = inputIds.ne(0);
 * const { lastHiddenState } = encoder.apply(encoder.init(key(0)), { inputIds, attentionMask });
 * assertEquals(lastHiddenState.shape, [1, 4, 8]);
 * ```
 */
export class T5EncoderModel {
  /** The complete configuration. */
  readonly config: T5Config;
  /** Names in released checkpoints that are no parameters: a copy of the table, and the decoder. */
  readonly ignored: RegExp = /^(encoder\.embed_tokens\.|decoder\.|lm_head\.)/;

  /**
   * Checks the configuration.
   *
   * @param config transformers' `config.json`, or part of it; see {@linkcode T5Config}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseT5Config(config);
  }

  /**
   * Draws parameters as T5 does.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): T5EncoderParams {
    const { config } = this;
    return {
      shared: embedding.init(fold(key, 0), config.vocab_size, config.d_model),
      encoder: {
        block: Array.from({ length: config.num_layers }, (_, i) => block.init(fold(fold(key, 1), i), config, i === 0)),
        final_layer_norm: { weight: ones([config.d_model]) },
      },
    };
  }

  /**
   * Encodes token ids. Padding is encoded too, and means nothing.
   *
   * @param params The parameters.
   * @param inputs Ids and mask.
   * @returns See {@linkcode TextEncoding}.
   * @throws {TypeError} When the ids are not integers `[B, L]`.
   */
  apply(params: T5EncoderParams, inputs: TextInputs): TextEncoding {
    const { config } = this;
    const { inputIds, attentionMask } = inputs;
    checkIds("T5EncoderModel", inputIds);
    const [batch, length] = inputIds.shape;
    const { block: blocks, final_layer_norm } = params.encoder;
    const distances = relativeBias(blocks[0].layer[0].SelfAttention.relative_attention_bias!, length, config);
    const bias = attentionMask
      ? distances.add(maskBias(attentionMask, NEVER).reshape([batch, 1, 1, length]))
      : distances;
    const hiddenStates = [embedding.apply(params.shared, inputIds)];
    for (const p of blocks) hiddenStates.push(block.apply(p, hiddenStates.at(-1)!, config, bias));
    const { weight } = final_layer_norm;
    return {
      lastHiddenState: rmsNorm(hiddenStates.at(-1)!, { weight, eps: config.layer_norm_epsilon }),
      hiddenStates,
    };
  }
}
