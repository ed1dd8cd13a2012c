import { embedding, type EmbeddingParams, layerNorm, type LayerNormParams, linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor, zeros } from "@dipp/tensor";
import { type BertConfig, parseBertConfig } from "./bert/config.ts";
import * as layer from "./bert/layer.ts";
import type { BertLayerParams } from "./bert/layer.ts";
import { normalLinear } from "./normal_linear.ts";
import { checkIds, type TextEncoding, type TextInputs } from "./text_encoder.ts";

/** Parameters of {@linkcode BertModel}, with transformers' names. */
export type BertParams = {
  /** Tables of tokens, positions and types, and the norm of their sum. */
  embeddings: {
    word_embeddings: EmbeddingParams;
    position_embeddings: EmbeddingParams;
    token_type_embeddings: EmbeddingParams;
    LayerNorm: LayerNormParams;
  };
  /** The layers. */
  encoder: { layer: BertLayerParams[] };
  /** What makes one vector of the text. */
  pooler: { dense: LinearParams };
};

/** What {@linkcode BertModel} is given. */
export interface BertInputs extends TextInputs {
  /** Type of each token, integers `[B, L]`. Default 0. */
  readonly tokenTypeIds?: Tensor;
}

/** What {@linkcode BertModel} gives. */
export interface BertEncoding extends TextEncoding {
  /** tanh of a projection of the first token's state, `[B, D]`. */
  readonly poolerOutput: Tensor;
}

/**
 * BERT's encoder: every token attends to every other, with the norm after each half of a layer (Devlin et al. 2019).
 * Configuration, parameter names and results are those of transformers' `BertModel`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, tensor } from "@dipp/tensor";
 * import { BertModel } from "@dipp/scores";
 *
 * const bert = new BertModel({ vocab_size: 10, hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 });
 * const inputIds = tensor(new Int32Array([1, 5, 9, 0]), [1, 4]);
 * const { lastHiddenState } = bert.apply(bert.init(key(0)), { inputIds, attentionMask: inputIds.ne(0) });
 * assertEquals(lastHiddenState.shape, [1, 4, 8]);
 * ```
 */
export class BertModel {
  /** The complete configuration. */
  readonly config: BertConfig;
  /** Names in released checkpoints that are no parameters. */
  readonly ignored: RegExp = /(position_ids|token_type_ids)$|^cls\./;

  /**
   * Checks the configuration.
   *
   * @param config transformers' `config.json`, or part of it; see {@linkcode BertConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseBertConfig(config);
  }

  /**
   * Draws parameters as BERT does.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): BertParams {
    const { config } = this;
    const width = config.hidden_size;
    const table = (n: number, rows: number) => embedding.init(fold(key, n), rows, width, layer.STD);
    return {
      embeddings: {
        word_embeddings: table(0, config.vocab_size),
        position_embeddings: table(1, config.max_position_embeddings),
        token_type_embeddings: table(2, config.type_vocab_size),
        LayerNorm: layerNorm.init(width),
      },
      encoder: {
        layer: Array.from({ length: config.num_hidden_layers }, (_, i) => layer.init(fold(fold(key, 3), i), config)),
      },
      pooler: { dense: normalLinear(fold(key, 4), [width, width], layer.STD) },
    };
  }

  /**
   * Encodes token ids.
   *
   * @param params The parameters.
   * @param inputs Ids, types and mask.
   * @returns See {@linkcode BertEncoding}.
   * @throws {TypeError} When the ids are not integers `[B, L]`.
   * @throws {RangeError} When there are more tokens than positions.
   */
  apply(params: BertParams, inputs: BertInputs): BertEncoding {
    const { config } = this;
    const { inputIds, attentionMask, tokenTypeIds = zeros(inputIds.shape, "i32") } = inputs;
    checkIds("BertModel", inputIds, config.max_position_embeddings);
    const { word_embeddings, position_embeddings, token_type_embeddings, LayerNorm } = params.embeddings;
    const mask = attentionMask?.ne(0);
    const embedded = embedding.apply(word_embeddings, inputIds)
      .add(embedding.apply(token_type_embeddings, tokenTypeIds))
      .add(position_embeddings.weight.slice([[0, inputIds.shape[1]]]));
    const hiddenStates = [layerNorm.apply(LayerNorm, embedded, config.layer_norm_eps)];
    for (const p of params.encoder.layer) hiddenStates.push(layer.apply(p, hiddenStates.at(-1)!, config, { mask }));
    const lastHiddenState = hiddenStates.at(-1)!;
    const poolerOutput = linear.apply(params.pooler.dense, lastHiddenState.select(1, 0)).tanh();
    return { lastHiddenState, hiddenStates, poolerOutput };
  }
}
