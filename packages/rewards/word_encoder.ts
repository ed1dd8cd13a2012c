import { fold, type Tensor } from "@dipp/tensor";
import { embedding, type EmbeddingParams, linear, type LinearParams } from "@dipp/nn";
import { z } from "zod";

/** The size of a {@linkcode WordEncoder}. */
export interface WordEncoderConfig {
  /** Number of token ids, padding (0) included. */
  readonly vocab_size: number;
  /** Length of a word vector. */
  readonly embed_dim: number;
  /** Length of a feature vector. */
  readonly features: number;
}

/** What a {@linkcode WordEncoderConfig} must look like, and its defaults. */
export const wordEncoderSchema: z.ZodType<
  WordEncoderConfig,
  Partial<WordEncoderConfig>
> = z.strictObject({
  vocab_size: z.int().min(2).default(2048),
  embed_dim: z.int().positive().default(64),
  features: z.int().positive().default(128),
});

/** Parameters of a {@linkcode WordEncoder}. */
export type WordEncoderParams = {
  /** Word vectors. */
  embed: EmbeddingParams;
  /** Hidden layer. */
  fc1: LinearParams;
  /** Projection to the features. */
  fc2: LinearParams;
};

/** Encodes a prompt as the mean of its words' vectors through a small MLP; word order does not matter. */
export class WordEncoder {
  /** The size, complete. */
  readonly config: WordEncoderConfig;

  /** Checks the configuration; see {@linkcode wordEncoderSchema}. */
  constructor(config: Partial<WordEncoderConfig> = {}) {
    this.config = wordEncoderSchema.parse(config);
  }

  /** Fresh parameters from a random key. */
  init(key: Tensor): WordEncoderParams {
    const { vocab_size, embed_dim, features } = this.config;
    return {
      embed: embedding.init(fold(key, 0), vocab_size, embed_dim),
      fc1: linear.init(fold(key, 1), embed_dim, features),
      fc2: linear.init(fold(key, 2), features, features),
    };
  }

  /**
   * Encodes prompts.
   *
   * @param params the parameters
   * @param ids token ids `[B, L]` i32, 0 is padding; a prompt without words is encoded as the zero vector's image
   * @returns `[B, features]`
   */
  apply(params: WordEncoderParams, ids: Tensor): Tensor {
    const words = embedding.apply(params.embed, ids);
    const kept = ids.ne(0).cast("f32");
    const count = kept.sum(1, true).maximum(1);
    const mean = words.mul(kept.unsqueeze(2)).sum(1).div(count);
    return linear.apply(params.fc2, linear.apply(params.fc1, mean).silu());
  }
}
