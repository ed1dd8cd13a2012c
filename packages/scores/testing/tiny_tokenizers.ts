/** Tokenizer files of tiny checkpoints: byte-level pairs as CLIP's, pieces with scores as T5's. */

const START = "<|startoftext|>", END = "<|endoftext|>";

/** Pairs that are merged, the first first; two words come out whole. */
const MERGES = ["a t</w>", "c at</w>", "p h", "o t", "ph ot", "phot o</w>", "o f</w>"];

/** The characters that stand for bytes in byte-level vocabularies (GPT-2's `bytes_to_unicode`), in its order. */
function byteCharacters(): string[] {
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  const others = range(0, 255).filter((byte) => !printable.includes(byte)).map((_, i) => 256 + i);
  return [...printable, ...others].map((code) => String.fromCharCode(code));
}

/**
 * The files of a tokenizer as CLIP's: every byte, every byte that ends a word, a few merges, start and end.
 *
 * @returns File name to content, and how many ids there are.
 */
export function tinyClipTokenizer(padToken: string = END): { files: Record<string, string>; size: number } {
  const bytes = byteCharacters();
  const merged = MERGES.map((pair) => pair.replace(" ", ""));
  const tokens = [...bytes, ...bytes.map((byte) => `${byte}</w>`), ...merged, START, END];
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const config = { tokenizer_class: "CLIPTokenizer", model_max_length: 77, pad_token: padToken };
  return {
    files: {
      "vocab.json": JSON.stringify(vocabulary),
      "merges.txt": ["#version: 0.2", ...MERGES, ""].join("\n"),
      "tokenizer_config.json": JSON.stringify(config, null, 2) + "\n",
    },
    size: tokens.length,
  };
}

/** Pieces with their log probabilities; single letters, so that any lower-case text can be written. */
const PIECES: readonly (readonly [string, number])[] = [
  ["<pad>", 0],
  ["</s>", 0],
  ["<unk>", 0],
  ["▁", -2],
  ...[..."abcdefghijklmnopqrstuvwxyz,."].map((letter): [string, number] => [letter, -4]),
  ...["▁a", "▁photo", "▁of", "▁cat"].map((word): [string, number] => [word, -6]),
];

/**
 * The files of a tokenizer as T5's: a unigram model of letters and a few words.
 *
 * @returns File name to content, and how many ids there are.
 */
export function tinyT5Tokenizer(): { files: Record<string, string>; size: number } {
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: ["<pad>", "</s>", "<unk>"].map(special),
    normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }] },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "WhitespaceSplit" }, {
        type: "Metaspace",
        replacement: "▁",
        prepend_scheme: "always",
        split: true,
      }],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: "</s>", type_id: 0 } }],
      pair: [],
      special_tokens: { "</s>": { id: "</s>", ids: [1], tokens: ["</s>"] } },
    },
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: { type: "Unigram", unk_id: 2, vocab: PIECES, byte_fallback: false },
  };
  const config = { tokenizer_class: "T5Tokenizer", pad_token: "<pad>", eos_token: "</s>", model_max_length: 120 };
  return {
    files: {
      "tokenizer.json": JSON.stringify(json),
      "tokenizer_config.json": JSON.stringify(config, null, 2) + "\n",
    },
    size: PIECES.length,
  };
}
