/** The pattern of CLIP's words; contractions, letters, single digits, everything else. */
const WORDS = "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * The `tokenizer.json` of the files that older checkpoints of CLIP have.
 *
 * Source: transformers, `convert_slow_tokenizer.py`, `CLIPConverter`.
 *
 * @param vocabulary `vocab.json`: tokens and ids.
 * @param merges `merges.txt`: a line of version, then pairs, the first merged first.
 * @returns What tokenizers.js takes.
 * @throws {TypeError} If the vocabulary is none, or lacks the tokens that begin and end a text.
 */
export function clipTokenizerJson(vocabulary: Readonly<Record<string, unknown>>, merges: string): object {
  const START = "<|startoftext|>", END = "<|endoftext|>";
  for (const [token, id] of Object.entries(vocabulary)) {
    if (Number.isSafeInteger(id) && (id as number) >= 0) continue;
    throw new TypeError(`Invalid vocab.json: ${JSON.stringify(token)} is ${JSON.stringify(id)}, expected an id`);
  }
  for (const token of [START, END]) {
    if (vocabulary[token] === undefined) throw new TypeError(`Invalid vocab.json: it lacks "${token}"`);
  }
  const pairs = merges.split("\n").filter((line) => line !== "" && !line.startsWith("#version"));
  const wrong = pairs.find((line) => line.split(" ").length !== 2);
  if (wrong !== undefined) throw new TypeError(`Invalid merges.txt: ${JSON.stringify(wrong)} is no pair`);
  const special = (content: string) => ({
    id: vocabulary[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: "1.0",
    added_tokens: [special(START), special(END)],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: WORDS }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [END, vocabulary[END]],
      cls: [START, vocabulary[START]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab: vocabulary,
      merges: pairs,
    },
  };
}
