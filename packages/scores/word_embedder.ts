import { embedding, type EmbeddingParams } from "@dipp/nn";
import { arange, embedding as lookUp, fold, randn, type Tensor, where } from "@dipp/tensor";

/** The shape of a {@linkcode WordEmbedder}. */
export interface WordEmbedderConfig {
  /** Number of token ids, the padding 0 among them. */
  readonly vocabularySize: number;
  /** Tokens of the longest prompt. */
  readonly maxLength: number;
  /** Width of the embedding: the network's condition. */
  readonly width: number;
}

/** Parameters of {@linkcode WordEmbedder}. */
export type WordEmbedderParams = {
  /** One vector a token id, `[V, C]`. */
  token_embedding: EmbeddingParams;
  /** One vector a position, `[L, C]`. */
  position_embedding: EmbeddingParams;
  /** What stands in the first place of an empty prompt, `[C]`. */
  null_token: Tensor;
};

/**
 * The text condition of small models: a learned vector for every word and
 * every position, trained together with the network that it conditions.
 *
 * Id 0 is padding and masked out. A prompt of padding alone is the null
 * condition of classifier-free guidance: one learned token.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { init, key, tensor } from "@dipp/tensor";
 * import { WordEmbedder } from "@dipp/scores";
 *
 * await init();
 * const embedder = new WordEmbedder({ vocabularySize: 10, maxLength: 3, width: 4 });
 * const ids = tensor(new Int32Array([5, 2, 0, 0, 0, 0]), [2, 3]);
 * const { mask } = embedder.apply(embedder.init(key(0)), ids);
 * assertEquals([...await mask.cast("f32").data()], [1, 1, 0, 1, 0, 0]);
 * ```
 */
export class WordEmbedder {
  /** Its shape. */
  readonly config: WordEmbedderConfig;

  /**
   * Checks the shape.
   *
   * @param config Its shape.
   */
  constructor(config: WordEmbedderConfig) {
    for (const [name, value] of Object.entries(config)) {
      if (!Number.isInteger(value) || value < 1) {
        throw new RangeError(
          `${name} of a word embedder must be a positive integer, got ${value}`,
        );
      }
    }
    this.config = config;
  }

  /**
   * Draws parameters from N(0, 1), positions from N(0, 0.1²).
   *
   * @param key The random key.
   * @returns The parameters, not yet computed.
   */
  init(key: Tensor): WordEmbedderParams {
    const { vocabularySize, maxLength, width } = this.config;
    return {
      token_embedding: embedding.init(fold(key, 0), vocabularySize, width),
      position_embedding: {
        weight: randn(fold(key, 1), [maxLength, width]).mul(0.1),
      },
      null_token: randn(fold(key, 2), [width]),
    };
  }

  /**
   * Embeds prompts.
   *
   * @param params The parameters.
   * @param ids Token ids, i32 `[B, L]`, L at most maxLength, 0 = padding.
   * @returns `embeds` `[B, L, C]` and `mask` `[B, L]` (bool, true = a token).
   */
  apply(
    params: WordEmbedderParams,
    ids: Tensor,
  ): { embeds: Tensor; mask: Tensor } {
    const { maxLength, width } = this.config;
    const [batch, length] = ids.shape;
    if (ids.ndim !== 2 || length > maxLength) {
      throw new RangeError(
        `Token ids must have shape [B, L] with L at most ${maxLength}, got [${ids.shape}]`,
      );
    }
    const isToken = ids.ne(0);
    const isEmpty = isToken.cast("f32").max(1, true).eq(0);
    const isFirst = arange(length).eq(0).reshape([1, length]);
    const isNull = isEmpty.logicalAnd(isFirst);
    const words = lookUp(params.token_embedding.weight, ids);
    const positions = params.position_embedding.weight.slice([[0, length]]);
    const nullToken = params.null_token.reshape([1, 1, width]);
    const embeds = where(
      isNull.unsqueeze(2).expand([batch, length, width]),
      nullToken.expand([batch, length, width]),
      words.add(positions),
    );
    return { embeds, mask: isToken.logicalOr(isNull) };
  }
}
