import { embedding, type EmbeddingParams, layerNorm, type LayerNormParams, linear, type LinearParams } from "@dipp/nn";
import { fold, type Tensor } from "@dipp/tensor";
import { type CLIPTextConfig, parseCLIPTextConfig } from "./clip/config.ts";
import * as layer from "./clip/encoder_layer.ts";
import type { CLIPEncoderLayerParams } from "./clip/encoder_layer.ts";
import { poolAtEnd } from "./clip/pool.ts";
import { normalLinear } from "./normal_linear.ts";
import { checkIds, type TextEncoding, type TextInputs } from "./text_encoder.ts";

/** Parameters of {@linkcode CLIPTextModel}, with transformers' names. */
export type CLIPTextParams = {
  /** The transformer. */
  text_model: {
    /** Tables of tokens `[V, D]` and positions `[L, D]`. */
    embeddings: { token_embedding: EmbeddingParams; position_embedding: EmbeddingParams };
    /** The layers. */
    encoder: { layers: CLIPEncoderLayerParams[] };
    /** The last layer norm. */
    final_layer_norm: LayerNormParams;
  };
};

/** Parameters of {@linkcode CLIPTextModelWithProjection}, with transformers' names. */
export type CLIPTextWithProjectionParams = CLIPTextParams & {
  /** Projection of the pooled text, `[projection_dim, D]`, no bias. */
  text_projection: LinearParams;
};

/** What {@linkcode CLIPTextModel} gives. */
export interface CLIPTextEncoding extends TextEncoding {
  /** The final state of the token that ends the text, `[B, D]`. */
  readonly poolerOutput: Tensor;
}

/**
 * CLIP's text encoder, that of Stable Diffusion 1.x and 2.x (Radford et al. 2021): a causal transformer with the norm
 * before each half of a layer. Configuration, parameter names and results are those of transformers' `CLIPTextModel`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, tensor } from "@dipp/tensor";
 * import { CLIPTextModel } from "@dipp/scores";
 *
 * const encoder = new CLIPTextModel({ vocab_size: 10, hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1 });
 * const inputIds = tensor(new Int32Array([1, 5, 9, 9]), [1, 4]);
 * const { lastHiddenState, poolerOutput } = encoder.apply(encoder.init(key(0)), { inputIds });
 * assertEquals([lastHiddenState.shape, poolerOutput.shape], [[1, 4, 8], [1, 8]]);
 * ```
 */
export class CLIPTextModel {
  /** The complete configuration. */
  readonly config: CLIPTextConfig;
  /** Names in released checkpoints that are no parameters. */
  readonly ignored: RegExp = /position_ids$/;

  /**
   * Checks the configuration.
   *
   * @param config transformers' `config.json`, or part of it; see {@linkcode CLIPTextConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.config = parseCLIPTextConfig(config);
  }

  /**
   * Draws parameters as CLIP does.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): CLIPTextParams {
    const { config } = this;
    const width = config.hidden_size;
    return {
      text_model: {
        embeddings: {
          token_embedding: embedding.init(fold(key, 0), config.vocab_size, width, 0.02),
          position_embedding: embedding.init(fold(key, 1), config.max_position_embeddings, width, 0.02),
        },
        encoder: {
          layers: Array.from({ length: config.num_hidden_layers }, (_, i) => layer.init(fold(fold(key, 2), i), config)),
        },
        final_layer_norm: layerNorm.init(width),
      },
    };
  }

  /**
   * Encodes token ids.
   *
   * @param params The parameters.
   * @param inputs Ids and mask; Stable Diffusion uses no mask.
   * @returns See {@linkcode CLIPTextEncoding}.
   * @throws {TypeError} When the ids are not integers `[B, L]`.
   * @throws {RangeError} When there are more tokens than positions.
   */
  apply(params: CLIPTextParams, inputs: TextInputs): CLIPTextEncoding {
    const { config } = this;
    const { inputIds } = inputs;
    checkIds("CLIPTextModel", inputIds, config.max_position_embeddings);
    const { embeddings, encoder, final_layer_norm } = params.text_model;
    const mask = inputs.attentionMask?.ne(0);
    const positions = embeddings.position_embedding.weight.slice([[0, inputIds.shape[1]]]);
    const hiddenStates = [embedding.apply(embeddings.token_embedding, inputIds).add(positions)];
    for (const p of encoder.layers) {
      hiddenStates.push(layer.apply(p, hiddenStates.at(-1)!, config, { mask, causal: true }));
    }
    const lastHiddenState = layerNorm.apply(final_layer_norm, hiddenStates.at(-1)!, config.layer_norm_eps);
    const poolerOutput = poolAtEnd(lastHiddenState, inputIds, config.eos_token_id);
    return { lastHiddenState, hiddenStates, poolerOutput };
  }
}

/**
 * CLIP's text encoder with its projection to the space that text and images share, the second encoder of SDXL.
 * Configuration, parameter names and results are those of transformers' `CLIPTextModelWithProjection`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { key, tensor } from "@dipp/tensor";
 * import { CLIPTextModelWithProjection } from "@dipp/scores";
 *
 * const config = { vocab_size: 10, hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1, projection_dim: 6 };
 * const encoder = new CLIPTextModelWithProjection(config);
 * const inputIds = tensor(new Int32Array([1, 5, 9, 9]), [1, 4]);
 * assertEquals(encoder.apply(encoder.init(key(0)), { inputIds }).textEmbeds.shape, [1, 6]);
 * ```
 */
export class CLIPTextModelWithProjection {
  /** The encoder without the projection. */
  readonly text: CLIPTextModel;
  /** Names in released checkpoints that are no parameters. */
  readonly ignored: RegExp = /position_ids$/;

  /**
   * Checks the configuration.
   *
   * @param config transformers' `config.json`, or part of it; see {@linkcode CLIPTextConfig}.
   * @throws {TypeError} When the configuration is wrong or not supported.
   */
  constructor(config: unknown) {
    this.text = new CLIPTextModel(config);
  }

  /** The complete configuration. */
  get config(): CLIPTextConfig {
    return this.text.config;
  }

  /**
   * Draws parameters as CLIP does.
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): CLIPTextWithProjectionParams {
    const { projection_dim, hidden_size } = this.config;
    const std = hidden_size ** -0.5;
    return {
      ...this.text.init(key),
      text_projection: normalLinear(fold(key, 3), [projection_dim, hidden_size], std, false),
    };
  }

  /**
   * Encodes token ids.
   *
   * @param params The parameters.
   * @param inputs Ids and mask.
   * @returns The encoding, and the projected text, `textEmbeds` `[B, projection_dim]`.
   * @throws {TypeError} When the ids are not integers `[B, L]`.
   * @throws {RangeError} When there are more tokens than positions.
   */
  apply(params: CLIPTextWithProjectionParams, inputs: TextInputs): CLIPTextEncoding & { readonly textEmbeds: Tensor } {
    const encoding = this.text.apply(params, inputs);
    return { ...encoding, textEmbeds: linear.apply(params.text_projection, encoding.poolerOutput) };
  }
}
