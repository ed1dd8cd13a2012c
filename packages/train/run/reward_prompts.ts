/** Tokens of rewards that bring tokenizers of their own, as inputs of a step. */
import type { Prompts, Reward } from "@dipp/rewards";
import { type Tensor, tensor } from "@dipp/tensor";
import type { TokenSource } from "../models/reward_leaf.ts";
import type { Vocabulary } from "../vocabulary.ts";
import type { NamedTensors } from "./stage.ts";

/** How the inputs of a step are called that are tokens. */
const PREFIX = "tokens/";

/** What rewards read beside the vocabulary's ids. A step is given ids of words, which stand for prompts of the data. */
export class RewardPrompts {
  readonly #sources: readonly TokenSource[];
  readonly #texts: ReadonlyMap<string, string>;

  /**
   * @param sources What makes the tokens.
   * @param prompts All prompts of the data.
   * @param vocabulary The words of the ids.
   */
  constructor(sources: readonly TokenSource[], prompts: readonly string[], vocabulary: Vocabulary) {
    this.#sources = sources;
    this.#texts = new Map(
      sources.length === 0 ? [] : prompts.toReversed().map((text) => [vocabulary.encode(text).join(), text]),
    );
  }

  /**
   * Tokens of the prompts that rows of ids stand for, as inputs of a step.
   *
   * @param ids Ids of words, row by row.
   * @param rows How many rows.
   * @throws {RangeError} If a row is of no prompt of the data.
   */
  inputs(ids: Int32Array, rows: number): NamedTensors {
    if (this.#sources.length === 0) return {};
    const width = ids.length / rows;
    const texts = Array.from({ length: rows }, (_, row) => {
      const own = ids.subarray(row * width, (row + 1) * width).join();
      const text = this.#texts.get(own);
      if (text !== undefined) return text;
      throw new RangeError(`The reward's tokenizer needs the prompt of the ids ${own}, which is none of the data's`);
    });
    return Object.fromEntries(Object.entries(this.#encode(texts)).map(([name, t]) => [PREFIX + name, t]));
  }

  /** The prompts of a step, from its inputs. */
  static of(ids: Tensor, inputs: NamedTensors): Prompts {
    const tokens = Object.entries(inputs).filter(([name]) => name.startsWith(PREFIX))
      .map(([name, t]) => [name.slice(PREFIX.length), t]);
    return { ids, ...(tokens.length > 0 ? { tokens: Object.fromEntries(tokens) } : {}) };
  }

  /** A reward that makes its tokens of the prompts' texts. */
  ofTexts(reward: Reward): Reward {
    if (this.#sources.length === 0) return reward;
    return {
      ...(reward.description ? { description: reward.description } : {}),
      score: (images, { ids, texts }) => {
        if (!texts) throw new TypeError("The reward's tokenizer needs the texts of the prompts, got none");
        return reward.score(images, { ids, texts, tokens: this.#encode(texts) });
      },
    };
  }

  #encode(texts: readonly string[]): Record<string, Tensor> {
    return Object.fromEntries(this.#sources.flatMap(({ name, encode }) => {
      const { ids, length, mask } = encode(texts);
      const shaped = (values: Int32Array) => tensor(values.slice(), [texts.length, length]);
      return [[name, shaped(ids)], ...(mask ? [[`${name}_mask`, shaped(mask)] as const] : [])] as const;
    }));
  }
}
