/**
 * Words as integers: the text side of small models.
 *
 * @module
 */

/** The id of padding. */
export const PADDING_ID = 0;

/** The id of a word that no name has, and of the null prompt of classifier-free guidance. */
export const UNKNOWN_ID = 1;

/**
 * Splits a prompt into lower-case words: accents dropped, apostrophes and full stops removed ("worker's" is one word),
 * other punctuation a space.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { words } from "./vocabulary.ts";
 *
 * assertEquals(words("Upside-down Face, côte d’Ivoire"), ["upside", "down", "face", "cote", "divoire"]);
 * ```
 */
export function words(prompt: string): string[] {
  return prompt.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(
    /['\u2018\u2019.]/g,
    "",
  )
    .split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
}

/** A vocabulary as it is kept in a checkpoint. */
export interface VocabularyData {
  /** The known words; the first has id 2. */
  words: string[];
  /** Ids in an encoded prompt. */
  maxLength: number;
}

/**
 * A word vocabulary: id 0 pads, id 1 is the unknown word and the null prompt, the words follow in alphabetical order.
 * The same names give the same ids, in whatever order they come.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Vocabulary } from "./vocabulary.ts";
 *
 * const vocabulary = Vocabulary.fromNames(["red apple", "green apple", "red heart"]);
 * assertEquals(vocabulary.encode("Green heart!"), new Int32Array([3, 4]));
 * assertEquals(vocabulary.encode("pear"), new Int32Array([1, 0]));
 * ```
 */
export class Vocabulary {
  /** The known words; the first has id 2. */
  readonly words: readonly string[];
  /** Ids in an encoded prompt. */
  readonly maxLength: number;
  readonly #ids: ReadonlyMap<string, number>;

  /**
   * Takes words that were kept in a checkpoint.
   *
   * @param data The words and the length, as {@link Vocabulary.toJSON} gives them.
   * @throws {TypeError} If a word is not in the form that `words` gives, or appears twice.
   * @throws {RangeError} If the length is not a positive integer.
   */
  constructor(data: VocabularyData) {
    if (!Number.isInteger(data.maxLength) || data.maxLength < 1) {
      throw new RangeError(
        `Vocabulary maxLength is ${data.maxLength}, expected a positive integer`,
      );
    }
    if (!Array.isArray(data.words)) {
      throw new TypeError(
        "Vocabulary words are missing, expected an array of strings",
      );
    }
    for (const word of data.words) {
      if (
        typeof word !== "string" || words(word).length !== 1 ||
        words(word)[0] !== word
      ) {
        throw new TypeError(
          `Vocabulary word is ${JSON.stringify(word)}, expected one lower-case word`,
        );
      }
    }
    this.words = [...data.words];
    this.maxLength = data.maxLength;
    this.#ids = new Map(this.words.map((word, i) => [word, i + 2]));
    if (this.#ids.size !== this.words.length) {
      throw new TypeError("Vocabulary has a word twice, expected each once");
    }
  }

  /**
   * The vocabulary of a set of names.
   *
   * @param names The names.
   * @param maxLength Ids in an encoded prompt; the longest name's number of words unless told.
   */
  static fromNames(names: Iterable<string>, maxLength?: number): Vocabulary {
    const known = new Set<string>();
    let longest = 1;
    for (const name of names) {
      const parts = words(name);
      longest = Math.max(longest, parts.length);
      for (const word of parts) known.add(word);
    }
    // The default order compares code units, so it is the same in every locale.
    return new Vocabulary({
      words: [...known].sort(),
      maxLength: maxLength ?? longest,
    });
  }

  /** Number of ids, padding and the unknown word included: the rows of the embedding table. */
  get size(): number {
    return this.words.length + 2;
  }

  /**
   * The ids of a prompt, padded to `maxLength`. Words beyond it are dropped; a prompt without words is the null prompt.
   */
  encode(prompt: string): Int32Array {
    const ids = new Int32Array(this.maxLength);
    const parts = words(prompt);
    if (parts.length === 0) return this.nullPrompt();
    parts.slice(0, this.maxLength).forEach((word, i) => ids[i] = this.#ids.get(word) ?? UNKNOWN_ID);
    return ids;
  }

  /** The ids of several prompts, row by row: `[prompts, maxLength]`. */
  encodeAll(prompts: readonly string[]): Int32Array {
    const ids = new Int32Array(prompts.length * this.maxLength);
    prompts.forEach((prompt, i) => ids.set(this.encode(prompt), i * this.maxLength));
    return ids;
  }

  /** The ids of the null prompt. It holds the unknown word, so that attention always has a token to look at. */
  nullPrompt(): Int32Array {
    const ids = new Int32Array(this.maxLength);
    ids[0] = UNKNOWN_ID;
    return ids;
  }

  /** What a person should know about a prompt before sampling: its unknown and dropped words; undefined if none. */
  warning(prompt: string): string | undefined {
    const parts = words(prompt);
    const quote = (list: string[]) => list.map((word) => `"${word}"`).join(", ");
    const unknown = [...new Set(parts.filter((word) => !this.#ids.has(word)))];
    const dropped = parts.slice(this.maxLength);
    const messages: string[] = [];
    if (unknown.length > 0) {
      messages.push(
        `the model knows ${this.words.length} words, and ${quote(unknown)} ` +
          (unknown.length === 1 ? "is not one of them" : "are not among them"),
      );
    }
    if (dropped.length > 0) {
      messages.push(
        `it reads ${this.maxLength} words, so ${quote(dropped)} had no effect`,
      );
    }
    return messages.length === 0 ? undefined : `Prompt "${prompt}": ${messages.join("; ")}`;
  }

  /** The vocabulary as plain data, for a checkpoint. */
  toJSON(): VocabularyData {
    return { words: [...this.words], maxLength: this.maxLength };
  }
}
