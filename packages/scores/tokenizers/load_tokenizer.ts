import { Tokenizer } from "@huggingface/tokenizers";
import { openBytes } from "@dipp/nn";
import { readJson } from "../diffusers/read_json.ts";
import { clipTokenizerJson } from "./clip_json.ts";

/** How texts become token ids of a fixed length. */
export interface TextTokenizer {
  /** Its kind: CLIP pads with a token and uses no mask, T5 and BERT mask. */
  readonly kind: "clip" | "t5" | "bert";
  /** One more than the largest token id. */
  readonly vocabularySize: number;
  /**
   * Tokenises texts, cut where they are longer.
   *
   * @param texts The texts.
   * @param length Tokens of each; default 77 for CLIP, 120 for T5 (PixArt's), 35 for BERT (ImageReward's).
   * @returns Ids and mask `[texts, length]`, row-major; the mask is 1 where a token is.
   */
  encode(texts: readonly string[], length?: number): TokenIds;
}

/** Token ids of several texts. */
export interface TokenIds {
  /** `[count, length]`, row-major. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** 1 where a token is, 0 where padding is. */
  readonly mask: Int32Array<ArrayBuffer>;
  /** Tokens of each text. */
  readonly length: number;
}

/** How {@linkcode loadTokenizer} loads. */
export interface LoadTokenizerOptions {
  /** Its class, where `tokenizer_config.json` does not say it. */
  readonly className?: string;
  /** Token ids that the text encoder knows; a tokenizer with more is refused. */
  readonly vocabularySize?: number | undefined;
}

const KINDS = { clip: 77, t5: 120, bert: 35 } as const;
const MOST = 256 * 2 ** 20;

/**
 * Loads a tokenizer from the files of a checkpoint: `tokenizer.json`, or, for CLIP, `vocab.json` and `merges.txt`. The
 * work is done by Hugging Face's tokenizers.js.
 *
 * @param folder The folder.
 * @param options Class and size of the text encoder's vocabulary.
 * @returns The tokenizer.
 * @throws {TypeError} If files are missing, not what they should be, or of a tokenizer that is not known.
 * @throws {RangeError} If it has ids that the text encoder does not know.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { loadTokenizer } from "@dipp/scores";
 *
 * await assertRejects(
 *   () => loadTokenizer("/nowhere", { className: "T5Tokenizer" }),
 *   TypeError,
 *   "tokenizer.json: there is no such file",
 * );
 * ```
 */
export async function loadTokenizer(folder: string, options: LoadTokenizerOptions = {}): Promise<TextTokenizer> {
  const plain = folder.replace(/\/+$/, "");
  const config = await optional(`${plain}/tokenizer_config.json`) ?? {};
  const className = `${config.tokenizer_class ?? options.className}`;
  const kind = /^CLIP/.test(className)
    ? "clip"
    : /^T5/.test(className)
    ? "t5"
    : /^Bert/.test(className)
    ? "bert"
    : undefined;
  if (kind === undefined) {
    throw new TypeError(`Cannot load ${plain}: its tokenizer is ${className}, expected CLIP's, T5's or BERT's`);
  }
  const isOld = kind === "clip" && !await exists(`${plain}/tokenizer.json`);
  const json = isOld
    ? clipTokenizerJson(await readJson(`${plain}/vocab.json`, MOST), await readText(`${plain}/merges.txt`))
    : await readJson(`${plain}/tokenizer.json`, MOST);
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, config);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : `${cause}`;
    throw new TypeError(`Cannot load ${plain}: its tokenizer is not understood: ${reason}`, { cause });
  }
  const vocabularySize = tokenizer.get_vocab().values().reduce((most, id) => Math.max(most, id + 1), 0);
  const known = options.vocabularySize ?? Infinity;
  if (vocabularySize > known) {
    throw new RangeError(
      `Cannot load ${plain}: the tokenizer has ${vocabularySize} ids, the text encoder knows ${known}: they do not match`,
    );
  }
  const padding = paddingOf(tokenizer, kind, config, plain);
  return {
    kind,
    vocabularySize,
    encode: (texts, length = KINDS[kind]) => encodeAll(tokenizer, texts, length, padding, vocabularySize),
  };
}

function encodeAll(
  tokenizer: Tokenizer,
  texts: readonly string[],
  length: number,
  padding: number,
  vocabularySize: number,
): TokenIds {
  if (!Number.isSafeInteger(length) || length < 2) {
    throw new RangeError(`Cannot tokenise to ${length} tokens: expected an integer of at least 2`);
  }
  const ids = new Int32Array(texts.length * length).fill(padding);
  const mask = new Int32Array(texts.length * length);
  texts.forEach((text, row) => {
    const all = tokenizer.encode(text).ids;
    if (all.some((id) => !(id >= 0 && id < vocabularySize))) {
      throw new TypeError(`Cannot tokenise ${JSON.stringify(text)}: the tokenizer has no token for a part of it`);
    }
    // The last token ends the text, also where the text is cut
    const kept = all.length > length ? [...all.slice(0, length - 1), all[all.length - 1]] : all;
    ids.set(kept, row * length);
    mask.fill(1, row * length, row * length + kept.length);
  });
  return { ids, mask, length };
}

const PADDING = { clip: "<|endoftext|>", t5: "<pad>", bert: "[PAD]" } as const;

function paddingOf(
  tokenizer: Tokenizer,
  kind: keyof typeof KINDS,
  config: Readonly<Record<string, unknown>>,
  folder: string,
): number {
  const own = config.pad_token;
  const token = typeof own === "string"
    ? own
    : (own as { content?: string } | null | undefined)?.content ?? PADDING[kind];
  const id = tokenizer.token_to_id(token);
  if (id === undefined) throw new TypeError(`Cannot load ${folder}: its vocabulary lacks the padding "${token}"`);
  return id;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

async function optional(path: string): Promise<Record<string, unknown> | undefined> {
  return await exists(path) ? await readJson(path) : undefined;
}

async function readText(path: string): Promise<string> {
  using file = await openBytes(path);
  if (file.length > MOST) throw new RangeError(`Cannot read ${path}: it has ${file.length} bytes`);
  return new TextDecoder().decode(await file.read(0, file.length));
}
