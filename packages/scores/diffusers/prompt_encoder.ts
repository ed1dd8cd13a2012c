import type { Params } from "@dipp/nn";
import { cat, compile, init, type Tensor, tensor, treeLeaves, treeMap, zeros } from "@dipp/tensor";
import type { Cond } from "../types.ts";
import { condFields } from "../cond.ts";
import { CLIPTextModel, CLIPTextModelWithProjection, type CLIPTextWithProjectionParams } from "../text/clip_text.ts";
import { T5EncoderModel, type T5EncoderParams } from "../text/t5_encoder.ts";
import type { TextTokenizer } from "../tokenizers/load_tokenizer.ts";
import type { DiffusersDirectory } from "./directory.ts";
import type { LoadComponentOptions, LoadedComponent } from "./load_component.ts";

/** How {@linkcode PromptEncoder.load} loads. */
export interface PromptEncoderOptions extends Pick<LoadComponentOptions, "dtype" | "variant" | "onProgress"> {
  /** Tokens of every prompt; default 77 for CLIP, 120 for T5. */
  readonly length?: number;
}

/** A text encoder with its tokenizer. */
interface Encoder {
  readonly tokenizer: TextTokenizer;
  readonly params: Params;
  readonly encode: (params: Params, ids: Tensor, mask: Tensor) => Cond;
}

type TextNetwork = CLIPTextModel | CLIPTextModelWithProjection | T5EncoderModel;

/** Tables are looked up where they lie: casting them would make a copy of all of them. */
const TABLE = /(^shared|token_embedding)\.weight$/;

/**
 * From prompts to conditions, with the text encoders of a diffusers directory: CLIP's last state (Stable Diffusion 1.x
 * and 2.x), T5's with its mask (PixArt), or the last states but one of two CLIPs, side by side, with the pooled text of
 * the second (SDXL). 16-bit weights are computed with in f32.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DiffusersDirectory, PromptEncoder } from "@dipp/scores";
 *
 * const path = new URL(import.meta.resolve("../../../testdata/diffusers/pixart")).pathname;
 * using encoder = await PromptEncoder.load(await DiffusersDirectory.open(path));
 * const { embeds, mask } = await encoder.encode(["a photo of a cat"]);
 * assertEquals([embeds?.shape, mask?.shape], [[1, 120, 16], [1, 120]]);
 * ```
 */
export class PromptEncoder implements Disposable {
  /** Tokens of every prompt. */
  readonly length: number;
  readonly #encoders: readonly Encoder[];
  readonly #run: (ids: Tensor[]) => Record<string, Tensor>;
  readonly #zeroNull: boolean;

  private constructor(encoders: readonly Encoder[], length: number, zeroNull: boolean) {
    this.#encoders = encoders;
    this.length = length;
    this.#zeroNull = zeroNull;
    this.#run = compile((inputs: Tensor[]) =>
      condFields(
        beside(encoders.map(({ params, encode }, i) => encode(widened(params), inputs[2 * i], inputs[2 * i + 1]))),
      )
    );
  }

  /**
   * Loads every text encoder of a directory with its tokenizer.
   *
   * @param directory The directory.
   * @param options Element type of the weights, and how many tokens.
   * @returns The encoder; to be disposed of, which frees the weights.
   * @throws {TypeError} If there is no text encoder, or one that is not known.
   * @throws {RangeError} If a checkpoint is broken, or a tokenizer does not match its encoder.
   */
  static async load(directory: DiffusersDirectory, options: PromptEncoderOptions = {}): Promise<PromptEncoder> {
    await init();
    const isDouble = directory.components.has("text_encoder_2");
    const encoders: Encoder[] = [];
    for (const suffix of isDouble ? ["", "_2"] : [""]) {
      const { className, network } = await directory.describe(`text_encoder${suffix}`);
      if (!isText(network)) {
        throw new TypeError(`${directory.path}/text_encoder${suffix} is a ${className}, expected a text encoder`);
      }
      const tokenizer = await directory.tokenizer(`tokenizer${suffix}`, network.config.vocab_size);
      const { params } = await directory.load(`text_encoder${suffix}`, options);
      encoders.push({ tokenizer, params, encode: encodeWith(network, isDouble) });
    }
    const length = options.length ?? encoders[0].tokenizer.encode([""]).length;
    return new PromptEncoder(encoders, length, directory.index.force_zeros_for_empty_prompt === true);
  }

  /**
   * Encodes prompts.
   *
   * @param prompts B prompts; a call with as many as before compiles nothing anew.
   * @returns `embeds` `[B, L, D]`; `mask` `[B, L]` for T5; `textEmbeds` `[B, D']` for SDXL. Computed, f32.
   */
  async encode(prompts: readonly string[]): Promise<Cond> {
    const shape = [prompts.length, this.length];
    const inputs = this.#encoders.flatMap(({ tokenizer }) => {
      const { ids, mask } = tokenizer.encode(prompts, this.length);
      return [tensor(ids, shape), tensor(mask, shape)];
    });
    const cond = this.#run(inputs);
    await Promise.all(Object.values(cond).map((field) => field.realize()));
    return cond;
  }

  /**
   * The condition of no prompt, which classifier-free guidance goes away from: the empty prompt, encoded; zeros where
   * the directory says so (SDXL).
   *
   * @param rows How many, all the same.
   * @returns A condition of so many rows.
   */
  async null(rows = 1): Promise<Cond> {
    const cond = await this.encode(new Array<string>(rows).fill(""));
    if (!this.#zeroNull) return cond;
    return Object.fromEntries(Object.entries(condFields(cond)).map(([name, field]) => [name, zeros(field.shape)]));
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    for (const { params } of this.#encoders) treeLeaves<Tensor>(params).forEach((leaf) => leaf.dispose());
  }
}

function isText(network: LoadedComponent["network"]): network is TextNetwork {
  return network instanceof CLIPTextModel || network instanceof CLIPTextModelWithProjection ||
    network instanceof T5EncoderModel;
}

/** What a text encoder contributes to a condition; `isPart` of two, as SDXL has them. */
function encodeWith(network: TextNetwork, isPart: boolean): Encoder["encode"] {
  if (network instanceof T5EncoderModel) {
    return (params, inputIds, mask) => ({
      embeds: network.apply(params as T5EncoderParams, { inputIds, attentionMask: mask })
        .lastHiddenState,
      // A copy, since what a compiled function returns is its own
      mask: mask.mul(1),
    });
  }
  return (params, inputIds) => {
    const encoding = network.apply(params as CLIPTextWithProjectionParams, { inputIds });
    return {
      embeds: isPart ? encoding.hiddenStates.at(-2)! : encoding.lastHiddenState,
      ...("textEmbeds" in encoding ? { textEmbeds: encoding.textEmbeds as Tensor } : {}),
    };
  };
}

/** Conditions of the same prompts as one: embeddings side by side. */
function beside(conds: readonly Cond[]): Cond {
  if (conds.length === 1) return conds[0];
  return Object.assign({}, ...conds, { embeds: cat(conds.map((cond) => cond.embeds!), 2) });
}

function widened(params: Params): Params {
  return treeMap<Tensor, Tensor>(params, (p, path) => TABLE.test(path) ? p : p.cast("f32"));
}
