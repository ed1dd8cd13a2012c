/** Prompts that a full-size model is trained on: embedded before, read as they are needed. */
import { type Cond, type LatentDiffusion, PixArtTransformer2DModel } from "@dipp/scores";
import { placeholder } from "@dipp/tensor";
import { ConfigError } from "../config/config_error.ts";
import { type EmbeddedPrompts, EmbeddingReader } from "../embed/embedding_reader.ts";

/** Embedded prompts by step, and by number. */
export interface PromptStream extends Disposable {
  /** How many there are. */
  readonly count: number;
  /** The condition of no prompt, one row. */
  readonly none: Cond;
  /** The prompts of a step. */
  batch(step: number): Promise<EmbeddedPrompts>;
  /** Some of them. */
  rows(numbers: readonly number[]): Promise<EmbeddedPrompts>;
}

/** Numbers of a token, and of the pooled prompt where there is one. */
interface Widths {
  readonly width: number;
  readonly pooled: number | undefined;
}

/**
 * Opens what `deno task embed` wrote.
 *
 * @param path The file.
 * @param diffusion Whose prompts they are to be.
 * @param options Prompts of a step, and the seed of their order.
 * @returns The prompts; to be disposed of.
 * @throws {ConfigError} If there is no such file, or it is of another text encoder.
 */
export async function openPrompts(
  path: string,
  diffusion: LatentDiffusion,
  options: { readonly batchSize: number; readonly seed: number },
): Promise<PromptStream> {
  let reader: EmbeddingReader;
  try {
    reader = await EmbeddingReader.open(path, options);
  } catch (error) {
    throw new ConfigError(`prompts is ${path}: ${(error as Error).message}; deno task embed makes such a file`);
  }
  try {
    const { width, pooled } = widthsOf(diffusion);
    if (reader.facts.width !== width || pooled !== undefined && reader.facts.pooled !== pooled) {
      const show = (widths: Widths) => `${widths.width}${widths.pooled === undefined ? "" : ` and ${widths.pooled}`}`;
      throw new ConfigError(
        `prompts is ${path}, whose embeddings are ${show(reader.facts)} wide, but the network takes ${
          show({ width, pooled })
        }: they are of another text encoder`,
      );
    }
    const { count } = reader.facts;
    if (count === 0) throw new ConfigError(`prompts is ${path}, which holds no prompt`);
    return {
      count,
      none: await reader.null(),
      batch: (step) => reader.batch(step),
      rows: (numbers) => reader.rows(numbers),
      [Symbol.dispose]: () => reader[Symbol.dispose](),
    };
  } catch (error) {
    reader[Symbol.dispose]();
    throw error;
  }
}

/**
 * Prompts in shape only, to plan with: as many tokens as the model's text encoder gives, 16-bit.
 *
 * @param diffusion Whose prompts they would be.
 * @param batchSize Prompts of a step.
 */
export function planPrompts(diffusion: LatentDiffusion, batchSize: number): PromptStream {
  const { width, pooled } = widthsOf(diffusion);
  const isT5 = diffusion.network instanceof PixArtTransformer2DModel;
  const length = isT5 ? 120 : 77;
  const cond = (rows: number): Cond => ({
    embeds: placeholder([rows, length, width], "f16"),
    ...(isT5 && { mask: placeholder([rows, length], "i32") }),
    ...(pooled !== undefined && { textEmbeds: placeholder([rows, pooled], "f16") }),
  });
  const batch = (rows: number) => Promise.resolve({ cond: cond(rows), prompts: new Array<string>(rows).fill("") });
  return {
    count: batchSize,
    none: cond(1),
    batch: () => batch(batchSize),
    rows: (numbers) => batch(numbers.length),
    [Symbol.dispose]: () => {},
  };
}

function widthsOf({ network }: LatentDiffusion): Widths {
  if (network instanceof PixArtTransformer2DModel) return { width: network.config.caption_channels, pooled: undefined };
  const { cross_attention_dim: width, projection_class_embeddings_input_dim: all, addition_time_embed_dim } =
    network.config;
  // Beside the pooled prompt there are six sizes, each embedded
  return { width, pooled: all === null ? undefined : all - 6 * (addition_time_embed_dim ?? 0) };
}
